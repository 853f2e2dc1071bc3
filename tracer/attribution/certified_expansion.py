"""Best-first expansion of a graph until its error is proven small: one driver over neurons and features.

What a row is, and how it is made, is known to whoever calls (`tracer.attribution.attribute` over neurons,
`tracer.transcoders.attribute` over features); what may stop is `tracer.attribution.certified_stop`'s.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.certified_stop import bound_unexplored, select_strongest
from tracer.attribution.graph import smallest_set

KEPT = 0.8  # of the influence: what pruning keeps by default


@runtime_checkable
class Expansion(Protocol):
    """Rows known so far; immutable, so that a round gives another one."""

    @property
    def chosen(self) -> Int[Tensor, " expanded"]:
        """The units that have a row."""

    @property
    def unit_count(self) -> int:
        """How many units could have one."""

    def influence(self) -> Float[Tensor, " unit"]:
        """Each unit's influence, known through the rows there are."""

    def expected(self) -> Float[Tensor, " column"]:
        """Every column's influence, units first, estimated for what has no row."""

    def expand(self, best: Int[Tensor, " more"]) -> "Expansion":
        """These units' rows, too."""


class Certified(NamedTuple):
    """An expansion that may stop, with what is known of influences at its end."""

    known: Expansion
    influence: Float[Tensor, " unit"]
    expected: Float[Tensor, " column"]
    unexplored: float  # share of the influence at units without a row: the bound that is proven


def expand_certified(
    known: Expansion, epsilon: float, budget: int, progress: Callable[[float], None] = lambda _done: None
) -> Certified:
    """Expand best first until the bound is proven or `budget` is used; then what pruning would keep."""
    while True:
        found = known.influence()
        unexplored, least = bound_unexplored(found, known.chosen, epsilon)
        progress(min(1.0, (1 - unexplored) / max(1 - epsilon, 1e-9)) * 0.8)
        wanted = min(least, budget - len(known.chosen))
        if not wanted:
            break
        known = known.expand(select_strongest(found, known.chosen, wanted))
    hoped = known.expected()
    kept = smallest_set(hoped, KEPT)[: known.unit_count]
    kept[known.chosen] = False
    more = kept.nonzero()[:, 0][: budget - len(known.chosen)]
    if len(more):
        known = known.expand(more)
        found, hoped = known.influence(), known.expected()
        unexplored, _ = bound_unexplored(found, known.chosen, epsilon)
    progress(1.0)
    return Certified(known, found, hoped, unexplored)
