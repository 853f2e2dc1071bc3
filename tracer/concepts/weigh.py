"""Weigh concepts that were found, before anything is changed: what is read of each, and what it should do."""

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import stream_behind
from tracer.concepts.kinds import find_alternatives
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import usual_coordinates
from tracer.concepts.slopes import lead_gradient
from tracer.lens import Lens, directions, normalised, output_rows

NAMING = (1 / 9, 0.42)  # of the depth: where what is held at a word is read (2 to 7 of 18 blocks)


def weigh(frozen: Frozen, lens: Lens, nodes: list[ConceptNode], answer: int | None) -> list[ConceptNode]:
    """The nodes with `reading` and `foreseen`, those that should do most to the answer first.

    `reading`: the mean logit of the first token over the blocks where words are read, the same for all that
    are held there, over its own run otherwise. `foreseen`: the mean over the run of what taking the token out
    behind one block would do to the answer's lead, by its gradient. What is held where
    words are read is changed there: exchanges there install the other's answer most often.
    """
    if not nodes:
        return []
    gradient = None
    if answer is not None:
        gradient = lead_gradient(frozen, answer, find_alternatives(frozen, answer))
    naming = _naming_layers(frozen, lens)
    read, read_own = torch.zeros(len(nodes)), torch.zeros(len(nodes))
    foreseen = torch.zeros(len(nodes))
    for layer in lens.layers:
        own = torch.tensor([node.first <= layer <= node.last for node in nodes])
        if not (bool(own.any()) or layer in naming):
            continue
        logits, fall = _at(frozen, lens, layer, nodes, gradient)
        read += logits * (layer in naming)
        read_own += logits * own
        foreseen += fall * own
    lengths = torch.tensor([sum(n.first <= layer <= n.last for layer in lens.layers) for n in nodes])
    early = torch.tensor([any(n.first <= layer <= n.last for layer in naming) for n in nodes])
    reading = torch.where(early, read / max(1, len(naming)), read_own / lengths.clamp_min(1))
    foreseen = foreseen / lengths.clamp_min(1)
    band = (min(naming), max(naming)) if naming else None
    weighed = [
        node._replace(reading=r, foreseen=f, changed=band if is_early else None)
        for node, r, f, is_early in zip(
            nodes, reading.tolist(), foreseen.tolist(), early.tolist(), strict=True
        )
    ]
    return sorted(weighed, key=lambda node: (-abs(node.foreseen), -node.strength))


def _naming_layers(frozen: Frozen, lens: Lens) -> set[int]:
    depth = len(frozen.layers)
    return {layer for layer in lens.layers if NAMING[0] * depth <= layer <= NAMING[1] * depth}


def _at(
    frozen: Frozen, lens: Lens, layer: int, nodes: list[ConceptNode], gradient: Tensor | None
) -> tuple[Float[Tensor, " node"], Float[Tensor, " node"]]:
    """Each node's logit behind a block, and what taking it out there should do to the lead."""
    subject, tokens = frozen.subject, [node.tokens[0] for node in nodes]
    places = [node.position for node in nodes]
    stream = stream_behind(frozen, layer)
    here = normalised(subject, lens.transport(layer, stream.float()))[places]
    logits = (here * output_rows(subject, tokens).to(here)).sum(-1)
    if gradient is None:
        return logits.float().cpu(), torch.zeros(len(nodes))
    read = directions(lens, subject, layer, tokens).to(stream)
    index = torch.arange(len(nodes))
    usual = usual_coordinates(frozen, lens, layer, tokens)[places, index]
    gone = usual - (read * stream[places]).sum(-1)
    slope = (read * gradient[layer, places].to(read)).sum(-1) / read.pow(2).sum(-1).clamp_min(1e-20)
    return logits.float().cpu(), (gone * slope).float().cpu()
