"""Bundles that open from a link: the worked examples of this package and what visitors chose to share."""

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent import Bundle

FIRST = "yen"  # what the page opens with
MOST_SHARED = 2_000
MOST_CHARACTERS = 24_000_000  # of a file that is brought
_NAME = re.compile(r"[a-z]{1,20}")
_ID = re.compile(r"[0-9a-f]{32}")


@cache
def read_gallery() -> list[dict[str, Any]]:
    """The worked examples, a line each: name, kind, text, answer, foil, p, tests, held."""
    index = files("ui").joinpath("gallery", "index.json")
    lines: list[dict[str, Any]] = json.loads(index.read_text(encoding="utf-8"))
    return lines


def find_bundle(name: str, folder: Path) -> "Bundle":
    """The bundle of a link; raises AgentError with a sentence when there is none."""
    from agent import AgentError, read_bundle

    if _NAME.fullmatch(name) and any(line["name"] == name for line in read_gallery()):
        return _example(name)
    if _ID.fullmatch(name) and (folder / f"{name}.json.gz").is_file():
        return read_bundle(folder / f"{name}.json.gz")
    raise AgentError("There is nothing under this link: it is mistyped, or what it led to was removed.")


@cache
def _example(name: str) -> "Bundle":
    """A worked example, the same object for every visitor: most pages open with the first one."""
    from agent import read_bundle

    return read_bundle(files("ui").joinpath("gallery", f"{name}.json.gz").read_bytes())


def save_bundle(bundle: "Bundle", folder: Path) -> str:
    """Keep a bundle under a name made from its content, so that a link opens it; the name."""
    from agent import AgentError

    for line in read_gallery():
        if line["id"] == bundle.id:
            return str(line["name"])
    path = folder / f"{bundle.id}.json.gz"
    if not path.exists():
        if folder.is_dir() and sum(1 for _ in folder.iterdir()) >= MOST_SHARED:
            raise AgentError(f"No more links can be made here: there are {MOST_SHARED} already. Save a file.")
        bundle.save(path)
    return bundle.id


def read_upload(name: str, text: str) -> "tuple[Bundle | None, dict[str, Any]]":
    """A file from a visitor: a bundle, or else the look of somebody's graph. Raises AgentError."""
    from agent import AgentError, read_bundle, view_graph

    if len(text) > MOST_CHARACTERS:
        raise AgentError(f"The file is too large: at most {MOST_CHARACTERS // 1_000_000} MB are read.")
    data = text.encode("utf-8", "replace")
    if '"askcircuit-bundle"' in text[:400]:
        return read_bundle(data), {}
    return None, view_graph(data, name[:100])
