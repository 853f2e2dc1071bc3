"""Foresee what a change of concepts will do, without making it: slope and curvature at the unchanged text.

Both are read from a small part of the change, forwards and backwards; a claim registers the sum.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Clamp, Reading, measure, stream_behind, unmoved
from tracer.concepts.kinds import Alternative, contrast_direction

PART = 0.2  # of a change that is tried


class ConceptForecast(NamedTuple):
    """The foreseen change of the answer's lead (logits), and of each reading's coordinate."""

    slope: float
    curved: float
    readings: tuple[float, ...]


def forecast(
    frozen: Frozen,
    changes: Sequence[Change],
    answer: int,
    alternatives: Sequence[Alternative],
    readings: Sequence[Reading] = (),
) -> tuple[ConceptForecast, ...]:
    """The second-order expansion f'(0) + f''(0) / 2 of each change's effect, by central differences."""
    tried = [partly(frozen, change, part) for change in changes for part in (PART, -PART)]
    effect = measure(frozen, tried, None, readings)
    lead = contrast_direction(effect.logits.double(), answer, alternatives)
    lead = lead - contrast_direction(frozen.logits.double(), answer, alternatives)
    moved = effect.readings.double() - unmoved(frozen, len(tried), readings)
    both = torch.cat([lead[:, None], moved], 1)
    up, down = both[0::2], both[1::2]
    slope = (up - down) / (2 * PART)
    curved = slope + (up + down) / (2 * PART**2)
    return tuple(
        ConceptForecast(float(slope[row, 0]), float(curved[row, 0]), tuple(curved[row, 1:].tolist()))
        for row in range(len(changes))
    )


def partly(frozen: Frozen, change: Change, part: float) -> Change:
    """The same change made only in part: 0 leaves the text as it is, 1 makes it."""
    clamps = []
    for clamp in change:
        own = clamp.subspace.coordinates(stream_behind(frozen, clamp.layer)[clamp.position])
        values = own + part * (clamp.values - own)
        clamps.append(Clamp(clamp.layer, clamp.position, clamp.subspace, values))
    return tuple(clamps)
