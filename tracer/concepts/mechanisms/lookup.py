"""A look-up through a hop: exchanging the concept in the middle makes the model say the other's answer."""

from typing import NamedTuple

from tracer.concepts.nodes import ConceptNode
from tracer.concepts.swaps import SwapTest

LEVEL = 0.05


class Lookup(NamedTuple):
    """`installed`: of the exchanges tried, those that brought another answer of the kind; `changed`: any."""

    holds: bool
    node: ConceptNode
    changed: int
    installed: int
    tried: int
    p: float


def judge_lookup(node: ConceptNode, test: SwapTest) -> Lookup:
    """A hop is claimed where an exchange installs and the chosen one beats its controls."""
    changed = sum(swap.changed for swap in test.swaps)
    installed = sum(swap.installed for swap in test.swaps)
    beaten = bool(test.controls) and test.p <= LEVEL
    return Lookup(bool(installed) and beaten, node, changed, installed, len(test.swaps), test.p)
