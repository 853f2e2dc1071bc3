"""Which positions are attention sinks: recognised by what attention and the stream do there, never by a name.

A sink is looked at by most later words and holds a stream many times as long as theirs (Xiao et al. 2024,
arXiv 2309.17453; Sun et al. 2024, "Massive Activations", arXiv 2402.17762): the begin token where a model has
one, else mostly position 0. What is looked up there says nothing of the text.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution.frozen_text import Frozen
from tracer.models import centres, part

LONGER = 3.0  # a sink's stream: so many times the text's median, in the middle half of the layers
LOOKED_AT = 0.2  # share of later positions' attention, mean over heads and the middle half of the layers


def find_sinks(frozen: Frozen) -> tuple[int, ...]:
    """The positions of this text that are attention sinks, in order; none in a text of one token."""
    if frozen.length < 2 or frozen.before:  # of a long text's window: what attention rests on stands before
        return ()
    count = len(frozen.layers)
    middle = range(count // 4, max(count // 4 + 1, count - count // 4))
    received = torch.stack([attention_received(frozen, index) for index in middle]).mean(0)
    lengths = torch.stack([frozen.layers[index].stream.float().norm(dim=-1) for index in middle])
    longer = (lengths / lengths.median(1, keepdim=True).values).median(0).values
    found = (received >= LOOKED_AT) & (longer >= LONGER)
    return tuple(int(position) for position in found.nonzero()[:, 0])


def rests_on_first(frozen: Frozen) -> bool:
    """Whether position 0 is where attention rests: a begin token, or a first word that stands in for one."""
    return frozen.bos or 0 in find_sinks(frozen)


def attention_received(frozen: Frozen, index: int) -> Float[Tensor, " pos"]:
    """The share of attention each position gets from later ones in a layer, mean over heads and queries.

    The frozen pattern has the norms' scales in it; they are taken out again, so that a row sums to one.
    """
    layer, subject = frozen.layers[index], frozen.subject
    norm = part(subject.blocks[index], subject.family.pre_attention)
    stream = layer.stream.float()
    centred = stream - stream.mean(-1, keepdim=True) if centres(norm) else stream
    pattern = layer.pattern.float() * (centred.pow(2).mean(-1) + epsilon_of(norm)).sqrt()
    pattern = pattern / pattern.sum(-1, keepdim=True).clamp_min(1e-30)
    later = torch.ones(frozen.length, frozen.length, device=pattern.device).tril(-1)
    counted = later.sum(0).clamp_min(1)
    return (pattern.mean(0) * later).sum(0) / counted


def epsilon_of(norm: nn.Module) -> float:
    """What a norm adds to the mean square."""
    return float(getattr(norm, "eps", 0.0) or getattr(norm, "variance_epsilon", 0.0))
