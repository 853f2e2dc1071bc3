"""Feature descriptions, kept, embedded and searched by meaning. Knows no graph and no text.

A library is a folder: `features.jsonl` is the truth, the index beside it can always be made again
from it, and `lock` keeps other processes out (two of them on one index corrupt it). The index and
the sentence encoder are imported and opened on first use.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from filelock import FileLock, Timeout

from agent.core import Encoder, LibraryError, Vectors, load_shared_encoder
from agent.features.label_log import Description, LabelLog
from agent.features.vector_index import Index, IndexBroken, plain_sentence

log = logging.getLogger(__name__)

__all__ = ["Description", "Hit", "Library", "ProgramEnded"]

CHUNK = 256  # embedded, indexed and recorded together; below Chroma's limit of 5,461 a call
BORROWED_ROWS = 3_000  # stored descriptions embedded anew where the stored index cannot be used
CAUGHT_UP = 3_000  # rows of single texts that a search waits for; what is older waits for the next one
AT_REST = 64  # rows embedded at once while nobody asks: a search waits for so many

SHUTDOWN = "interpreter shutdown"  # in what Python says where threads are asked for after the end

T = TypeVar("T")
Progress = Callable[[str, float], None]


class ProgramEnded(LibraryError):
    """The program ended while the index was being opened; what was to be filed is found again next time."""


@contextmanager
def _shutdown_told() -> Iterator[None]:
    """Chroma starts threads when it is imported, which Python refuses once the main thread is done."""
    try:
        yield
    except RuntimeError as exc:
        if SHUTDOWN not in str(exc):
            raise
        raise ProgramEnded("The program ended before the feature library was open.") from exc


@dataclass(frozen=True, slots=True)
class Hit:
    """A feature found by meaning; `similarity` is the cosine to the query."""

    id: str
    label: str
    layer: int
    feature: int
    sign: str
    similarity: float
    model: str
    score: float | None = None  # held-out AUROC of the label, where it was judged
    source: str = "text"  # the rule that made the label; "text": from one text alone


class Library:
    """Feature descriptions of all subjects; safe to share between threads."""

    def __init__(self, folder: Path, lock: FileLock | None, note: str, progress: Progress) -> None:
        self.note = note
        self._folder, self._lock, self._progress = folder, lock, progress
        self._records = LabelLog(folder / "features.jsonl")
        self._index: Index | None = None
        self._encoder: Encoder | None = None
        self._rows = self._read_rows()
        self._busy = threading.RLock()

    @classmethod
    def open(cls, folder: Path, progress: Progress = lambda _note, _done: None) -> Self:
        """The library in `folder`; if that cannot be written, one in memory that says so."""
        lock = FileLock(folder / "lock", thread_local=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            why = f"Another askcircuit process is using the feature library in {folder}"
        except (OSError, NotImplementedError) as exc:
            why = f"The feature library in {folder} cannot be written ({_reason(exc)})"
        else:
            return cls(folder, lock, "", progress)
        return cls(folder, None, _in_memory_only(why), progress)

    def __len__(self) -> int:
        return len(self._rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, descriptions: Iterable[Description], later: bool = False) -> None:
        """Add or update; what is known with the same label is not embedded again.

        `later`: it is only recorded, and embedded when it is searched or by `embed_some`.
        """
        with self._busy, _shutdown_told():
            changed: dict[str, Description] = {}
            for new in descriptions:
                older = changed.get(new.id) or self._rows.get(new.id)
                changed[new.id] = new.merged_into(older) if older else new
            rows = [row for row in changed.values() if row != self._rows.get(row.id)]
            if later:
                self._record(rows)
                return
            for start in range(0, len(rows), CHUNK):
                self._progress("Embedding feature descriptions", start / len(rows))
                self._put_chunk(rows[start : start + CHUNK])
            self._progress("Embedding feature descriptions", 1)

    def embed_some(self) -> bool:
        """Embed a few of the rows that were put for later; whether there may be more of them."""
        with self._busy, _shutdown_told():
            return self._on_index(lambda index: self._catch_up(index, AT_REST)) == AT_REST

    def search(
        self,
        query: str,
        k: int = 10,
        model: str | None = None,
        layers: Collection[int] | None = None,
    ) -> list[Hit]:
        """The k features whose description is nearest in meaning to the query."""
        if not query.strip():
            raise LibraryError("Say what the features should be about, e.g. capital cities.")
        if k < 1:
            raise LibraryError(f"The number of features to find must be at least 1, not {k}.")
        with self._busy:
            if not self._rows:
                return []
            vector = self._encode([query])

            def nearest(index: Index) -> list[tuple[str, float]]:
                self._catch_up(index)
                return index.nearest(vector, k, model, layers)

            found = self._on_index(nearest)
        hits = [_hit(self._rows[id], similarity) for id, similarity in found]
        return sorted(hits, key=lambda hit: (-hit.similarity, hit.id))

    def vector(self, query: str) -> Vectors:
        """The query as the encoder sees it (1 dimension), for another index than this one."""
        with self._busy:
            return self._encode([query])

    def get(self, ids: Iterable[str]) -> dict[str, Description]:
        """What is known of these features; ids without a description are left out."""
        return {id: self._rows[id] for id in ids if id in self._rows}

    def close(self) -> None:
        """Release the index, the encoder and the lock; closing twice does no harm."""
        with self._busy:
            self._close_index()
            self._encoder = None
            if self._lock is not None:
                self._lock.release()
            self._lock = None

    def _read_rows(self) -> dict[str, Description]:
        try:
            rows = self._records.read()
            if self._lock is not None:
                self._records.tidy(rows)
        except OSError as exc:
            self._forget_disk(f"The feature library in {self._folder} fails ({_reason(exc)})")
            return {}
        return rows

    def _put_chunk(self, rows: list[Description]) -> None:
        stale = [row for row in rows if not _same_sentence(row, self._rows.get(row.id))]
        vectors = self._encode([row.sentence for row in stale]) if stale else None
        # The index goes first: after a crash in between, the file merely lacks rows, and
        # `_catch_up` takes them out of the index; the other way round a stale vector could stay.
        if vectors is not None:
            self._on_index(lambda index: index.put(stale, vectors))
        self._record(rows)

    def _record(self, rows: list[Description]) -> None:
        if self._lock is not None:
            try:
                self._records.append(rows)
            except OSError as exc:
                self._forget_disk(f"The feature library cannot be written ({_reason(exc)})")
        self._rows.update((row.id, row) for row in rows)

    def _catch_up(self, index: Index, limit: int | None = None) -> int:
        """Make the index hold what the rows hold: after a crash, a rebuild, on borrowed rows, or what waits.

        At most `limit` rows are embedded, the newest; tells how many were.
        """
        index.drop(index.sentences.keys() - self._rows.keys())
        missing = [row for row in self._rows.values() if index.sentences.get(row.id) != plain_sentence(row)]
        if self._lock is None:
            missing = missing[-BORROWED_ROWS:]
        told = [row for row in missing if row.is_described]
        missing = told + [row for row in missing if not row.is_described][-CAUGHT_UP:]
        missing = missing if limit is None else missing[-limit:]
        for start in range(0, len(missing), CHUNK):
            self._progress("Embedding feature descriptions", start / len(missing))
            rows = missing[start : start + CHUNK]
            index.put(rows, self._encode([row.sentence for row in rows]))
        return len(missing)

    def _encode(self, sentences: Sequence[str]) -> Vectors:
        if self._encoder is None:
            self._encoder = load_shared_encoder()
        return self._encoder.encode(sentences)

    def _on_index(self, act: Callable[[Index], T]) -> T:
        """Do `act`; where the stored index turns out broken, again on a new one, then in memory."""
        attempts = [self._opened_index, self._renewed_index, self._index_in_memory]
        for index_of in attempts if self._lock is not None else [self._opened_index]:
            try:
                return act(index_of())
            except IndexBroken as exc:
                log.warning("the feature index in %s does not work: %s", self._folder, exc)
                broken = exc
        raise LibraryError(f"The feature index does not work ({broken}).") from broken

    def _opened_index(self) -> Index:
        if self._index is None:
            self._index = Index.stored(self._folder) if self._lock else Index.in_memory()
        return self._index

    def _renewed_index(self) -> Index:
        self._close_index()
        self._index = Index.new(self._folder)
        return self._index

    def _index_in_memory(self) -> Index:
        self._forget_disk(f"The feature index in {self._folder} cannot be written")
        return self._opened_index()

    def _close_index(self) -> None:
        if self._index is not None:
            self._index.close()
        self._index = None

    def _forget_disk(self, why: str) -> None:
        self.note = self.note or _in_memory_only(why)
        log.warning("%s", self.note)
        self._close_index()  # before the lock goes: two processes must never share it
        if self._lock is not None:
            self._lock.release()
        self._lock = None


def _hit(row: Description, similarity: float) -> Hit:
    where = (row.layer, row.feature, row.sign)
    source = row.source if row.is_described else "text"
    return Hit(row.id, row.label, *where, round(similarity, 4), row.model, row.score, source)


def _same_sentence(row: Description, known: Description | None) -> bool:
    return known is not None and known.sentence == row.sentence


def _in_memory_only(why: str) -> str:
    return f"{why}, so what this run learns of features is kept in memory only."


def _reason(exc: Exception) -> str:
    return (isinstance(exc, OSError) and exc.strerror) or type(exc).__name__
