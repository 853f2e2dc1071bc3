"""Digests of large files, remembered with the size and time of what was read: a gigabyte takes seconds."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

NAME = "digests.json"


def known_digest(path: Path, cache: Path) -> str:
    """The SHA-256 of a file; read again only where its size or its time of change is another.

    Raises OSError where the file cannot be read; a cache that cannot be used costs time only.
    """
    state = path.stat()
    mark = [state.st_size, state.st_mtime_ns, state.st_ino]
    known = _read(cache / NAME)
    key = str(path.resolve())
    kept = known.get(key)
    if isinstance(kept, list) and len(kept) == 4 and kept[:3] == mark:
        return str(kept[3])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        part = cache / f"{NAME}.part"
        part.write_text(json.dumps({**known, key: [*mark, digest]}), encoding="utf-8")
        part.replace(cache / NAME)
    return digest


def _read(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
