"""Matched random controls: sets of other neurons in the same layers, at the same positions, as active.

Knows how to draw them, not what is done to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from tracer.frozen import Frozen
from tracer.neurons import Units, activations

TOLERANCE = 0.1  # relative difference in |activation|
FEWEST = 10  # candidates a unit is matched among when too few lie within the tolerance


@dataclass(frozen=True, slots=True)
class Controls:
    """Drawn sets, and how many of the units had enough candidates within the tolerance."""

    sets: tuple[Units, ...]
    matched: int


def matched_controls(frozen: Frozen, units: Units, count: int, seed: int) -> Controls:
    """Draw `count` sets from the complement of `units`, matched unit by unit.

    Each unit is replaced by a random neuron of its layer, at its position, with |activation| within 10 %;
    where fewer than ten exist the ten nearest in |activation| are used, and the unit counts as unmatched.
    No set holds a neuron twice where that can be helped.
    """
    generator = torch.Generator().manual_seed(seed)
    size = activations(frozen, units).abs()
    drawn = torch.zeros(count, len(units), dtype=torch.long)
    matched = 0
    for index in range(len(units)):
        layer, position = int(units.layer[index]), int(units.position[index])
        acts = frozen.layers[layer].acts[position].abs()
        own = units.neuron[(units.layer == layer) & (units.position == position)]
        gap = (acts - size[index]).abs() / size[index].clamp_min(1e-30)
        gap[own] = torch.inf
        near = (gap <= TOLERANCE).nonzero()[:, 0]
        if len(near) >= FEWEST:
            matched += 1
        else:
            near = gap.topk(min(FEWEST, len(gap) - len(own)), largest=False).indices
        drawn[:, index] = near[torch.randint(len(near), (count,), generator=generator)]
        _redraw_twins(drawn, index, units, near, generator)
    sets = tuple(Units(units.layer, units.position, row) for row in drawn)
    return Controls(sets, matched)


def _redraw_twins(
    drawn: Int[Tensor, "set unit"],
    index: int,
    units: Units,
    near: Int[Tensor, " candidate"],
    generator: torch.Generator,
) -> None:
    """Where a set already holds the neuron just drawn (same layer and position), draw again, a few times."""
    before: Sequence[int] = [
        other
        for other in range(index)
        if units.layer[other] == units.layer[index] and units.position[other] == units.position[index]
    ]
    for _ in range(8):
        twins = (drawn[:, before] == drawn[:, index, None]).any(1).nonzero()[:, 0]
        if not len(twins):
            return
        drawn[twins, index] = near[torch.randint(len(near), (len(twins),), generator=generator)]
