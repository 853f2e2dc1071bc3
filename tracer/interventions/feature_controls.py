"""Matched random controls among transcoder features. Knows how to draw them, not what is done to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tracer.attribution import Units
from tracer.interventions.intervene import Change
from tracer.interventions.matched_controls import FEWEST, TOLERANCE, TRIES
from tracer.transcoders import Active


class ControlSet(NamedTuple):
    """A group drawn in place of another, unit by unit; as large but where a layer has too few features."""

    units: Units
    fires: Bool[Tensor, " unit"]  # at this very position
    by: Float[Tensor, " unit"]  # how far the unit it stands for is moved


@dataclass(frozen=True, slots=True)
class FeatureControls:
    """Drawn sets, and how many of the units had enough candidates within the tolerance."""

    sets: tuple[ControlSet, ...]
    matched: int


class _Pool(NamedTuple):
    """What one unit may be replaced by."""

    features: list[int]
    here: int  # the first so many fire at the unit's position
    matched: bool


def matched_features(
    active: Active,
    change: Change,
    acts: Float[Tensor, " unit"],
    widths: Sequence[int],
    count: int,
    seed: int,
) -> FeatureControls:
    """Draw `count` sets of other features, matched unit by unit to those changed.

    Each is replaced by a random feature of its layer that fires at its position with |activation| within
    10 %; where fewer than ten do, by one of the ten nearest in |activation| of those that fire there, then
    elsewhere in the text, then by any of the layer: such a unit counts as unmatched. No set holds a feature
    twice and no two sets are alike; where that cannot be, there are fewer.
    """
    random = torch.Generator().manual_seed(seed)
    units, by = change.units, change.values - acts
    places = list(zip(units.layer.tolist(), units.position.tolist(), strict=True))
    pools = [_pool(active, units, i, float(acts[i].abs())) for i in range(len(units))]
    sets: dict[tuple[tuple[int, ...], ...], ControlSet] = {}
    for _ in range(TRIES * count):
        one = _one_set(units, by, places, pools, widths, random)
        key = tuple(sorted(zip(*(column.tolist() for column in one.units), strict=True)))
        sets.setdefault(key, one)  # one repeated would make a p-value smaller than it is
        if len(sets) == count:
            break
    return FeatureControls(tuple(sets.values()), sum(pool.matched for pool in pools))


def _one_set(
    units: Units,
    by: Float[Tensor, " unit"],
    places: Sequence[tuple[int, int]],
    pools: Sequence[_Pool],
    widths: Sequence[int],
    random: torch.Generator,
) -> ControlSet:
    used: dict[tuple[int, int], set[int]] = {}
    drawn, fires, kept = [], [], []
    for i, (place, pool) in enumerate(zip(places, pools, strict=True)):
        taken = used.setdefault(place, set(_own(units, i)))
        choice = _draw(pool, taken, widths[place[0]], random)
        if choice is not None:
            taken.add(choice)
            drawn.append(choice)
            fires.append(choice in pool.features[: pool.here])
            kept.append(i)
    rows = torch.tensor(kept, dtype=torch.long)
    some = Units(units.layer[rows], units.position[rows], torch.tensor(drawn, dtype=torch.long))
    return ControlSet(some, torch.tensor(fires, dtype=torch.bool), by[rows])


def _own(units: Units, index: int) -> list[int]:
    """The changed features of one unit's layer and position."""
    together = (units.layer == units.layer[index]) & (units.position == units.position[index])
    own: list[int] = units.neuron[together].tolist()
    return own


def _pool(active: Active, units: Units, index: int, size: float) -> _Pool:
    others = active.units.layer == units.layer[index]
    others &= ~torch.isin(active.units.neuron, torch.tensor(_own(units, index)))
    here = others & (active.units.position == units.position[index])
    features, gap = active.units.neuron[here], (active.acts[here].abs() - size).abs() / max(size, 1e-30)
    close = features[gap <= TOLERANCE]
    if len(close) >= FEWEST:
        return _Pool(close.tolist(), len(close), matched=True)
    near = features[gap.argsort(stable=True)[:FEWEST]].tolist()
    elsewhere = others & ~torch.isin(active.units.neuron, features)
    order = (active.acts[elsewhere].abs() - size).abs().argsort(stable=True)
    ranked = dict.fromkeys(active.units.neuron[elsewhere][order].tolist())  # nearest first, each once
    return _Pool([*near, *list(ranked)[: FEWEST - len(near)]], len(near), matched=False)


def _draw(pool: _Pool, taken: set[int], width: int, random: torch.Generator) -> int | None:
    """One of the pool that is not taken, else any of the layer, else none."""
    free = [feature for feature in pool.features if feature not in taken]
    if not free and len(taken) < width:
        while (feature := int(torch.randint(width, (1,), generator=random))) in taken:
            pass
        return feature
    return free[int(torch.randint(len(free), (1,), generator=random))] if free else None
