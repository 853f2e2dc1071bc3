"""A slot of a kind: one word asks for it; where another is replaced, a word of the kind is said still."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content
from tracer.concepts.mechanisms.word_weights import weigh_words
from tracer.concepts.words import Words
from tracer.lens import surface

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

    The kind must hang on one of them, and be kept without another. A word that the text says already is no
    word of a kind: it is copied, or nothing is named.
    """
    said = frozen.subject.token_texts([answer])[0]
    if not is_content(said) or surface(said) in {surface(text) for text in frozen.tokens}:
        return Slot(False, 0, 0.0)
    weights = [one for one in weigh_words(frozen, words, answer) if frozen.tokens[one.first][:1].isspace()]
    if len(weights) < 2:
        return Slot(False, weights[0].first if weights else 0, 0.0)
    asks = min(weights, key=lambda one: one.kind)
    free = max((one for one in weights if one is not asks), key=lambda one: one.kind)
    holds = asks.kind <= ASKED and free.kind >= ENOUGH
    return Slot(holds, free.first, free.kind, asks.first, asks.kind)
