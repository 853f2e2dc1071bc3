"""What is explained: neurons, logits and logit differences as directions in the residual stream."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.frozen_text import Frozen
from tracer.attribution.ranking import largest


@dataclass(frozen=True, slots=True)
class Targets:
    """Directions already pulled back through the norm they read.

    `layer` is the block whose MLP input is read, or the number of layers for the final stream;
    `constant` is what no source accounts for (the target's own biases), `value` the sum of a full row.
    """

    layer: Int[Tensor, " target"]
    position: Int[Tensor, " target"]
    direction: Float[Tensor, "target d_model"]
    constant: Float[Tensor, " target"]
    value: Float[Tensor, " target"]

    def __len__(self) -> int:
        return len(self.layer)

    def pick(self, index: Int[Tensor, " chosen"]) -> "Targets":
        """The targets at these places."""
        return Targets(
            self.layer[index],
            self.position[index],
            self.direction[index],
            self.constant[index],
            self.value[index],
        )


def join_targets(targets: Sequence[Targets]) -> Targets:
    """Several targets as one batch."""
    return Targets(
        torch.cat([t.layer for t in targets]),
        torch.cat([t.position for t in targets]),
        torch.cat([t.direction for t in targets]),
        torch.cat([t.constant for t in targets]),
        torch.cat([t.value for t in targets]),
    )


def weight_targets(targets: Targets, weights: Float[Tensor, " target"]) -> Targets:
    """The same targets, each counted so many times."""
    return Targets(
        targets.layer,
        targets.position,
        targets.direction * weights[:, None],
        targets.constant * weights,
        targets.value * weights,
    )


def likeliest_tokens(
    logits: Float[Tensor, " vocab"], count: int = 10, share: float = 0.95
) -> list[tuple[int, float]]:
    """The fewest tokens that hold this share of the probability, at most `count`: (id, probability)."""
    shares = logits.softmax(-1)
    best = largest(shares, count)
    enough = int((shares[best].cumsum(0) < share).sum()) + 1
    return list(zip(best.tolist(), shares[best].tolist(), strict=True))[:enough]


def logit_targets(frozen: Frozen, tokens: Sequence[int], position: int = -1) -> Targets:
    """Each token's logit minus the mean of the vocabulary, before a final soft-cap."""
    return join_targets([logit_difference(frozen, token, None, position) for token in tokens])


def neuron_targets(
    frozen: Frozen,
    layer: Int[Tensor, " target"],
    position: Int[Tensor, " target"],
    neuron: Int[Tensor, " target"],
) -> Targets:
    """Neurons by the half rule (identity rule in plain MLPs): value = the activation, exactly."""
    width = frozen.embedded.shape[1]
    direction = frozen.embedded.new_zeros(len(layer), width)
    constant = direction.new_zeros(len(layer))
    value = direction.new_zeros(len(layer))
    for index in layer.unique().tolist():
        at = (layer == index).nonzero()[:, 0]
        block, pos, unit = frozen.layers[index], position[at], neuron[at]
        weights = block.weights
        gate_part, up_part = block.half_rule()
        up_part = up_part[pos, unit]
        read = up_part[:, None] * weights.up[unit]
        fixed = up_part * weights.up_bias[unit] if weights.up_bias is not None else torch.zeros_like(up_part)
        if gate_part is not None:
            assert weights.gate is not None
            gate_part = gate_part[pos, unit]
            read = read + gate_part[:, None] * weights.gate[unit]
            if weights.gate_bias is not None:
                fixed = fixed + gate_part * weights.gate_bias[unit]
        if block.mlp_norm.beta is not None:
            fixed = fixed + read @ block.mlp_norm.beta
        direction[at] = block.mlp_norm.pull(read, block.mlp_norm.scale[pos, None])
        constant[at], value[at] = fixed, block.acts[pos, unit]
    return Targets(layer, position, direction, constant, value)


def logit_difference(frozen: Frozen, answer: int, foil: int | None, position: int = -1) -> Targets:
    """logit(answer) - logit(foil); without a foil, the answer's logit minus the mean of the vocabulary.

    The value is the logit before a final soft-cap (Gemma 2), which no linear row could add up to.
    """
    head = frozen.subject.model.get_output_embeddings()
    unembed = frozen.subject.unembedding
    read = unembed[answer] - (frozen.subject.mean_unembedding if foil is None else unembed[foil])
    fixed = read.new_zeros(())
    bias = getattr(head, "bias", None)
    if isinstance(bias, Tensor):
        fixed = (bias[answer] - (bias.mean() if foil is None else bias[foil])).detach()
    return final_direction(frozen, read, fixed, position)


def final_direction(
    frozen: Frozen, read: Float[Tensor, " d_model"], fixed: Float[Tensor, ""], position: int = -1
) -> Targets:
    """Any direction in what the final norm gives, at any position; `fixed` is added to what it reads."""
    position %= frozen.length
    norm = frozen.final_norm
    if norm.beta is not None:
        fixed = fixed + read @ norm.beta
    direction = norm.pull(read[None], norm.scale[position])
    value = (direction[0] @ frozen.final_stream[position] + fixed)[None]
    layer = torch.full((1,), len(frozen.layers), device=read.device)
    return Targets(layer, torch.full_like(layer, position), direction, fixed[None], value)
