"""The largest of many numbers, the same ones on every processor: of equal numbers the first comes first.

`Tensor.topk` leaves the order of equal numbers, and which of them are among the k, to how a processor sorts.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def largest(values: Float[Tensor, " item"], count: int) -> Int[Tensor, " picked"]:
    """Indices of the `count` largest, largest first (all, where there are fewer)."""
    count = min(count, len(values))
    if count < 1:
        return torch.zeros(0, dtype=torch.long, device=values.device)
    least = values.topk(count).values[-1]
    above = (values > least).nonzero()[:, 0]
    level = (values == least).nonzero()[: count - len(above), 0]
    picked = torch.cat([above, level])
    return picked[values[picked].argsort(descending=True, stable=True)]


def smallest(values: Float[Tensor, " item"], count: int) -> Int[Tensor, " picked"]:
    """Indices of the `count` smallest, smallest first (all, where there are fewer)."""
    return largest(-values, count)
