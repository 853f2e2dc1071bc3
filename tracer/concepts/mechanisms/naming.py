"""Which mechanism a text shows: each is tested, and the most telling one that holds is named."""

from typing import Literal, NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.mechanisms.agreement import Agreement, try_agreement
from tracer.concepts.mechanisms.copying import Copying, try_copying
from tracer.concepts.mechanisms.lookup import Lookup
from tracer.concepts.mechanisms.sequence import Succession, try_sequence
from tracer.concepts.mechanisms.slot import Slot, try_slot
from tracer.concepts.words import Words

Mechanism = Literal["copying", "sequence", "agreement", "look-up", "slot"]


class Named(NamedTuple):
    """The mechanism whose test holds (None: none does), and the tests that were made."""

    name: Mechanism | None
    copying: Copying
    sequence: Succession
    agreement: Agreement
    lookup: Lookup | None
    slot: Slot | None


def name_mechanism(frozen: Frozen, words: Words, answer: int, lookup: Lookup | None = None) -> Named:
    """Test copying, succession and agreement, then a look-up (judged elsewhere), last a slot.

    A look-up asks for a kind too, and a copied word may be of one: the slot is named only where nothing that
    says more about the answer holds.
    """
    copying = try_copying(frozen, words, answer)
    sequence = try_sequence(frozen, answer)
    agreement = try_agreement(frozen, answer, words)
    told: list[tuple[Mechanism, bool]] = [
        ("copying", copying.holds),
        ("sequence", sequence.holds),
        ("agreement", agreement.holds),
        ("look-up", lookup is not None and lookup.holds),
    ]
    name = next((mechanism for mechanism, holds in told if holds), None)
    slot = try_slot(frozen, words, answer) if name is None else None
    if slot is not None and slot.holds:
        name = "slot"
    return Named(name, copying, sequence, agreement, lookup, slot)
