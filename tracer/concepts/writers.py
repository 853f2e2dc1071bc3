"""Which neurons write a concept's coordinate at its word: the members of its supernode."""

from typing import NamedTuple

import torch

from tracer.attribution import Frozen
from tracer.concepts.nodes import ConceptNode
from tracer.lens import Lens, directions


class Writer(NamedTuple):
    """What one neuron adds to a concept's coordinate; `share` is of all that neurons add (maybe negative)."""

    layer: int
    position: int
    neuron: int
    amount: float
    share: float


def find_writers(frozen: Frozen, lens: Lens, node: ConceptNode, *, count: int = 20) -> tuple[Writer, ...]:
    """The neurons whose write has most of the node's direction, up to its best layer, strongest first.

    The amount is act · (w_out · v), through the norm behind the MLP where there is one; negative amounts
    suppress the concept.
    """
    read = directions(lens, frozen.subject, node.best_layer, node.tokens[:1])[0].to(frozen.embedded)
    amounts = []
    for layer in frozen.layers[: node.best_layer + 1]:
        felt = read if layer.post_gain is None else read * layer.post_gain[node.position]
        amounts.append((felt @ layer.weights.down) * layer.acts[node.position])
    every = torch.stack(amounts)
    total = float(every.sum()) or float("inf")
    flat = every.flatten().abs().topk(min(count, every.numel())).indices.tolist()
    places = [divmod(index, every.shape[1]) for index in flat]
    return tuple(
        Writer(layer, node.position, neuron, float(every[layer, neuron]), float(every[layer, neuron]) / total)
        for layer, neuron in places
    )
