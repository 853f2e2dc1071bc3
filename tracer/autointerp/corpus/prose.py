"""Picks the passages that are shipped (`tracer/data/prose`) from sources that are in the public domain."""

import json
from collections.abc import Iterator
from pathlib import Path

SOURCES = {"factbook": 84, "jargon": 48, "devil": 36, "state": 24}  # passages of each
LENGTH = 900  # characters, over 128 tokens of any vocabulary; ends with a word
SHORTEST = 100  # characters of a paragraph
SENTENCE_ENDS = (".", "?", "!", '"', "”")  # entries of lists and tables have none
PLAIN = 0.93  # share of letters, blanks and usual marks in running text: tables of numbers have less


def write_prose(corpus: Path, out: Path) -> int:
    """Write `out` from the jsonl files that `build` left in `corpus`; passages in it."""
    rows = []
    for source, count in SOURCES.items():
        found = list(_passages(corpus / f"{source}.jsonl"))
        step = max(1, len(found) // count)
        rows += [{"text": text, "source": source} for text in found[::step][:count]]
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    out.write_text("".join(lines), encoding="utf-8")
    return len(rows)


def _passages(path: Path) -> Iterator[str]:
    """Running text of about LENGTH characters: short entries joined, long ones cut, tables left out."""
    text = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        for part in json.loads(line)["text"].split("\n"):
            if len(part) < SHORTEST or not part.rstrip().endswith(SENTENCE_ENDS) or _plain(part) < PLAIN:
                continue
            text = f"{text}\n{part}" if text else part
            if len(text) >= LENGTH:
                yield text[:LENGTH].rsplit(None, 1)[0]
                text = ""


def _plain(text: str) -> float:
    return sum(c.isalpha() or c.isspace() or c in ".,;'’\"-" for c in text) / len(text)
