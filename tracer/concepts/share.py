"""How much of the answer's lead is left when only what a story names keeps what it is on this text.

Every other neuron is set to its mean over other texts, at every word; attention is live. (Enough, not only
needed: faithfulness, Marks et al. 2024.)
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution import Frozen, Units
from tracer.concepts.change import Change, Clamp, clamped, stream_behind, unmoved
from tracer.concepts.controls import ENOUGH_CONTROLS
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.other_texts import OtherTexts
from tracer.concepts.subspace import span
from tracer.interventions import FREE, Start, final_logits, remember_prefix, rerun
from tracer.lens import Lens, directions
from tracer.models import hook_before, part


class Kept(NamedTuple):
    """What a story names: concepts where they are held, neurons at positions."""

    nodes: Sequence[ConceptNode]
    units: Units


class ExplainedShare(NamedTuple):
    """The part of the lead that what is named keeps by itself.

    `share` is (kept - none) / (lead - none), leads in logits: as the text is, with what is named kept, and
    with nothing kept. `random` are the shares of as many other neurons and directions at the same places.
    """

    lead: float
    none: float
    kept: float
    share: float
    random: tuple[float, ...]


@torch.no_grad()
def explain_share(
    frozen: Frozen,
    lens: Lens,
    named: Kept,
    others: OtherTexts,
    answer: int,
    alternatives: Sequence[Alternative],
    *,
    draws: int = ENOUGH_CONTROLS,
    seed: int = 0,
) -> ExplainedShare:
    """Keep the concepts' coordinates where they are held and the units' activations, and nothing else.

    Raises ValueError where nothing is named.
    """
    nodes, units = named
    if not nodes and not len(units):
        raise ValueError("An explained share needs concepts or neurons that are kept.")
    generator = torch.Generator().manual_seed(seed)
    changes: list[Change] = [(), _held(frozen, lens, nodes, None)]
    changes += [_held(frozen, lens, nodes, generator) for _ in range(draws)]
    kept = [units.pick(torch.zeros(0, dtype=torch.long)), units]
    kept += [_other_units(frozen, units, generator) for _ in range(draws)]
    start = Start(0, int(frozen.bos))
    remember_prefix(frozen, start)
    with (
        _usual_neurons(frozen, kept, others, start.position),
        clamped(frozen, changes, (), start, unmoved(frozen, len(changes), ())) as at_the_end,
    ):
        stream = at_the_end(rerun(frozen, len(changes), start))
    logits = final_logits(frozen, stream[:, -1], FREE, None)
    leads = contrast_direction(logits, answer, alternatives)
    lead = float(contrast_direction(frozen.logits, answer, alternatives))
    none = float(leads[0])
    whole = (lead - none) or float("inf")
    shares = ((leads - none) / whole).tolist()
    return ExplainedShare(lead, none, float(leads[1]), shares[1], tuple(shares[2:]))


def _held(frozen: Frozen, lens: Lens, nodes: Sequence[ConceptNode], random: torch.Generator | None) -> Change:
    """The concepts' coordinates as they are; of as many random directions with a generator."""
    at: dict[tuple[int, int], list[int]] = {}
    for node in nodes:
        first, last = node.changed or (node.first, node.last)
        for layer in (layer for layer in lens.layers if first <= layer <= last):
            at.setdefault((layer, node.position), []).extend(node.tokens[:1])
    clamps = []
    for (layer, position), tokens in at.items():
        read = directions(lens, frozen.subject, layer, list(dict.fromkeys(tokens))).to(frozen.final_stream)
        if random is not None:
            read = torch.randn(read.shape, generator=random).to(read)
        space = span(read)
        clamps.append(
            Clamp(layer, position, space, space.coordinates(stream_behind(frozen, layer)[position]))
        )
    return tuple(clamps)


def _other_units(frozen: Frozen, units: Units, random: torch.Generator) -> Units:
    """As many neurons at each layer and position, drawn at random."""
    width = torch.tensor([layer.acts.shape[1] for layer in frozen.layers])
    drawn = torch.rand(len(units), generator=random) * width[units.layer.cpu()]
    return Units(units.layer, units.position, drawn.long().to(units.neuron))


@contextmanager
def _usual_neurons(frozen: Frozen, kept: Sequence[Units], others: OtherTexts, first: int) -> Iterator[None]:
    """Within the block each row's neurons write their means, but for those that are kept."""
    family, handles = frozen.subject.family, []
    for index, block in enumerate(frozen.subject.blocks):
        acts = others.activations[index].expand(len(kept), frozen.length - first, -1).clone()
        for row, units in enumerate(kept):
            here = (units.layer == index) & (units.position >= first)
            position, neuron = units.position[here], units.neuron[here]
            acts[row, position - first, neuron] = frozen.layers[index].acts[position, neuron]
        handles.append(hook_before(part(block, family.down), _set(acts)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _set(acts: Float[Tensor, "row pos neuron"]) -> Callable[[nn.Module, Any], tuple[Tensor]]:
    return lambda _module, args: (acts.to(args[0]),)
