"""A slot of a kind: one word asks for it; where another is replaced, a word of the kind is said still."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import find_alternatives, is_content
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words, word_places

TRIED = 8
ENOUGH = 0.5  # of the kind's probability that is kept where any other word is put
ASKED = 0.35  # the word that asks: without it at most so much is kept


class Slot(NamedTuple):
    """`asks`: the position of the word that asks for the kind; with others there `without` of it is left.

    `kept`: how much of the kind's probability is left with other words at `position`, on average.
    """

    holds: bool
    position: int
    kept: float
    asks: int | None = None
    without: float = 1.0


def try_slot(frozen: Frozen, words: Words, answer: int) -> Slot:
    """Put words that have nothing to do with it in the place of each word of the text.

    The kind must hang on one of them, and be kept without another.
    """
    if not is_content(frozen.subject.token_texts([answer])[0]):
        return Slot(False, 0, 0.0)
    places = [
        index
        for index in word_places(frozen)
        if frozen.tokens[index][:1].isspace() and is_content(frozen.tokens[index])
    ]
    if len(places) < 2:
        return Slot(False, places[0] if places else 0, 0.0)
    kept = _kept(frozen, words, answer, places)
    asks = min(range(len(places)), key=lambda row: kept[row])
    free = max((row for row in range(len(places)) if row != asks), key=lambda row: kept[row])
    holds = kept[asks] <= ASKED and kept[free] >= ENOUGH
    return Slot(holds, places[free], kept[free], places[asks], kept[asks])


def _kept(frozen: Frozen, words: Words, answer: int, places: Sequence[int]) -> list[float]:
    """For each place what is left of the kind's probability with drawn words there."""
    others = drawn_words(frozen, words, TRIED)
    kind = [answer, *(one.token_id for one in find_alternatives(frozen, answer))]
    whole = float(frozen.logits.double().softmax(-1)[kind].sum())
    p = logits_with(frozen, [((place, other),) for place in places for other in others]).softmax(-1)
    left = (p[:, kind].sum(-1) / max(whole, 1e-12)).clamp(max=1.0).unflatten(0, (len(places), -1))
    kept: list[float] = left.mean(-1).tolist()
    return kept
