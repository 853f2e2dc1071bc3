"""Texts that come with the package, for what any model is fitted on where nobody gave a corpus."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from tracer.autointerp.windows import Document, corpus_texts

PROSE = "data/prose/prose.jsonl"


def shipped_prose() -> Iterator[Document]:
    """About two hundred passages in the public domain, of many subjects; SOURCES.md says where from."""
    yield from corpus_texts([Path(str(files("tracer"))) / PROSE])
