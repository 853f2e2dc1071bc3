"""Kinds of mechanism, each recognised by a test of the model and never by how the prompt looks."""

from tracer.concepts.mechanisms.agreement import Agreement, try_agreement
from tracer.concepts.mechanisms.copying import Copying, try_copying
from tracer.concepts.mechanisms.default import Default, try_default
from tracer.concepts.mechanisms.lookup import Lookup, judge_lookup
from tracer.concepts.mechanisms.rival import Rival, try_rival
from tracer.concepts.mechanisms.sequence import Succession, try_sequence
from tracer.concepts.mechanisms.slot import Slot, try_slot

__all__ = [
    "Agreement",
    "Copying",
    "Default",
    "Lookup",
    "Rival",
    "Slot",
    "Succession",
    "judge_lookup",
    "try_agreement",
    "try_copying",
    "try_default",
    "try_rival",
    "try_sequence",
    "try_slot",
]
