"""How much of the answer's lead is left when only the named concepts stay and the rest is of other texts.

At each place the stream is set to that of a random place of another text, except for the coordinates of the
named concepts, which stay as they are on this text. (Enough, not only needed: Marks et al. 2024.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Clamp, measure, stream_behind
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.subspace import Subspace, span
from tracer.lens import Lens, directions

DRAWS = 16  # random places of other texts


class ExplainedShare(NamedTuple):
    """Of what the words hold behind one block: the part of the lead that the named concepts keep.

    `share` is (kept - none) / (lead - none), where `none` is the mean lead with nothing of these words kept
    and `kept` with only the concepts. `random` are the shares when as many random directions stay instead.
    """

    lead: float
    none: float
    kept: float
    share: float
    random: tuple[float, ...]
    layer: int
    positions: tuple[int, ...]


def explain_share(
    frozen: Frozen,
    lens: Lens,
    nodes: Sequence[ConceptNode],
    others: Sequence[Frozen],
    answer: int,
    alternatives: Sequence[Alternative],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ExplainedShare:
    """Keep the nodes' tokens at their words, behind the first block where all are held.

    `others` give the rest. Raises ValueError without nodes or other texts.
    """
    if not nodes or not others:
        raise ValueError("An explained share needs concepts and other texts.")
    layer = max(node.first for node in nodes)
    generator = torch.Generator().manual_seed(seed)
    kept: dict[int, Tensor] = {}
    for position in sorted({node.position for node in nodes}):
        tokens = list(dict.fromkeys(t for node in nodes if node.position == position for t in node.tokens))
        kept[position] = directions(lens, frozen.subject, layer, tokens).to(frozen.final_stream)
    rest = torch.cat([stream_behind(other, layer)[int(other.bos) :] for other in others])
    donors = [rest[torch.randint(len(rest), (len(kept),), generator=generator)] for _ in range(draws)]
    chance = {p: torch.randn(read.shape, generator=generator).to(read) for p, read in kept.items()}
    changes = [
        _resampled(frozen, layer, donor, reads)
        for reads in ({p: read[:0] for p, read in kept.items()}, kept, chance)
        for donor in donors
    ]
    logits = measure(frozen, changes).logits.double()
    leads = contrast_direction(logits, answer, alternatives).view(3, draws)
    lead = float(contrast_direction(frozen.logits.double(), answer, alternatives))
    none = float(leads[0].mean())
    whole = (lead - none) or float("inf")
    return ExplainedShare(
        lead=lead,
        none=none,
        kept=float(leads[1].mean()),
        share=(float(leads[1].mean()) - none) / whole,
        random=tuple(((leads[2] - leads[0]) / whole).tolist()),
        layer=layer,
        positions=tuple(kept),
    )


def _resampled(
    frozen: Frozen, layer: int, donor: Float[Tensor, "place d_model"], keep: dict[int, Tensor]
) -> Change:
    """Another text's stream at each place, but for the coordinates that are kept (position: directions)."""
    own, whole = stream_behind(frozen, layer), torch.eye(donor.shape[1]).to(donor)
    clamps = []
    for row, (position, read) in enumerate(keep.items()):
        values = donor[row]
        if len(read):
            space = span(read)
            values = values + space.coordinates(own[position] - donor[row]) @ space.write
        clamps.append(Clamp(layer, position, Subspace(whole, whole), values))
    return tuple(clamps)
