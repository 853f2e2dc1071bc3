"""Which mechanism a text shows: each is tested, and the most telling one that holds is named."""

from collections.abc import Callable
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.mechanisms.agreement import Agreement, try_agreement
from tracer.concepts.mechanisms.copying import Copying, try_copying
from tracer.concepts.mechanisms.default import Default, try_default
from tracer.concepts.mechanisms.sequence import Succession, try_sequence
from tracer.concepts.mechanisms.slot import Slot, try_slot
from tracer.concepts.words import Words

Tested = Copying | Succession | Agreement | Default | Slot


class Named(NamedTuple):
    """A mechanism, and the test of it that holds."""

    name: str  # copying, sequence, agreement, default, slot
    test: Tested


def name_mechanism(frozen: Frozen, words: Words, answer: int, start: int | None = None) -> Named | None:
    """The first of these whose test holds; None where none does.

    In this order, for what says more about the answer comes first: those of the text itself (`name_of_text`);
    that the answer is said whatever word stands at `start`, where a look-up begins (left out without it);
    last a slot, since a word that is copied or looked up may be of a kind too.
    """
    return name_of_text(frozen, words, answer) or name_of_rest(frozen, words, answer, start)


def name_of_text(frozen: Frozen, words: Words, answer: int) -> Named | None:
    """Copying, a list gone on with or agreement: the text holds the answer itself, nothing is looked up."""
    tries: tuple[tuple[str, Callable[[], Tested | None]], ...] = (
        ("copying", lambda: try_copying(frozen, words, answer)),
        ("sequence", lambda: try_sequence(frozen, answer)),
        ("agreement", lambda: try_agreement(frozen, answer, words)),
    )
    for name, attempt in tries:
        if found := _holding(name, attempt()):
            return found
    return None


def name_of_rest(frozen: Frozen, words: Words, answer: int, start: int | None = None) -> Named | None:
    """That the answer is said whatever stands at `start`, or a slot: looked for where no other holds."""
    if start is not None and (found := _holding("default", try_default(frozen, words, answer, start))):
        return found
    return _holding("slot", try_slot(frozen, words, answer))


def _holding(name: str, test: Tested | None) -> Named | None:
    return Named(name, test) if test is not None and test.holds else None
