"""Builds the corpus: fetches packages with their registries' own clients, reads them, writes jsonl.

Each source becomes DIR/NAME.jsonl, whole or not at all: a build that was stopped goes on where it was.
"""

import json
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tracer.autointerp.corpus.parsers import PARSERS
from tracer.autointerp.corpus.sources import SOURCES, Source
from tracer.autointerp.windows import scrub
from tracer.errors import TextError

DOCUMENT = 6_000  # characters; longer texts are cut into documents of this length
SHORTEST = 80


def build(folder: Path, tell: Callable[[str], None] = lambda _line: None) -> dict[str, int]:
    """Characters a source; raises TextError where a package cannot be fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes: dict[str, int] = {}
    with TemporaryDirectory() as packages:
        for source in SOURCES:
            path = folder / f"{source.name}.jsonl"
            if not path.exists():
                documents = list(_documents(source, _fetched(source, Path(packages))))
                part = path.with_suffix(".part")
                part.write_text(
                    "".join(
                        json.dumps({"text": d, "source": source.name}, ensure_ascii=False) + "\n"
                        for d in documents
                    ),
                    encoding="utf-8",
                )
                part.replace(path)
            sizes[source.name] = sum(len(json.loads(line)["text"]) for line in path.open(encoding="utf-8"))
            tell(f"{source.name}: {sizes[source.name]:,} characters")
    return sizes


def _fetched(source: Source, folder: Path) -> Path:
    """The package's file, downloaded once a build."""
    stem = source.package.replace("-", "_") if source.registry == "pypi" else f"{source.package}_"
    if found := sorted(folder.glob(f"{stem}*")):
        return found[0]
    command = (
        ["apt-get", "download", source.package]
        if source.registry == "debian"
        else [sys.executable, "-m", "pip", "download", "-q", "--no-deps", source.package]
    )
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise TextError(
            f"The package {source.package} ({source.registry}) cannot be downloaded; "
            f"`{' '.join(command)}` says why."
        ) from exc
    return sorted(folder.glob(f"{stem}*"))[0]


def _files(source: Source, package: Path) -> Iterator[bytes]:
    wanted = re.compile(source.files)
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            names = [name for name in archive.namelist() if wanted.search(name)]
            random.Random(0).shuffle(names)
            for name in names:
                yield archive.read(name)
        return
    unpacked = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(package)], check=True, capture_output=True
    ).stdout
    with TemporaryDirectory() as folder:
        path = Path(folder) / "data.tar"
        path.write_bytes(unpacked)
        with tarfile.open(path) as archive:
            members = [m for m in archive.getmembers() if m.isfile() and wanted.search(m.name)]
            random.Random(0).shuffle(members)
            for member in members:
                file = archive.extractfile(member)
                assert file is not None
                yield file.read()


def _documents(source: Source, package: Path) -> Iterator[str]:
    """Documents of the source, drawn at random, until its share is full."""
    parse = PARSERS[source.parse]
    texts = [list(parse(file)) for file in _files(source, package)]
    whole = sum(len(text) for file in texts for text in file)
    keep = min(1.0, source.characters / max(1, whole))
    taken, dice = 0, random.Random(source.name)
    for piece in (piece for file in texts for text in file for piece in _pieces(text)):
        if dice.random() <= keep * 1.15 and taken < source.characters:
            clean = scrub(piece).strip()
            if len(clean) >= SHORTEST:
                taken += len(clean)
                yield clean


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), DOCUMENT):
        yield text[start : start + DOCUMENT]
