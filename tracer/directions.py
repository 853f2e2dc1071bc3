"""What every neuron writes, read off the weights: tokens it promotes, neurons that write nearly the same.

Promoted tokens are the logit lens through the final norm's gain (nostalgebraist 2020), by cosine, over the
tokeniser's most frequent tokens. Depends on no text.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from tracer.families import part
from tracer.subject import Subject

FREQUENT = 65_536
CHUNK = 512


class Lens(NamedTuple):
    """For each neuron (layer neuron) the ids nearest to what it writes, and nearest to the opposite."""

    up: NDArray[np.int32]  # layer neuron k
    down: NDArray[np.int32]


def gain(subject: Subject, module: torch.nn.Module) -> Float[Tensor, " d_model"]:
    """What a norm multiplies by."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    weight = weight.detach().float()
    return 1 + weight if subject.family.unit_offset else weight


def written(subject: Subject, layer: int) -> Float[Tensor, "neuron d_model"]:
    """Unit vectors of what each neuron of a layer adds to the stream when positive."""
    block = subject.blocks[layer]
    down = subject.family.read(block, subject.shape).down.float().T
    if subject.family.post_mlp is not None:
        down = down * gain(subject, part(block, subject.family.post_mlp))
    return torch.nn.functional.normalize(down, dim=1)


def output_rows(subject: Subject, ids: Int[Tensor, " token"]) -> Float[Tensor, "token d_model"]:
    """Unit vectors of unembeddings less the mean of frequent ones, seen through the final norm."""
    middle = subject.unembedding[:FREQUENT].float().mean(0)
    rows = torch.nn.functional.normalize(subject.unembedding[ids].float() - middle, dim=1)
    return rows * gain(subject, part(subject.model, subject.family.final_norm))


@torch.inference_mode()
def lens(subject: Subject, k: int, progress: Callable[[float], None] = lambda _done: None) -> Lens:
    """The k promoted and k suppressed token ids of every neuron."""
    read = output_rows(subject, torch.arange(min(FREQUENT, len(subject.unembedding)))).to(torch.bfloat16)
    up, down = [], []
    for layer in range(subject.layers):
        directions = written(subject, layer).to(torch.bfloat16)
        for start in range(0, len(directions), CHUNK):
            near = directions[start : start + CHUNK] @ read.T
            up.append(near.topk(k).indices.to(torch.int32))
            down.append(near.topk(k, largest=False).indices.to(torch.int32))
        progress((layer + 1) / subject.layers)
    shape = (subject.layers, subject.neurons, k)
    return Lens(torch.cat(up).view(shape).numpy(), torch.cat(down).view(shape).numpy())


@torch.inference_mode()
def neighbours(subject: Subject, layer: int, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each signed neuron of a layer the k others of any layer nearest by cosine: global numbers, cosines.

    Signed neuron (layer, n, sign) has number 2 * (layer * neurons + n) + (1 if negative).
    """
    own = written(subject, layer).to(torch.bfloat16)
    near = torch.cat(
        [own @ written(subject, other).to(torch.bfloat16).T for other in range(subject.layers)], 1
    ).float()
    here = torch.arange(len(own))
    near[here, layer * subject.neurons + here] = 0
    best = near.abs().topk(k)
    cosine = near.gather(1, best.indices)
    number, flip = 2 * best.indices, (cosine < 0).long()
    positive, negative = number + flip, number + 1 - flip
    numbers = torch.stack([positive, negative], 1).view(2 * len(own), k)
    return numbers.to(torch.int32).numpy(), cosine.abs().repeat_interleave(2, 0).numpy()
