"""Feature descriptions as lines of JSON in one file, the last line of an id winning. No search."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.core import LibraryError

log = logging.getLogger(__name__)

FROM_TEXT = "tokens"  # source of what one text alone showed
MAX_CONTEXTS = 8
MAX_PROMOTED = 5  # more make the sentence longer, not clearer
SUPERSEDED_LINES_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of one feature; `id` is like gemma-3-270m/L11.N1234+."""

    id: str
    model: str
    layer: int
    feature: int
    sign: str
    label: str
    source: str
    promotes: tuple[str, ...]
    fires_on: tuple[str, ...]
    score: float | None = None  # held-out AUROC of the label, where it was judged

    @property
    def is_described(self) -> bool:
        """Whether somebody described it, not one text alone."""
        return self.source != FROM_TEXT

    def __post_init__(self) -> None:
        if self.sign not in ("+", "-") or not self.id or not self.label.strip():
            raise LibraryError(
                f"The feature {self.id!r} needs an id, a label and a sign of + or -; "
                f"it has the label {self.label!r} and the sign {self.sign!r}."
            )

    def merged_into(self, older: "Description") -> "Description":
        """This description, with the contexts seen before it first; one text alone beats nothing told."""
        seen = tuple(dict.fromkeys((*older.fires_on, *self.fires_on)))[:MAX_CONTEXTS]
        return replace(older if older.is_described and not self.is_described else self, fires_on=seen)

    @property
    def sentence(self) -> str:
        """What is embedded: never `fires_on`, which grows with every text."""
        more = [token.strip() for token in self.promotes[:MAX_PROMOTED]]
        more = [token for token in more if token not in self.label]
        return f"{self.label}; promotes {', '.join(more)}" if more else self.label


class LabelLog:
    """The file. Only the process that holds the library's lock may call `append`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = False  # a crash left the last line without an end
        self._superseded = 0

    def read(self) -> dict[str, Description]:
        """All descriptions, oldest first; lines that make no sense are skipped."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        self._torn = bool(raw) and not raw.endswith(b"\n")
        rows: dict[str, Description] = {}
        lines = raw.splitlines()
        for line in lines:
            if (row := _parsed(line)) is not None:
                rows[row.id] = row
        self._superseded = len(lines) - len(rows)
        return rows

    def append(self, rows: Iterable[Description]) -> None:
        """Write whole lines at once and see them onto the disk."""
        lines = b"".join(_line(row) for row in rows)
        with self._path.open("ab") as file:
            file.write(b"\n" + lines if self._torn else lines)
            file.flush()
            os.fsync(file.fileno())
        self._torn = False

    def tidy(self, rows: dict[str, Description]) -> None:
        """Drop superseded lines once they outweigh the rest; a crash leaves the old file."""
        if self._superseded <= max(SUPERSEDED_LINES_KEPT, len(rows)):
            return
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.writelines(_line(row) for row in rows.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._torn, self._superseded = False, 0


def _line(row: Description) -> bytes:
    return json.dumps(asdict(row), sort_keys=True).encode() + b"\n"


def _parsed(line: bytes) -> Description | None:
    try:
        found = json.loads(line)
        return Description(
            **{name: str(found[name]) for name in ("id", "model", "sign", "label", "source")},
            layer=int(found["layer"]),
            feature=int(found["feature"]),
            promotes=tuple(map(str, found["promotes"])),
            fires_on=tuple(map(str, found["fires_on"])),
            score=None if found.get("score") is None else float(found["score"]),
        )
    except (ValueError, TypeError, KeyError, LibraryError):
        log.warning("skipped a line of the feature library that makes no sense: %.80r", line)
        return None
