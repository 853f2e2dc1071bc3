"""Vectors of features in a Chroma collection, on disk or in memory. Knows no files but its own.

`index-N/` is Chroma's, `library.json` says what made it; when versions change or Chroma fails on
it, it is thrown away and N goes up. `working` stands there while Chroma does something: damaged
vectors (a process killed while writing) can make it crash the process, and the next one must not
open the same index and crash again. chromadb is imported when an index is opened.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from filelock import FileLock

from agent.core import ENCODER_NAME, Vectors
from agent.features.label_log import Description

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.config import Settings as ChromaSettings

FORMAT = 1
ROWS_AT_ONCE = 5_000  # below Chroma's limit of 5,461 a call
# Fewer links than Chroma's default, so that tens of thousands of rows are in within seconds.
SHELF_GRAPH: Any = {"space": "cosine", "ef_construction": 40, "max_neighbors": 10, "ef_search": 200}


class IndexBroken(Exception):
    """Chroma failed, and said this; whoever holds the index makes a new one."""


class Index:
    """One Chroma collection of vectors by feature id, on disk or in memory."""

    def __init__(self, client: "ClientAPI", name: str, flag: Path | None) -> None:
        self._client: Any = client  # ClientAPI does not declare close()
        self._name, self._flag = name, flag
        # No embedding function: vectors are always given, so nothing of Chroma's ever downloads.
        self._collection = client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        stored = self._collection.get(include=["documents"])
        self.sentences = dict(zip(stored["ids"], stored["documents"] or [], strict=True))  # by id

    @classmethod
    def stored(cls, folder: Path) -> "Index":
        """The index of this library, or a new one if other versions made it."""
        try:
            marker = json.loads((folder / "library.json").read_text(encoding="utf-8"))
            index = folder / f"index-{int(marker.pop('index'))}"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls.new(folder)
        if marker != _versions() or not index.is_dir() or (folder / "working").exists():
            return cls.new(folder)
        return cls._on_disk(index)

    @classmethod
    def new(cls, folder: Path) -> "Index":
        """An empty index. Chroma cannot reopen a path it failed on, so the number goes up."""
        old = [path for path in folder.glob("index-*") if path.name[6:].isdecimal()]
        number = 1 + max((int(path.name[6:]) for path in old), default=0)
        index = cls._on_disk(folder / f"index-{number}")
        try:
            fresh = folder / "library.json.new"
            fresh.write_text(json.dumps({**_versions(), "index": number}), encoding="utf-8")
            fresh.replace(folder / "library.json")
        except OSError as exc:
            index.close()
            raise IndexBroken(str(exc)) from exc
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return index

    @classmethod
    def in_memory(cls) -> "Index":
        """An empty index for this run; Chroma's memory is shared, so its name is its own."""
        from chromadb import EphemeralClient

        with _chroma_at_work(None):
            client = EphemeralClient(settings=_chroma_settings())
            return cls(client, f"features-{uuid.uuid4().hex}", None)

    @classmethod
    def _on_disk(cls, path: Path) -> "Index":
        from chromadb import PersistentClient

        flag = path.with_name("working")
        with _chroma_at_work(flag):
            client = PersistentClient(path=str(path), settings=_chroma_settings())
            return cls(client, "features", flag)

    def put(self, rows: Sequence[Description], vectors: Vectors) -> None:
        """Add or replace these features."""
        keys, sentences = [row.id for row in rows], [plain_sentence(row) for row in rows]
        with _chroma_at_work(self._flag):
            self._collection.upsert(
                ids=keys,
                embeddings=vectors,
                documents=sentences,
                metadatas=[{"model": row.model, "layer": row.layer} for row in rows],
            )
        self.sentences.update(zip(keys, sentences, strict=True))

    def drop(self, ids: Collection[str]) -> None:
        """Take these features out."""
        if not ids:
            return
        with _chroma_at_work(self._flag):
            self._collection.delete(ids=sorted(ids))
        for id in ids:
            self.sentences.pop(id, None)

    def nearest(
        self, vector: Vectors, k: int, model: str | None, layers: Collection[int] | None
    ) -> list[tuple[str, float]]:
        """Ids and cosines of the k nearest, of this model and these layers if given."""
        with _chroma_at_work(self._flag):
            found = self._collection.query(
                query_embeddings=vector,
                n_results=min(k, max(1, len(self.sentences))),
                where=_filter(model, layers),
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return [(id, 1 - float(far)) for id, far in zip(found["ids"][0], distances, strict=True)]

    def close(self) -> None:
        """Let go of the files, or of the memory."""
        with suppress(IndexBroken), _chroma_at_work(self._flag):
            if not self._client.get_settings().is_persistent:
                self._client.delete_collection(self._name)
            self._client.close()


def plain_sentence(row: Description) -> str:
    """What is embedded of a description, as the index can keep it."""
    return row.sentence.encode("utf-8", "replace").decode()


class IndexRows(NamedTuple):
    """What fills a shelf: numbers, their vectors, what can be filtered by."""

    numbers: Sequence[int]
    vectors: Vectors
    metadata: Sequence[dict[str, Any]]


class StaticIndex:
    """A collection that is filled once and then only read, by any number of processes.

    On disk it is filled in a folder of its own that is renamed when complete, so nobody ever sees half of it;
    at a server it counts as filled when it has all rows.
    """

    def __init__(self, client: "ClientAPI", name: str) -> None:
        self._client: Any = client
        self._collection = self._client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": SHELF_GRAPH}
        )

    @classmethod
    def on_disk(cls, folder: Path, name: str, fill: Callable[[], IndexRows]) -> "StaticIndex":
        """The shelf in `folder`/`name`; `fill` gives its rows where it has to be made."""
        from chromadb import PersistentClient

        place = folder / name
        with _chroma_at_work(None):
            if not place.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                with FileLock(folder / f"{name}.lock"):
                    if not place.is_dir():
                        _make_collection(place, name, fill)
            return cls(PersistentClient(path=str(place), settings=_chroma_settings()), name)

    @classmethod
    def at_server(cls, url: str, name: str, fill: Callable[[], IndexRows]) -> "StaticIndex":
        """The shelf at a Chroma server, filled where rows are missing."""
        from chromadb import HttpClient

        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 8000)
        with _chroma_at_work(None):
            client = HttpClient(
                host=str(parts.hostname), port=port, ssl=parts.scheme == "https", settings=_chroma_settings()
            )
            shelf = cls(client, name)
            rows = fill()
            if shelf._collection.count() < len(rows.numbers):
                shelf._fill(rows)
            return shelf

    def nearest(
        self, vector: Vectors, k: int, layers: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Numbers and cosines of the k nearest, of these layers if given."""
        with _chroma_at_work(None):
            found = self._collection.query(
                query_embeddings=vector, n_results=k, where=_filter(None, layers), include=["distances"]
            )
        distances = (found["distances"] or [[]])[0]
        return [(int(id), 1 - float(far)) for id, far in zip(found["ids"][0], distances, strict=True)]

    def close(self) -> None:
        """Let go of the files or the connection."""
        for client in (self._client, getattr(self._client, "_admin_client", None)):
            session = getattr(getattr(client, "_server", None), "_session", None)
            if session is not None:  # a server's; Chroma's own close leaves the connection open
                session.close()
        with suppress(IndexBroken), _chroma_at_work(None):
            self._client.close()

    def _fill(self, rows: IndexRows) -> None:
        for start in range(0, len(rows.numbers), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            ids = [str(number) for number in rows.numbers[some]]
            self._collection.upsert(
                ids=ids, embeddings=rows.vectors[some], metadatas=list(rows.metadata[some])
            )


def _make_collection(place: Path, name: str, fill: Callable[[], IndexRows]) -> None:
    from chromadb import PersistentClient

    part = place.with_name(f"{name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed: the lock is ours
    shelf = StaticIndex(PersistentClient(path=str(part), settings=_chroma_settings()), name)
    shelf._fill(fill())
    shelf.close()
    part.rename(place)


@contextmanager
def _chroma_at_work(flag: Path | None) -> Iterator[None]:
    # A damaged store shows itself as ChromaError, ValueError, AttributeError or RuntimeError,
    # depending on where Chroma trips over it; all mean the same here: make a new index.
    try:
        if flag is not None:
            flag.touch()
        yield
    except Exception as exc:
        raise IndexBroken(f"{type(exc).__name__}: {exc}"[:200]) from exc
    finally:
        if flag is not None:
            flag.unlink(missing_ok=True)


def _chroma_settings() -> "ChromaSettings":
    from chromadb.config import Settings as ChromaSettings

    return ChromaSettings(anonymized_telemetry=False, allow_reset=False)


def _versions() -> dict[str, Any]:
    return {"format": FORMAT, "encoder": ENCODER_NAME, "chroma": version("chromadb")}


def _filter(model: str | None, layers: Collection[int] | None) -> dict[str, Any] | None:
    wanted: list[dict[str, Any]] = []
    if model is not None:
        wanted.append({"model": model})
    if layers is not None:
        wanted.append({"layer": {"$in": sorted(layers)}})
    return {"$and": wanted} if len(wanted) > 1 else next(iter(wanted), None)
