"""Digests of large files, remembered with the size and time of what was read: a gigabyte takes seconds."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

NAME = "digests.json"


def known_digest(path: Path, cache: Path) -> str:
    """The SHA-256 of a file; read again only where its size or its time of change is another.

    Raises OSError where the file cannot be read.
    """
    kept = _read(cache / NAME).get(str(path.resolve()))
    if isinstance(kept, list) and len(kept) == 4 and kept[:3] == _mark(path):
        return str(kept[3])
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remember_digest(path: Path, cache: Path, digest: str) -> None:
    """Keep the digest of a file that was accepted; a cache that cannot be written costs time only."""
    with suppress(OSError):
        known, key, mark = _read(cache / NAME), str(path.resolve()), [*_mark(path), digest]
        if known.get(key) != mark:
            part = cache / f"{NAME}.part"
            part.write_text(json.dumps({**known, key: mark}), encoding="utf-8")
            part.replace(cache / NAME)


def _mark(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ino]


def _read(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
