"""What features write, read off the weights: tokens they promote, features that write nearly the same.

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

from tracer.models import Model, part, quickest_dtype

FREQUENT = 65_536
CHUNK = 512
COMPARED = 100_000

Written = Callable[[int], Tensor]  # layer -> unit vectors of what its features write (index d_model)


class Lens(NamedTuple):
    """For each neuron (layer neuron) the ids nearest to what it writes, and nearest to the opposite."""

    up: NDArray[np.int32]  # layer neuron k
    down: NDArray[np.int32]


def read_gain(subject: Model, module: torch.nn.Module) -> Float[Tensor, " d_model"]:
    """What a norm multiplies by."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    weight = weight.detach().float()
    return 1 + weight if subject.family.unit_offset else weight


def output_rows(subject: Model, ids: Int[Tensor, " token"]) -> Float[Tensor, "token d_model"]:
    """Unit vectors of unembeddings less the mean of frequent ones, seen through the final norm."""
    middle = subject.unembedding[:FREQUENT].float().mean(0)
    rows = torch.nn.functional.normalize(subject.unembedding[ids].float() - middle, dim=1)
    return rows * read_gain(subject, part(subject.model, subject.family.final_norm))


@torch.inference_mode()
def make_lens(subject: Model, written: Written, width: int, k: int) -> Lens:
    """The k promoted and k suppressed token ids of what each index of each layer writes."""
    quick = quickest_dtype()
    read = output_rows(subject, torch.arange(min(FREQUENT, len(subject.unembedding)))).to(quick)
    up, down = [], []
    for layer in range(subject.layers):
        directions = written(layer).to(quick)
        for start in range(0, len(directions), CHUNK):
            near = directions[start : start + CHUNK] @ read.T
            up.append(near.topk(k).indices.to(torch.int32))
            down.append(near.topk(k, largest=False).indices.to(torch.int32))
    shape = (subject.layers, width, k)
    return Lens(torch.cat(up).view(shape).numpy(), torch.cat(down).view(shape).numpy())


@torch.inference_mode()
def find_neighbours(
    written: Written, layers: int, layer: int, indices: range, k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For both features of these indices of a layer the k others nearest by cosine: global numbers, cosines.

    Feature (layer, index, sign) has number 2 * (layer * width + index) + (1 if negative). Looked for in all
    layers, or in so many around its own that no more than COMPARED indices are compared.
    """
    own = written(layer)
    width, reach = len(own), max(0, (COMPARED // len(own) - 1) // 2)
    reach = layers if layers * width <= COMPARED else reach
    first, end = max(0, layer - reach), min(layers, layer + reach + 1)
    quick = quickest_dtype()
    others = torch.cat([written(other).to(quick) for other in range(first, end)])
    numbers, cosines = [], []
    for start in range(indices.start, indices.stop, CHUNK):
        some = torch.arange(start, min(start + CHUNK, indices.stop))
        near = (own[some].to(quick) @ others.T).float()
        near[torch.arange(len(some)), (layer - first) * width + some] = 0
        best = near.abs().topk(k)
        cosine = near.gather(1, best.indices)
        number, flip = 2 * (best.indices + first * width), (cosine < 0).long()
        both = torch.stack([number + flip, number + 1 - flip], 1)
        numbers.append(both.view(-1, k).to(torch.int32))
        cosines.append(cosine.abs().repeat_interleave(2, 0))
    return torch.cat(numbers).numpy(), torch.cat(cosines).numpy()
