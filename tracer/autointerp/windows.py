"""A corpus as windows of tokens of one length, a part of them held out. Knows texts and tokens, no features.

A window is one begin-of-sequence token (where the model has one) and what follows in a document; what is left
of a document is joined with the next one of its source. Whole documents are held out, never parts of one, and
those held out are two halves that share no document.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tracer.errors import TextError
from tracer.models import Model

LENGTH = 128  # tokens a window
HELD_OUT = 10  # of a hundred documents
TEXTS = {".txt", ".md", ".rst", ".py", ".c", ".h", ".js", ".html", ".json", ".csv", ".tex"}
DATASET = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")  # org/name on the Hugging Face hub
AT_ONCE = 256  # documents tokenised together
E_MAIL = re.compile(r"[\w.+'-]+(?:@|\s*<at>\s*|\s+at\s+(?=\w+\.(?:org|com|net)))[\w-]+(?:\.[\w-]+)+")
TELEPHONE = re.compile(
    r"(?<![\w.,])(?:\+|\(\d{2,4}\)\s?|00)\d[\d\s()/-]{6,}\d(?!\w)|(?<!\w)\d{3}[-.\s]\d{3}[-.\s]\d{4}(?!\w)"
)


class Document(NamedTuple):
    """One text and where it is from."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Windows:
    """The corpus as the subject reads it."""

    ids: NDArray[np.int32]  # window pos
    held: NDArray[np.bool_]  # window
    source: NDArray[np.int32]  # window -> number in `sources`
    document: NDArray[np.int32]  # window 2: the first and the last document in it, by number
    sources: tuple[str, ...]

    @property
    def half(self) -> NDArray[np.int8]:
        """Window -> which half of what is held out it is of, 0 or 1; -1: neither.

        Of every source the documents before its middle window's are one half, that one and those behind it
        the other; which is which changes from source to source. A window with documents of both is left out.
        """
        out = np.full(len(self.held), -1, np.int8)
        for source in range(len(self.sources)):
            own = np.flatnonzero(self.held & (self.source == source))
            if not len(own):
                continue
            middle = np.sort(self.document[own, 0])[len(own) // 2]
            out[own[self.document[own, 1] < middle]] = source % 2
            out[own[self.document[own, 0] >= middle]] = 1 - source % 2
        return out

    @property
    def tokens(self) -> int:
        """Tokens in all windows, those at position 0 included."""
        return int(self.ids.size)

    @property
    def fingerprint(self) -> str:
        """Tells one corpus from another."""
        return hashlib.sha256(self.ids.tobytes()).hexdigest()[:16]

    def save(self, path: Path, about: dict[str, str]) -> None:
        """Write the file whole or not at all."""
        part = path.with_suffix(".part")
        arrays = {"ids": self.ids, "held": self.held, "source": self.source, "document": self.document}
        save_file(arrays, part, {**about, "sources": json.dumps(self.sources)})
        part.replace(path)

    @classmethod
    def load(cls, path: Path, sources: Sequence[str]) -> "Windows":
        """Read what `save` wrote."""
        found = load_file(path)
        return cls(found["ids"], found["held"], found["source"], found["document"], tuple(sources))


def scrub(text: str) -> str:
    """The text without e-mail addresses and telephone numbers, and without control characters."""
    text = TELEPHONE.sub("[telephone]", E_MAIL.sub("[e-mail]", text))
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def corpus_texts(paths: Sequence[Path]) -> Iterator[Document]:
    """Texts of files, of text files below folders, of lines of .jsonl (`text`, maybe `source`), .parquet.

    Raises TextError for a path that is not there, a line that is no JSON object with a text, a table without
    a column of texts.
    """
    for path in paths:
        if path.is_dir():
            kinds = TEXTS | {".jsonl", ".parquet"}
            inside = sorted(p for p in path.rglob("*") if p.suffix in kinds and p.is_file())
            if not inside:
                raise TextError(
                    f"The folder {str(path)!r} holds no text: there is no .txt, .md or .jsonl in it."
                )
            yield from corpus_texts(inside)
        elif path.suffix == ".jsonl":
            yield from _lines(path)
        elif path.suffix == ".parquet":
            yield from _table(path)
        elif path.is_file():
            yield Document(path.read_text(encoding="utf-8", errors="replace"), path.parent.name)
        elif DATASET.fullmatch(str(path)):
            yield from _dataset(str(path))
        else:
            raise TextError(f"There is no file or folder {str(path)!r} to read text from.")


def _dataset(name: str) -> Iterator[Document]:
    """The texts of a dataset on the hub (.txt, .md, .jsonl, .parquet), fetched once."""
    from huggingface_hub import snapshot_download

    kinds = ["*.txt", "*.md", "*.jsonl", "*.parquet"]
    try:
        place = snapshot_download(name, repo_type="dataset", allow_patterns=kinds)
    except (OSError, ValueError) as exc:  # all that the hub raises is one of these
        raise TextError(
            f"There is no file or folder {name!r} here, and no dataset of that name could be fetched from "
            "the Hugging Face hub: check the name and the network, or give a folder of texts."
        ) from exc
    yield from corpus_texts([Path(place)])


def _lines(path: Path) -> Iterator[Document]:
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise TextError(f"{str(path)!r} cannot be read ({exc.strerror}).") from exc
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                yield Document(str(row["text"]), str(row.get("source", path.stem)))
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise TextError(f'Line {number} of {str(path)!r} is no JSON object with a "text".') from exc


def _table(path: Path) -> Iterator[Document]:
    """The column `text` (and `source`, if there is one) of a parquet file, a piece at a time."""
    try:
        from pyarrow import ArrowException  # type: ignore[import-not-found]
        from pyarrow.parquet import ParquetFile  # type: ignore[import-not-found]
    except ImportError as exc:
        raise TextError(
            f"{str(path)!r} is a parquet file, which takes the package pyarrow to read: pip install pyarrow."
        ) from exc
    try:
        with ParquetFile(path) as file:
            columns = [name for name in ("text", "source") if name in file.schema_arrow.names]
            if "text" not in columns:
                raise TextError(f'{str(path)!r} has no column "text" to read texts from.')
            for batch in file.iter_batches(batch_size=AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    if row["text"] is not None:
                        yield Document(str(row["text"]), str(row.get("source") or path.stem))
    except (ArrowException, OSError) as exc:
        raise TextError(f"{str(path)!r} cannot be read: it is damaged or no parquet file.") from exc


def windows_of(
    subject: Model,
    texts: Iterator[Document],
    tokens: int,
    progress: Callable[[float], None] = lambda _done: None,
) -> Windows:
    """Windows of at most `tokens` tokens in all, in a random order that is always the same.

    Raises TextError where the texts are too short for a window a part (about 2,000 tokens).
    """
    bos = subject.tokenizer.bos_token_id
    content = LENGTH - (bos is not None)
    kept: list[tuple[list[int], bool, str, tuple[int, int]]] = []
    rest: dict[tuple[str, bool], tuple[list[int], list[int]]] = {}  # tokens, and of which document each is
    seen: set[str] = set()
    between = subject.pieces("\n\n")
    for number, (document, ids) in enumerate(_tokenised(subject, texts)):
        mark = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
        if mark in seen:
            continue
        seen.add(mark)
        held = int(mark[:8], 16) % 100 < HELD_OUT
        stream, whose = rest.setdefault((document.source, held), ([], []))
        stream += [*ids, *between]
        whose += [number] * (len(ids) + len(between))
        while len(stream) >= content:
            kept.append((stream[:content], held, document.source, (whose[0], whose[content - 1])))
            del stream[:content], whose[:content]
        if number % AT_ONCE == 0:
            progress(min(0.99, len(kept) * LENGTH / (3 * tokens)))
    order = np.random.default_rng(0).permutation(len(kept))[: max(1, tokens // LENGTH)]
    sources = tuple(sorted({kept[i][2] for i in order}))
    rows = np.full((len(order), LENGTH), 0 if bos is None else bos, dtype=np.int32)
    windows = Windows(
        rows,
        np.array([kept[i][1] for i in order], dtype=bool),
        np.array([sources.index(kept[i][2]) for i in order], np.int32),
        np.array([kept[i][3] for i in order], np.int32).reshape(-1, 2),
        sources,
    )
    if windows.held.all() or not {0, 1} <= set(windows.half.tolist()):
        raise TextError(
            f"The corpus gives {len(order)} windows of {LENGTH} tokens, too few to learn from some and "
            "judge by others. Give more text: some thousand words at least, in several documents."
        )
    rows[:, LENGTH - content :] = [kept[i][0] for i in order]
    return windows


def _tokenised(subject: Model, texts: Iterator[Document]) -> Iterator[tuple[Document, list[int]]]:
    batch: list[Document] = []
    for document in texts:
        clean = Document(scrub(document.text), document.source)
        if clean.text.strip():
            batch.append(clean)
        if len(batch) == AT_ONCE:
            yield from _encoded(subject, batch)
            batch = []
    if batch:
        yield from _encoded(subject, batch)


def _encoded(subject: Model, batch: list[Document]) -> Iterator[tuple[Document, list[int]]]:
    ids = subject.tokenizer([d.text for d in batch], add_special_tokens=False).input_ids
    yield from zip(batch, ids, strict=True)
