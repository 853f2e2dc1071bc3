"""A corpus as windows of tokens of one length, a part of them held out. Knows texts and tokens, no features.

A window is one begin-of-sequence token (where the model has one) and what follows in a document; what is left
of a document is joined with the next one of its source. Whole documents are held out, never parts of one.
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
from tracer.subject import Subject

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
    sources: tuple[str, ...]

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
        arrays = {"ids": self.ids, "held": self.held, "source": self.source}
        save_file(arrays, part, {**about, "sources": json.dumps(self.sources)})
        part.replace(path)

    @classmethod
    def load(cls, path: Path, sources: Sequence[str]) -> "Windows":
        """Read what `save` wrote."""
        found = load_file(path)
        return cls(found["ids"], found["held"], found["source"], tuple(sources))


def scrub(text: str) -> str:
    """The text without e-mail addresses and telephone numbers, and without control characters."""
    text = TELEPHONE.sub("[telephone]", E_MAIL.sub("[e-mail]", text))
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def documents(paths: Sequence[Path]) -> Iterator[Document]:
    """Texts of files, of text files below folders, of lines of .jsonl (`text`, and `source` if given).

    Raises TextError for a path that is not there or a line that is no JSON object with a text.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in TEXTS | {".jsonl"} and p.is_file())
            if not inside:
                raise TextError(
                    f"The folder {str(path)!r} holds no text: there is no .txt, .md or .jsonl in it."
                )
            yield from documents(inside)
        elif path.suffix == ".jsonl":
            yield from _lines(path)
        elif path.is_file():
            yield Document(path.read_text(encoding="utf-8", errors="replace"), path.parent.name)
        elif DATASET.fullmatch(str(path)):
            yield from _dataset(str(path))
        else:
            raise TextError(f"There is no file or folder {str(path)!r} to read text from.")


def _dataset(name: str) -> Iterator[Document]:
    """The text files of a dataset on the hub (.txt, .md, .jsonl; not parquet), fetched once."""
    from huggingface_hub import snapshot_download

    try:
        place = snapshot_download(name, repo_type="dataset", allow_patterns=["*.txt", "*.md", "*.jsonl"])
    except (OSError, ValueError) as exc:  # all that the hub raises is one of these
        raise TextError(
            f"There is no file or folder {name!r} here, and no dataset of that name could be fetched from "
            "the Hugging Face hub: check the name and the network, or give a folder of texts."
        ) from exc
    yield from documents([Path(place)])


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


def windows_of(
    subject: Subject,
    texts: Iterator[Document],
    tokens: int,
    progress: Callable[[float], None] = lambda _done: None,
) -> Windows:
    """Windows of at most `tokens` tokens in all, in a random order that is always the same.

    Raises TextError where the texts are too short for a window a part (about 2,000 tokens).
    """
    bos = subject.tokenizer.bos_token_id
    content = LENGTH - (bos is not None)
    kept: list[tuple[list[int], bool, str]] = []
    rest: dict[tuple[str, bool], list[int]] = {}
    seen: set[str] = set()
    between = subject.pieces("\n\n")
    for number, (document, ids) in enumerate(_tokenised(subject, texts)):
        mark = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
        if mark in seen:
            continue
        seen.add(mark)
        held = int(mark[:8], 16) % 100 < HELD_OUT
        stream = rest.setdefault((document.source, held), [])
        stream += [*ids, *between]
        while len(stream) >= content:
            kept.append((stream[:content], held, document.source))
            del stream[:content]
        if number % AT_ONCE == 0:
            progress(min(0.99, len(kept) * LENGTH / (3 * tokens)))
    order = np.random.default_rng(0).permutation(len(kept))[: max(1, tokens // LENGTH)]
    sources = tuple(sorted({kept[i][2] for i in order}))
    held_out = np.array([kept[i][1] for i in order], dtype=bool)
    if not held_out.any() or held_out.all():
        raise TextError(
            f"The corpus gives {len(order)} windows of {LENGTH} tokens, too few to learn from some and "
            "judge by others. Give more text: some thousand words at least, in several documents."
        )
    rows = np.full((len(order), LENGTH), 0 if bos is None else bos, dtype=np.int32)
    rows[:, LENGTH - content :] = [kept[i][0] for i in order]
    return Windows(rows, held_out, np.array([sources.index(kept[i][2]) for i in order], np.int32), sources)


def _tokenised(subject: Subject, texts: Iterator[Document]) -> Iterator[tuple[Document, list[int]]]:
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


def _encoded(subject: Subject, batch: list[Document]) -> Iterator[tuple[Document, list[int]]]:
    ids = subject.tokenizer([d.text for d in batch], add_special_tokens=False).input_ids
    yield from zip(batch, ids, strict=True)
