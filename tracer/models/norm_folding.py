"""A block's weights as the tracer reads them, norms' gains folded in: the same for every text."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.models.families import BlockWeights, Family, Shape, part


@dataclass(frozen=True, slots=True)
class Folded:
    """One block. `mlp` names the linear maps (gate, up, down) whose own outputs can be recorded."""

    weights: BlockWeights
    read_value: Float[Tensor, "kv_head d_head d_model"]  # gain and centring folded in
    write_value: Float[Tensor, "head d_model d_head"]  # gain of the post-norm folded in
    mlp: dict[str, nn.Module]


def gain_of(norm: nn.Module, family: Family) -> Float[Tensor, " d_model"]:
    """What a norm multiplies by, Gemma's 1 + included."""
    weight = norm.weight
    assert isinstance(weight, Tensor)
    return 1.0 + weight.detach() if family.unit_offset and not centres(norm) else weight.detach()


def centres(norm: nn.Module) -> bool:
    """Whether a norm takes the mean off."""
    return isinstance(norm, nn.LayerNorm)


@torch.no_grad()
def fold(block: nn.Module, family: Family, shape: Shape) -> Folded:
    """The value and output weights with the norms' gains in them."""
    weights, before = family.read(block, shape), part(block, family.pre_attention)
    read = weights.value * gain_of(before, family)
    if centres(before):
        read = read - read.mean(-1, keepdim=True)
    write = weights.output
    if family.post_attention is not None:
        write = write * gain_of(part(block, family.post_attention), family)[:, None]
    # laid out so that all heads' columns are one matrix: (d_model, head d_head) in memory
    write = write.permute(1, 0, 2).contiguous().permute(1, 0, 2)
    return Folded(weights, read.contiguous(), write, _linear_maps(block, weights))


def _linear_maps(block: nn.Module, weights: BlockWeights) -> dict[str, nn.Module]:
    """The modules that are gate, up and down as they stand; none where a family has them side by side."""
    wanted = {"gate": weights.gate, "up": weights.up, "down": weights.down}
    return {
        name: module
        for module in block.modules()
        if isinstance(module, nn.Linear)
        for name, weight in wanted.items()
        if weight is not None
        and (weight.data_ptr(), weight.shape) == (module.weight.data_ptr(), module.weight.shape)
    }
