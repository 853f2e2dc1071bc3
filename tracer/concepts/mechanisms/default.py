"""A default: the same answer for words the model knows nothing about."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words

TRIED = 8
ENOUGH = 0.6


class Default(NamedTuple):
    """`same`: the part of unrelated words at `position` with which the same is said."""

    holds: bool
    position: int
    same: float


def try_default(frozen: Frozen, words: Words, answer: int, position: int) -> Default:
    """Put drawn words at the place the answer depends on most."""
    others = drawn_words(frozen, words, TRIED, seed=1)
    logits = logits_with(frozen, [((position, other),) for other in others])
    same = sum(int(row.argmax()) == answer for row in logits) / max(1, len(others))
    return Default(same >= ENOUGH, position, same)
