"""Matched random controls: sets of other neurons in the same layers, at the same positions, as active.

Knows how to draw them, not what is done to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from tracer.attribution import Frozen, Units, activations, smallest, units_of

TOLERANCE = 0.1  # relative difference in |activation|
FEWEST = 10  # candidates a unit is matched among when too few lie within the tolerance
COMPARABLE = 0.5  # relative difference in |activation| beyond which nearest is not near
TRIES = 8  # times as many draws as sets are wanted, before the candidates count as exhausted


@dataclass(frozen=True, slots=True)
class Controls:
    """Drawn sets, no two alike, and how many of the units had enough candidates within the tolerance."""

    sets: tuple[Units, ...]
    matched: int


def matched_controls(frozen: Frozen, units: Units, count: int, seed: int) -> Controls:
    """Draw `count` different sets from the complement of `units`, matched unit by unit.

    Each unit is replaced by a random neuron of its layer, at its position, with |activation| within 10 %;
    where fewer than ten exist, by one of the ten nearest in |activation|, and the unit counts as unmatched.
    Where not even ten are within half of it, ten times as many of the nearest are taken as the group has
    units at that place: the few that are active there would make all sets alike. No set holds a neuron
    twice where that can be helped. Where so few neurons allow fewer than `count` sets, the rest is drawn
    from all layers and positions, and no unit counts as matched; a model too small even for that gives
    fewer sets: to repeat one would make a p-value smaller than it is.
    """
    generator = torch.Generator().manual_seed(seed)
    near, matched = _alike(frozen, units)
    sets: dict[tuple[tuple[int, int, int], ...], Units] = {}
    if len(units) and all(map(len, near)):
        for one in _drawn(units, near, count, generator):
            sets.setdefault(_key(one), one)
            if len(sets) == count:
                return Controls(tuple(sets.values()), matched)
    for one in _anywhere(frozen, units, count, generator):
        sets.setdefault(_key(one), one)
        if len(sets) == count:
            break
    return Controls(tuple(sets.values()), 0)


def _key(units: Units) -> tuple[tuple[int, int, int], ...]:
    return tuple(sorted(zip(*(column.tolist() for column in units), strict=True)))


def _alike(frozen: Frozen, units: Units) -> tuple[list[Int[Tensor, " _"]], int]:
    """For each unit the neurons that may stand for it, and how many units have enough truly alike ones."""
    size = activations(frozen, units).abs()
    out, matched = [], 0
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
            comparable = int((gap <= COMPARABLE).sum()) >= FEWEST
            wanted = FEWEST if comparable else FEWEST * len(own)
            near = smallest(gap, min(wanted, len(gap) - len(own)))
        out.append(near)
    return out, matched


def _drawn(
    units: Units, near: Sequence[Int[Tensor, " _"]], count: int, generator: torch.Generator
) -> Iterator[Units]:
    """Sets drawn from each unit's own candidates, some of them perhaps alike."""
    for _ in range(TRIES):
        drawn = torch.zeros(count, len(units), dtype=torch.long)
        for index, own in enumerate(near):
            drawn[:, index] = own[torch.randint(len(own), (count,), generator=generator)]
            _redraw_twins(drawn, index, units, own, generator)
        yield from (Units(units.layer, units.position, row) for row in drawn)


def _anywhere(frozen: Frozen, units: Units, count: int, generator: torch.Generator) -> Iterator[Units]:
    """Sets drawn, at any layer and position, from the neurons nearest to the group's mean |activation|."""
    acts = torch.stack([layer.acts for layer in frozen.layers]).abs()
    gap = (acts - activations(frozen, units).abs().mean()).abs()
    gap[units.layer, units.position, units.neuron] = torch.inf
    gap[:, : int(frozen.bos)] = torch.inf  # an attention sink is no place of the text
    free = int(gap.isfinite().sum())
    if free < len(units) or not len(units):
        return
    near = smallest(gap.flatten(), min(max(FEWEST, count) + len(units), free))
    for _ in range(TRIES * count):
        chosen = near[torch.randperm(len(near), generator=generator)[: len(units)]]
        yield units_of(chosen, acts.shape[1], acts.shape[2])


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
