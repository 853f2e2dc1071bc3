"""A slot of a kind: one word asks for it; whatever else stands in the text, a word of the kind is said."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, same_kind
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words

TRIED = 8
ENOUGH = 0.6
ASKED = 0.5  # the word that asks: without it the kind is kept at most so often


class Slot(NamedTuple):
    """`kept`: the part of other words at `position` with which a word of the answer's kind is still said.

    `asks` is the position of the word without which that kind is said least, `without` how often it is then.
    """

    holds: bool
    position: int
    kept: float
    says: tuple[int, ...]
    asks: int | None = None
    without: float = 1.0


def try_slot(frozen: Frozen, words: Words, answer: int, position: int | None = None) -> Slot:
    """Put words that have nothing to do with it where the answer is looked up (the chain's first word).

    Without a position every word is tried: the kind must hang on one of them and on no other, and the answer
    may not be a form of a word of the text.
    """
    text = frozen.subject.token_texts([answer])[0]
    if not is_content(text):
        return Slot(False, position or 0, 0.0, ())
    if position is not None:
        says = _says(frozen, words, [position])[0]
        kept = _kept(frozen, answer, says)
        return Slot(kept >= ENOUGH and len(set(says)) > 1, position, kept, says)
    return _search(frozen, words, answer)


def _search(frozen: Frozen, words: Words, answer: int) -> Slot:
    places = [
        index
        for index in range(int(frozen.bos), frozen.length)
        if frozen.tokens[index][:1].isspace() and is_content(frozen.tokens[index])
    ]
    if len(places) < 2:
        return Slot(False, places[0] if places else 0, 0.0, ())
    said = _says(frozen, words, places)
    kept = [_kept(frozen, answer, says) for says in said]
    asks = min(range(len(places)), key=lambda row: kept[row])
    others = [row for row in range(len(places)) if row != asks]
    weakest = min(others, key=lambda row: kept[row])
    holds = kept[asks] <= ASKED and kept[weakest] >= ENOUGH
    return Slot(holds, places[weakest], kept[weakest], said[weakest], places[asks], kept[asks])


def _says(frozen: Frozen, words: Words, places: Sequence[int]) -> list[tuple[int, ...]]:
    others = drawn_words(frozen, words, TRIED)
    rows = [((place, other),) for place in places for other in others]
    said = logits_with(frozen, rows).argmax(-1).tolist()
    return [tuple(said[start : start + len(others)]) for start in range(0, len(said), len(others))]


def _kept(frozen: Frozen, answer: int, says: Sequence[int]) -> float:
    kind = {token for token, _ in same_kind(frozen.subject, answer, says)} | {answer}
    return sum(token in kind for token in says) / max(1, len(says))
