"""How much a group of neurons writes in one direction, and how it parts in two where it does not."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.describe import write_directions
from tracer.study import parse_unit
from tracer.view import TracedStudy


def coherence(traced: TracedStudy, ids: Sequence[str]) -> float:
    """The mean cosine between what two members write: 1 where all write alike, near 0 where each its own."""
    if len(ids) < 2:
        return 1.0
    alike = _cosines(traced, ids)
    count = len(ids)
    return float((alike.sum() - count) / (count * (count - 1)))


def parted(traced: TracedStudy, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Two halves of a group, the members of each alike: average linkage on the cosine of what they write."""
    alike = _cosines(traced, ids).double()
    clusters = [[i] for i in range(len(ids))]
    while len(clusters) > 2:
        pairs = [(i, j) for i in range(len(clusters)) for j in range(i)]
        near = [float(alike[clusters[i]][:, clusters[j]].mean()) for i, j in pairs]
        i, j = pairs[max(range(len(pairs)), key=lambda k: (near[k], -k))]
        clusters[j] = sorted(clusters[j] + clusters.pop(i))
    first, second = sorted(clusters)
    return [ids[i] for i in first], [ids[i] for i in second]


def _cosines(traced: TracedStudy, ids: Sequence[str]) -> Float[Tensor, "source target"]:
    study = traced.study
    order = sorted(range(len(ids)), key=lambda i: parse_unit(ids[i]))  # `units` sorts what it is given
    directions = write_directions(study.frozen, study.units(ids))
    lengths = directions.norm(dim=1, keepdim=True).clamp_min(1e-30)
    unsorted = torch.empty_like(directions)
    unsorted[order] = directions / lengths
    return unsorted @ unsorted.T
