"""Questions about the method, answered by quoting the documents by section. Knows no conversation."""

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from agent.core import escape_md

PAGES = (
    "concepts",
    "attribution",
    "statistics",
    "features",
    "transcoders",
    "questions",
    "hosting",
    "python",
    "settings",
)
SHORT = (  # what the README says of the words that all answers use
    (
        "logit lead",
        "A logit is the score a model gives each "
        "possible next token; the lead is the difference of two of them.",
    ),
    (
        "concept",
        "A concept is a word that the model has in mind at a place of the text, "
        "read there by a lens; taking it "
        "out of the model's stream, or exchanging it for another, shows whether it counts.",
    ),
    (
        "feature neuron",
        "A feature is a single neuron of the model (or a learnt direction), "
        "with a sign, at one word of the text.",
    ),
    ("group supernode", "Features that act alike are a group: S1, S2 …"),
    (
        "graph attribution circuit",
        "The attribution graph says how much each feature adds to later ones and to the answer.",
    ),
    (
        "prediction control test",
        "A prediction is made before its test, which changes the model itself, "
        "beside 99 random changes as large.",
    ),
    ("supported verdict", "Supported means: as predicted, and more than chance."),
    ("foil", "The foil is the token that the answer is compared with; their lead is what is explained."),
    (
        "ledger",
        "The ledger holds every claim of a conversation with its evidence; an answer may say nothing else.",
    ),
    (
        "claim",
        "A claim is a sentence with its evidence: prediction, measurement, controls, p-value, verdict.",
    ),
)
QUOTED = 700  # characters of a section
WORD = re.compile(r"[a-z][a-z-]+")
_STOP = "what does mean how the are you your and for is a an of it this that work works do did in to"
STOP = frozenset(_STOP.split())


class Section(NamedTuple):
    """A part of a document."""

    page: str
    heading: str
    body: str


def write_method(asked: str, term: str | None) -> str:
    """What the documents say about a word, with the section it is from."""
    words = [_stem(word) for word in WORD.findall((term or asked).casefold()) if word not in STOP]
    words = words or [_stem(word) for word in WORD.findall(asked.casefold()) if word not in STOP]
    parts = [said for known, said in SHORT if set(known.split()) & set(words)][:1]
    found = max(sections(), key=lambda one: _fit(one, words), default=None)
    if found is not None and _fit(found, words) > 0:
        quoted = _passage(found.body, words)
        parts.append(f"docs/{found.page}.md, “{found.heading}”: {quoted}")
    if not parts:
        return escape_md(
            "The documents say nothing of that. They stand in docs/; README.md has the six words used most."
        )
    return "\n\n".join(escape_md(part) for part in dict.fromkeys(parts))


@cache
def sections() -> tuple[Section, ...]:
    """The documents in parts; none where they are not installed."""
    out = []
    for page in PAGES:
        file = files("agent").joinpath(f"../docs/{page}.md")
        if not file.is_file():
            continue
        title, *parts = re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.M)
        head = title.strip().split("\n")[0].removeprefix("# ")
        out.append(Section(page, head, title.partition("\n")[2]))
        out += [Section(page, part.partition("\n")[0].strip(), part.partition("\n")[2]) for part in parts]
    return tuple(out)


def _fit(section: Section, words: list[str]) -> float:
    heading, body = section.heading.casefold(), section.body.casefold()
    known = max(len(body.split()), 40)
    return sum(3.0 * (word in heading) + 60 * body.count(word) / known for word in words if len(word) > 1)


def _passage(body: str, words: list[str]) -> str:
    """The paragraph of a section that says most of these words, as plain text."""
    blocks = [
        " ".join(block.split())
        for block in body.split("\n\n")
        if block.strip() and not block.startswith(("|", "    "))
    ]
    best = max(blocks, key=lambda block: sum(block.casefold().count(word) for word in words), default="")
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", best).replace("**", "").replace("`", "")
    return plain if len(plain) <= QUOTED else f"{plain[:QUOTED].rsplit(' ', 1)[0]} …"


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
