"""A default: the same answer for words the model knows nothing about."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.mechanisms.word_weights import word_around
from tracer.concepts.words import Words

TRIED = 8
ENOUGH = 0.6
KEPT = 0.5  # of the answer's probability: what is still first, but hardly, is not said anyway


class Default(NamedTuple):
    """`same`: the part of unrelated words in the place of that at `position` with which the same is said."""

    holds: bool
    position: int
    same: float


def try_default(frozen: Frozen, words: Words, answer: int, position: int) -> Default:
    """Put drawn words in the place of the whole word there, which the answer depends on most."""
    others, (first, last) = drawn_words(frozen, words, TRIED, seed=1), word_around(frozen, position)
    logits = logits_with(
        frozen, [tuple((place, other) for place in range(first, last + 1)) for other in others]
    )
    same = sum(int(row.argmax()) == answer for row in logits) / max(1, len(others))
    p, clean = logits.double().softmax(-1)[:, answer], frozen.logits.double().softmax(-1)[answer]
    kept = float((p / clean.clamp_min(1e-12)).clamp(max=1.0).mean())
    return Default(same >= ENOUGH and kept >= KEPT, position, same)
