"""Other texts to try a finding on: the same entity in other words, the same words about another entity.

Proposed by fixed rules from the text alone; what a rule makes of a text is never said to be true, only run.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from agent.core import TextResult
from agent.experiments.entities import Kind, list_kinds, list_sequences

MOST = 5  # texts of each sort

_WHOSE = re.compile(r"^(?P<x>[^,]+), whose (?P<y>[\w ]+) is$")
_OF = re.compile(r"^The (?P<y>(?!opposite)[\w ]+?) of (?:the )?(?P<x>[\w .]+) is(?P<end> the)?$")
_SYNONYMS = (
    (" is in the city of", " is located in the city of"),
    (" is located on the continent of", " is a city on the continent of"),
    (" plays the sport of", " is famous for playing the sport of"),
    ("The opposite of ", "The antonym of "),
    ("The chemical symbol for ", "The symbol of the element "),
    (" is made of ", " is composed of "),
    (" went to the store", " walked to the shop"),
    (" gave a drink to", " handed a drink to"),
    ("The currency of the country whose capital is ", "The currency used in the country with the capital "),
    ("the country whose capital is ", "the country that has its capital in "),
    ("The keys to the ", "The keys for the "),
    ("The key to the ", "The key for the "),
    (" president of the United States was ", " president of the USA was "),
    ("the city of ", "the town of "),
    (" is in ", " lies in "),
    (" located ", " situated "),
)
_FRAMES = ("It is well known that ", "As everybody knows, ", "Remember: ", "To repeat, ")
_PLAIN = re.compile(r"^(?:The|A|An|In|On|It|This|That|There|He|She|They|We|Water|My|Your|Our)\b")
_CODE = re.compile(r"^(?:def |class |import |from \w+ import|#|for \w+ in |\w+ = )|[;{}]|\d[+*/-]\d")


class Variant(NamedTuple):
    """A text to try, and which words of it stand where others stood: (own, other)."""

    text: str
    changed: tuple[tuple[str, str], ...] = ()


class Entity(NamedTuple):
    """Something of the table found in a text."""

    name: str
    kind: Kind


def find_entity(text: str) -> Entity | None:
    """The entity a text is about: the last one of the first kind of which the text asks something."""
    found = []
    for order, kind in enumerate(list_kinds()):
        if kind.asked and not _asked(text, kind):
            continue  # "Water is made of hydrogen" asks nothing of hydrogen
        for name in kind.rows:
            place = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
            if place:
                found.append((order, -place.start(), -len(name), Entity(name, kind)))
    return min(found, key=lambda one: one[:3])[3] if found else None


def _asked(text: str, kind: Kind) -> list[int]:
    """The columns of the table that a text asks for."""
    return [i for i, word in enumerate(kind.asked) if re.search(rf"\b(?:{word})\b", text, re.IGNORECASE)]


def replace_entity(text: str, named: Sequence[str] = ()) -> list[Variant]:
    """The same words about other entities: those the user names, else those of the table in its order."""
    entity = find_entity(text)
    if entity is None:
        return [] if named else _shift_sequence(text)
    known = {name.casefold(): name for name in entity.kind.rows}
    others = [known.get(name.casefold(), name) for name in named] or list(entity.kind.rows)
    asked = _asked(text, entity.kind)
    own = entity.kind.rows[entity.name]
    out = []
    for other in others:
        row = entity.kind.rows.get(other, ())
        same = row and any(row[i] == own[i] for i in asked)  # another answer must be right, too
        if other == entity.name or other in text or (same and not named):
            continue
        out.append(Variant(_replace_words(text, entity.name, other), ((entity.name, other),)))
    return out[:MOST]


def list_variants(over: str, text: str, named: str | None) -> list[Variant]:
    """The texts to try: paraphrases, or other entities: those the user names, else those of the table."""
    return write_paraphrases(text) if over == "paraphrases" else replace_entity(text, parse_entities(named))


def parse_entities(other: str | None) -> tuple[str, ...]:
    """The names in "California and Ohio"; a kind of thing such as "states" names none."""
    words = (other or "").replace(" and ", ",").replace(" or ", ",").split(",")
    names = [w.strip(" ?.!'\"“”‘’").removeprefix("the ").strip() for w in words]
    return tuple(name for name in names if name and name[0].isupper())


def _replace_words(text: str, own: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", lambda _found: other, text)


def _shift_sequence(text: str) -> list[Variant]:
    """A sequence, begun later: Tuesday, Wednesday, Thursday."""
    for words in list_sequences().values():
        inside = _inside(words, text)
        if len(inside) < 2:
            continue
        out = []
        for step in range(1, MOST + 1):
            shifted = {w: words[(words.index(w) + step) % len(words)] for w in inside}
            moved = re.sub(
                rf"(?<!\w)(?:{'|'.join(inside)})(?!\w)",
                lambda m, shifted=shifted: shifted[m[0]],  # type: ignore[misc]
                text,
            )
            out.append(Variant(moved, tuple(shifted.items())))
        return out
    return []


def _inside(words: Sequence[str], text: str) -> list[str]:
    return [w for w in words if re.search(rf"(?<!\w){w}(?!\w)", text)]


def find_kind(text: str) -> str:
    """What is put into other texts in place of a word of this one, in the plural."""
    if entity := find_entity(text):
        return entity.kind.name
    return next((name for name, words in list_sequences().items() if len(_inside(words, text)) > 1), "words")


def write_paraphrases(text: str) -> list[Variant]:
    """The same entity in other words: another order of the clauses, synonyms, a phrase before it."""
    if _CODE.search(text):
        return [Variant(f"{start}{text}") for start in ("\n", "# Example\n", "# See below.\n", "\n\n")]
    out = []
    if found := _WHOSE.match(text):
        x, y = found["x"], found["y"]
        out += [f"The {y} of {x} is", f"{x}'s {y} is", f"{x} is a place whose {y} is"]
    if (found := _OF.match(text)) and " whose " not in text and '"' not in text:
        x, y, end = found["x"], found["y"], found["end"] or ""
        out += [f"{x}'s {y} is{end}", f"The {y} that belongs to {x} is{end}"]
    out += [text.replace(a, b, 1) for a, b in _SYNONYMS if a in text]
    bare = text.removeprefix("Fact: ")
    out.append(bare if bare != text else f"Fact: {text}")
    inner = bare[0].lower() + bare[1:] if _PLAIN.match(bare) else bare
    out += [f"{frame}{bare if frame.endswith(': ') else inner}" for frame in _FRAMES]
    return [Variant(t) for t in dict.fromkeys(out) if t != text][:MOST]


def find_entity_swap(text: str, wanted: str) -> tuple[str, str] | None:
    """The entity of the text and another one of which the wanted word is said: (own, other)."""
    entity = find_entity(text)
    if entity is None:
        return None
    asked = _asked(text, entity.kind)
    word = wanted.strip().casefold()
    for other, row in entity.kind.rows.items():
        said = [row[i] for i in (asked or range(len(row)))]
        if other != entity.name and any(one.split()[0].casefold() == word for one in said):
            return entity.name, other
    return None


def find_expected_token(text: str) -> str | None:
    """What the table says where a text asks one thing of its entity; it settles nothing about the model."""
    entity = find_entity(text)
    asked = _asked(text, entity.kind) if entity else []
    return entity.kind.rows[entity.name][asked[0]] if entity and len(asked) == 1 else None


def count_known_right(texts: Sequence[TextResult]) -> tuple[int, int]:
    """On how many of these texts the model says what the table has as right, of how many it knows."""
    known = [(text.answer.strip(), find_expected_token(text.text)) for text in texts if text.answer]
    asked = [(said, right) for said, right in known if right]
    return sum(bool(said) and right.startswith(said) for said, right in asked if right), len(asked)


def map_positions(
    own: Sequence[str], other: Sequence[str], changed: Sequence[tuple[str, str]]
) -> dict[int, int]:
    """Which position of another text corresponds to each position of this one.

    The same tokens in order, whatever spaces and capitals they begin with; tokens that stand once in either
    text; the last tokens of what was changed, and the last position of all.
    """
    here, there = ([token.strip().casefold() for token in tokens] for tokens in (own, other))
    matcher = SequenceMatcher(None, here, there, autojunk=False)
    pairs = {p: there.index(t) for p, t in enumerate(here) if here.count(t) == there.count(t) == 1}
    pairs |= {block.a + i: block.b + i for block in matcher.get_matching_blocks() for i in range(block.size)}
    for before, after in changed:
        pairs |= dict(zip(_ends(own, before), _ends(other, after), strict=False))
    pairs[len(own) - 1] = len(other) - 1
    return pairs


def _ends(tokens: Sequence[str], word: str) -> list[int]:
    """The positions of the last token of each place where a word stands."""
    text, ends = "", []
    for token in tokens:
        text += token
        ends.append(len(text))
    return [
        next(i for i, end in enumerate(ends) if end >= place.end())
        for place in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    ]
