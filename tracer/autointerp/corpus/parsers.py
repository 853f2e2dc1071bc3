"""The text in a package's files, as documents of a few paragraphs. Knows formats, not packages."""

import bz2
import gzip
import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

SKIPPED = {"script", "style", "head", "info", "nav", "email", "years", "mal:credit"}
BLOCKS = {"p", "title", "h1", "h2", "h3", "h4", "li", "div", "item", "pre", "td", "dt", "dd", "section", "br"}


class _Markup(HTMLParser):
    """Collects the text of HTML or Mallard, a line a block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in SKIPPED:
            self._skipping.append(tag)
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping and self._skipping[-1] == tag:
            self._skipping.pop()
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(re.sub(r"\s+", " ", data))


def markup(raw: bytes) -> Iterator[str]:
    """HTML and Mallard pages: their visible text."""
    parser = _Markup()
    parser.feed(raw.decode("utf-8", "replace"))
    lines = (line.strip() for line in "".join(parser.parts).split("\n"))
    yield "\n".join(line for line in lines if len(line) > 1)


def plain(raw: bytes) -> Iterator[str]:
    """Text as it is, wrapped lines joined into paragraphs."""
    for paragraph in re.split(r"\n\s*\n", _unpacked(raw).decode("utf-8", "replace")):
        yield re.sub(r"\s+", " ", paragraph).strip()


def raw(raw: bytes) -> Iterator[str]:
    """Markup with its tags."""
    yield raw.decode("utf-8", "replace")


def code(raw: bytes) -> Iterator[str]:
    """A source file without the licence and author lines of its head."""
    lines = raw.decode("utf-8", "replace").splitlines()
    told = re.compile(r"copyright|author|@|licen[sc]e", re.IGNORECASE)
    yield "\n".join(line for i, line in enumerate(lines) if i > 40 or not told.search(line))


def dictionary(raw: bytes) -> Iterator[str]:
    """A dictd file: an article a document."""
    text = _unpacked(raw).decode("utf-8", "replace")
    text = re.sub(r"\[1913 Webster[^\]]*\]|\[WordNet 1\.5\]|\[PJC\]|\{ ?|\}", "", text)
    for article in re.split(r"\n(?=\S)", text):
        joined = re.sub(r"\s*\n\s+", " ", article).strip()
        if len(joined) > 120:
            yield joined


def wordnet(raw: bytes) -> Iterator[str]:
    """A gloss and its examples, with the words it is of; twelve neighbours a document."""
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if " | " in line]
    for start in range(0, len(lines), 12):
        told = []
        for line in lines[start : start + 12]:
            data, gloss = line.split(" | ", 1)
            fields = data.split()
            words = [fields[4 + 2 * i].replace("_", " ") for i in range(int(fields[3], 16))]
            told.append(f"{', '.join(words)}: {gloss.strip()}")
        yield "\n".join(told)


def manual(raw: bytes) -> Iterator[str]:
    """A manual page without its roff requests."""
    out = []
    for line in _unpacked(raw).decode("utf-8", "replace").splitlines():
        if line.startswith((".\\", "'\\", ".TH", ".so", ".de", ".if", ".ie", ".el", ".ad", ".nh")):
            continue
        line = re.sub(r"^[.'][A-Za-z]+\s*", "", line)
        line = re.sub(r"\\f(\([A-Z]{2}|\[\w*\]|.)|\\&|\\%|\\c", "", line)
        line = re.sub(r"\\\(aq|\\\(cq", "'", line).replace("\\-", "-").replace("\\e", "\\")
        line = re.sub(r"\\\((\w\w)|\\\[\w+\]|\\[a-z]", "", line).strip().strip('"')
        out.append(line)
    yield re.sub(r"\n{2,}", "\n", "\n".join(out))


def wikipedia(raw: bytes) -> Iterator[str]:
    """Articles of a MediaWiki dump without markup, references, tables and lists of links."""
    for page in re.findall(r"<text[^>]*>(.*?)</text>", _unpacked(raw).decode("utf-8", "replace"), re.DOTALL):
        text = html.unescape(page)
        if text.lower().startswith("#redirect"):
            continue
        text = re.sub(r"<!--.*?-->|<ref[^>/]*/>|<ref.*?</ref>", "", text, flags=re.DOTALL)
        for _ in range(4):  # templates and tables nest
            text = re.sub(r"\{\{[^{}]*\}\}|\{\|[^{}]*?\|\}", "", text)
        text = re.sub(
            r"\[\[(?:File|Image|Category|[a-z-]{2,}):[^\[\]]*(?:\[\[[^\]]*\]\][^\[\]]*)*\]\]", "", text
        )
        text = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", text)
        text = re.sub(r"\[https?:\S+ ?([^\]]*)\]|'{2,}|<[^>]+>", r"\1", text)
        kept = [re.sub(r"^[*#:;]+\s*|^=+\s*|\s*=+$", "", line) for line in text.split("\n")]
        yield "\n".join(line for line in kept if len(line) > 2 and not line.startswith(("|", "{", "!", "}")))


def factbook(raw: bytes) -> Iterator[str]:
    """One country: its entries as lines of heading and text."""
    yield "\n".join(_entries(json.loads(raw), ""))


def _entries(tree: Any, heading: str) -> Iterator[str]:
    for key, value in tree.items():
        if key == "text" and isinstance(value, str):
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.unescape(value))).strip()
            yield f"{heading.strip()}: {text}"
        elif isinstance(value, dict):
            yield from _entries(value, key)


def geography(raw: bytes) -> Iterator[str]:
    """GeoNames' tables as plain sentences."""
    rows = json.loads(raw)
    told = []
    for row in rows.values():
        if row.get("capital"):
            name = row["name"]
            told.append(
                f"The capital of {name} is {row['capital']}. "
                f"The currency of {name} is the {row['currencyname']}. "
                f"{name} has {row['population']:,} inhabitants on {row['areakm2']:,} square kilometres."
            )
        elif "timezone" in row and row["population"] > 150_000:
            zone = row["timezone"].replace("_", " ").split("/")[0]
            told.append(
                f"{row['name']} ({row['countrycode']}) is a city of {row['population']:,} people in {zone}."
            )
        elif "fips" in row and "code" in row:
            told.append(f"{row['name']} is a state of the United States; its code is {row['code']}.")
    for start in range(0, len(told), 8):
        yield " ".join(told[start : start + 8])


def countries(raw: bytes) -> Iterator[str]:
    """One country of `countryinfo` as plain sentences."""
    row = json.loads(raw)
    name, capital = row.get("name"), row.get("capital")
    if not (name and capital):
        return
    states = [state for state in row.get("provinces", []) if isinstance(state, str)][:30]
    told = [f"{capital} is the capital of {name}, a country in {row.get('subregion') or row.get('region')}."]
    if row.get("demonym"):
        told.append(f"People from {name} are called {row['demonym']}.")
    if states:
        told.append(f"Its provinces are {', '.join(states)}.")
    yield " ".join(told)


def _unpacked(raw: bytes) -> bytes:
    if raw[:2] == b"\x1f\x8b":
        return gzip.decompress(raw)
    return bz2.decompress(raw) if raw[:3] == b"BZh" else raw


PARSERS = {
    parse.__name__: parse
    for parse in (
        markup,
        plain,
        raw,
        code,
        dictionary,
        wordnet,
        manual,
        wikipedia,
        factbook,
        geography,
        countries,
    )
}
