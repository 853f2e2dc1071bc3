"""Foresee what a change of concepts will do, without making it: slope and curvature along it.

Both are fitted to small parts of the change on the live model; a claim registers their sum.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Clamp, Reading, stream_behind, unmoved
from tracer.concepts.kinds import Alternative
from tracer.concepts.lead import change_of_lead

PARTS = (0.1, 0.2, 0.35)  # of a change that are tried; never all of it


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
    """What s t + c t² comes to at t = 1: s and c by least squares from the effects of PARTS of a change."""
    tried = [partly(frozen, change, part) for change in changes for part in PARTS]
    lead, read = change_of_lead(frozen, tried, answer, alternatives, readings)
    moved = read.double() - unmoved(frozen, len(tried), readings)
    both = torch.cat([lead[:, None], moved], 1)
    parts = torch.tensor(PARTS, dtype=both.dtype, device=both.device)
    powers = torch.stack([parts, parts**2], 1)
    fitted = torch.einsum("kp,cpr->ckr", torch.linalg.pinv(powers), both.unflatten(0, (-1, len(PARTS))))
    slope, curved = fitted[:, 0], fitted.sum(1)
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
