"""Controls that move the residual stream as far as the group does: random others, scaled to its write norm.

Activation-matched controls (`matched_controls`) are a weak opponent where few others are as active. These are
not: at every (layer, position) of the group they change the stream by a vector of the same length.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Units
from tracer.interventions.intervene import Change

TRIES = 8  # times as many draws as sets are wanted, before the candidates count as exhausted
ALIKE = 0.9  # cosine of what two write; above it they are one control, not two
Rows = Callable[[Units], Float[Tensor, "unit d_model"]]  # what one unit of activation writes
Pool = Callable[[int, int], tuple[Int[Tensor, " candidate"], Float[Tensor, " candidate"]]]


class NormControls(NamedTuple):
    """Changes of random others, no two of which write alike, and how many of the units they stand for."""

    changes: tuple[Change, ...]
    matched: int


class _Place(NamedTuple):
    """One (layer, position) of a group: how far it moves the stream there, and who may stand for it."""

    layer: int
    position: int
    size: int  # units of the group here
    norm: float  # length of what the group's change writes here
    candidates: Int[Tensor, " candidate"]
    acts: Float[Tensor, " candidate"]
    writes: Float[Tensor, "candidate d_model"]  # what taking each out adds to the stream


def norm_matched_controls(
    change: Change, acts: Float[Tensor, " unit"], rows: Rows, pool: Pool, count: int, seed: int
) -> NormControls:
    """Draw `count` changes of other units with the write norm of `change` at each of its places.

    `acts` are the changed units' activations on the text, `rows(units)` what a unit of activation of each
    writes, `pool(layer, position)` the active units there and their activations. At each place as many
    others as the group has are drawn and turned down together (x (1 - s), s > 0) until what they take out
    of the stream is as long as what the group's change moves. A place without others has no control: its
    units do not count as matched. Many sets of a few jobs are few controls: where all that others can write
    lies in a handful of directions, no more than a handful is returned, however many sets could be drawn.
    """
    random = torch.Generator().manual_seed(seed)
    places = list(_places(change, acts, rows, pool))
    sets = list[Change]()
    written = torch.zeros(count, sum(place.writes.shape[1] for place in places), dtype=acts.dtype)
    for _ in range(TRIES * count if places else 0):
        one, writes = _draw(places, random, acts)
        if float((written @ writes).max()) > ALIKE:
            continue
        written[len(sets)] = writes
        sets.append(one)
        if len(sets) == count:
            break
    return NormControls(tuple(sets), sum(place.size for place in places))


def _places(change: Change, acts: Float[Tensor, " unit"], rows: Rows, pool: Pool) -> Iterator[_Place]:
    units = change.units
    moved = rows(units) * (change.values - acts)[:, None]
    spots = sorted(set(zip(units.layer.tolist(), units.position.tolist(), strict=True)))
    for layer, position in spots:
        here = (units.layer == layer) & (units.position == position)
        candidates, held = pool(layer, position)
        others = ~torch.isin(candidates, units.neuron[here])
        candidates, held = candidates[others], held[others]
        if not len(candidates):
            continue
        same = torch.full_like(candidates, layer), torch.full_like(candidates, position)
        writes = -rows(Units(*same, candidates)) * held[:, None]
        norm = float(moved[here].sum(0).norm())
        yield _Place(layer, position, int(here.sum()), norm, candidates, held, writes)


def _draw(
    places: list[_Place], random: torch.Generator, like: Float[Tensor, " unit"]
) -> tuple[Change, Float[Tensor, " width"]]:
    """One control, and what it writes at all places together, of length 1."""
    columns: list[list[Tensor]] = [[], [], [], []]
    written = []
    for place in places:
        chosen = torch.randperm(len(place.candidates), generator=random)[: place.size]
        taken = place.writes[chosen].sum(0)
        length = float(taken.norm())
        factor = place.norm / length if length > 0 else 0.0
        written.append(taken * factor)
        columns[0].append(torch.full((len(chosen),), place.layer))
        columns[1].append(torch.full((len(chosen),), place.position))
        columns[2].append(place.candidates[chosen])
        columns[3].append(place.acts[chosen] * (1 - factor))
    layer, position, neuron, values = (torch.cat(column) for column in columns)
    return Change(Units(layer, position, neuron), values.to(like.dtype)), _unit(torch.cat(written))


def _unit(x: Float[Tensor, " width"]) -> Float[Tensor, " width"]:
    unit: Tensor = x / x.norm().clamp_min(torch.finfo(x.dtype).tiny)
    return unit
