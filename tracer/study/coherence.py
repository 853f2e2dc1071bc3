"""How much the members of a group act on the same things, and how a group parts in two where they do not."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from tracer.study.traced_study import TracedStudy


def coherence_of(traced: TracedStudy, ids: Sequence[str]) -> float:
    """The mean cosine between what two members do next: 1 where all act on the same, 0 where on others.

    What a feature does next is its flows: its direct effect on every node, times that node's effect on the
    root a unit of its activation. The flows of a feature add up to its total effect.
    """
    count = len(ids)
    if count < 2:
        return 1.0
    return float((_alike(traced, ids).sum() - count) / (count * (count - 1)))


def split_group(traced: TracedStudy, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Two parts of a group, the members of each alike: average linkage on the cosine of their flows."""
    alike = _alike(traced, ids)
    clusters = [[i] for i in range(len(ids))]
    while len(clusters) > 2:
        pairs = [(i, j) for i in range(len(clusters)) for j in range(i)]
        near = [float(alike[clusters[i]][:, clusters[j]].mean()) for i, j in pairs]
        i, j = pairs[max(range(len(pairs)), key=lambda k: (near[k], -k))]
        clusters[j] = sorted(clusters[j] + clusters.pop(i))
    first, second = sorted(clusters)
    return [ids[i] for i in first], [ids[i] for i in second]


def _alike(traced: TracedStudy, ids: Sequence[str]) -> Float[Tensor, "source target"]:
    """Cosines between the flows of each two of these features."""
    flows = traced.next_flows(ids)
    flows = flows / flows.norm(dim=1, keepdim=True).clamp_min(1e-30)
    alike: Tensor = flows @ flows.T
    return alike
