"""A slot of a kind: whatever stands in the text, a word of the answer's kind is said."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, same_kind
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words

TRIED = 8
ENOUGH = 0.6


class Slot(NamedTuple):
    """`kept`: the part of other words at `position` with which a word of the answer's kind is still said."""

    holds: bool
    position: int
    kept: float
    says: tuple[int, ...]


def try_slot(frozen: Frozen, words: Words, answer: int, position: int) -> Slot:
    """Put words that have nothing to do with it where the answer is looked up (the chain's first word)."""
    others = drawn_words(frozen, words, TRIED)
    logits = logits_with(frozen, [((position, other),) for other in others])
    says = tuple(logits.argmax(-1).tolist())
    kind = {token for token, _ in same_kind(frozen.subject, answer, says)} | {answer}
    kept = sum(token in kind for token in says) / max(1, len(says))
    content = is_content(frozen.subject.token_texts([answer])[0])
    return Slot(content and kept >= ENOUGH and len(set(says)) > 1, position, kept, says)
