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

    In this order, for what says more about the answer comes first: copying, succession, agreement; that the
    answer is said whatever word stands at `start`, where a look-up begins (left out without it); last a slot,
    since a word that is copied or looked up may be of a kind too.
    """
    tries: tuple[tuple[str, Callable[[], Tested | None]], ...] = (
        ("copying", lambda: try_copying(frozen, words, answer)),
        ("sequence", lambda: try_sequence(frozen, answer)),
        ("agreement", lambda: try_agreement(frozen, answer, words)),
        ("default", lambda: None if start is None else try_default(frozen, words, answer, start)),
        ("slot", lambda: try_slot(frozen, words, answer)),
    )
    for name, attempt in tries:
        test = attempt()
        if test is not None and test.holds:
            return Named(name, test)
    return None
