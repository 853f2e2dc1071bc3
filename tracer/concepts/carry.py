"""Which attention heads carry a concept from its word on: the frozen model's path, split by head.

What the stream holds of the concept is pushed up through attention and MLPs as they are on this text
(patterns and norms frozen, neurons by the half rule); what the answer's lead feels is pulled down; where they
meet, each layer's attention is a sum over heads, query and key positions (`tracer.attribution.heads`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tracer.attribution import (
    Connection,
    Frozen,
    Layer,
    Targets,
    WrittenStream,
    final_direction,
    list_crossings,
)
from tracer.concepts.change import stream_behind
from tracer.concepts.kinds import Alternative
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import usual_coordinates
from tracer.concepts.subspace import span
from tracer.lens import Lens, directions


class Carrier(NamedTuple):
    """What one head moves of a concept from one word to a later one, as part of its effect on the lead."""

    layer: int
    head: int
    source: int
    target: int
    amount: float
    share: float


class Carried(NamedTuple):
    """The concept's whole linear effect on the answer's lead, and its strongest carriers."""

    total: float
    carriers: tuple[Carrier, ...]


class _HalfRule:
    """MLPs as they answer on this text."""

    def pull(self, index: int, layer: Layer, carried: Tensor) -> Tensor:  # noqa: ARG002
        """What is felt at an MLP's input of what is felt at its output."""
        return layer.pull_mlp(carried)[1]

    def push(self, index: int, layer: Layer, x: Tensor) -> Tensor:  # noqa: ARG002
        """What is written for a change of an MLP's input."""
        return layer.push_write(layer.push_neurons(x))


def find_carriers(
    frozen: Frozen,
    lens: Lens,
    node: ConceptNode,
    answer: int,
    alternatives: Sequence[Alternative],
    *,
    count: int = 6,
) -> Carried:
    """The heads that move the node's concept away from its word, strongest first.

    A part that passes several heads, at different layers, counts for each of them; shares are of the whole.
    """
    layer = node.best_layer
    space = span(directions(lens, frozen.subject, layer, node.tokens[:1]).to(frozen.final_stream))
    own = space.coordinates(stream_behind(frozen, layer)[node.position])
    above = own - usual_coordinates(frozen, lens, layer, node.tokens[:1])[node.position]
    at = torch.tensor([node.position], device=frozen.embedded.device)
    connection = Connection(
        {layer: WrittenStream(at, above[None] @ space.write)}, lead_target(frozen, answer, alternatives)
    )
    found, total = [], 0.0
    for crossing in list_crossings(frozen, [connection], _HalfRule()):
        moved = crossing.moved[0]
        if crossing.layer == layer + 1:
            total = float(moved.sum() + crossing.bypass[0])
        strongest = moved.abs().flatten().topk(min(count, moved.numel())).indices.tolist()
        for flat in strongest:
            head, rest = divmod(flat, moved.shape[1] * moved.shape[2])
            query, key = divmod(rest, moved.shape[2])
            if query != key:
                found.append(Carrier(crossing.layer, head, key, query, float(moved[head, query, key]), 0.0))
    scale = total or float("inf")
    best = sorted(found, key=lambda one: -abs(one.amount))[:count]
    return Carried(total, tuple(one._replace(share=one.amount / scale) for one in best))


def lead_target(frozen: Frozen, answer: int, alternatives: Sequence[Alternative]) -> Targets:
    """logit(answer) minus the mean of its alternatives (of the vocabulary without any) as a direction."""
    subject = frozen.subject
    rest = subject.mean_unembedding
    if alternatives:
        rest = subject.unembedding[[one.token_id for one in alternatives]].mean(0)
    read = subject.unembedding[answer] - rest
    return final_direction(frozen, read, read.new_zeros(()))
