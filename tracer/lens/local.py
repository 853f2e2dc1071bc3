"""A lens from means of each block alone: the Jacobian of a mean block, multiplied up the layers.

Norm scales and attention patterns are those of the texts, neurons are differentiated. What is lost is how
blocks vary together from position to position; what is gained is that a text costs one forward pass, however
wide the model: only the mean slope of each neuron and the mean attention of each head are kept.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen, Layer
from tracer.cancellation import pulse
from tracer.models import Model, gain_of, part


@dataclass
class LocalMeans:
    """Sums over texts: each head's attention, each neuron's slopes (with both norms' scales in them)."""

    heads: Float[Tensor, "layer head"]
    up: Float[Tensor, "layer neuron"]
    gate: Float[Tensor, "layer neuron"]
    texts: int = 0

    @classmethod
    def of(cls, subject: Model) -> "LocalMeans":
        """Nothing seen yet."""
        like = subject.unembedding
        neurons = like.new_zeros(subject.layers, subject.neurons)
        return cls(like.new_zeros(subject.layers, subject.shape.heads), neurons, neurons.clone())

    def add(self, frozen: Frozen, positions: Int[Tensor, " some"]) -> None:
        """Count one text in: mean over t, for heads the sum over t' >= t."""
        for index, layer in enumerate(frozen.layers):
            pattern = layer.pattern[:, positions][:, :, positions]
            self.heads[index] += pattern.sum((1, 2)) / len(positions)
            up, gate = _slopes(layer)
            scale = layer.mlp_norm.scale * _post_scale(frozen.subject, index, layer)
            self.up[index] += (up * scale[:, None])[positions].mean(0)
            if gate is not None:
                self.gate[index] += (gate * scale[:, None])[positions].mean(0)
        self.texts += 1

    def plus(self, other: "LocalMeans") -> "LocalMeans":
        """All texts of both."""
        summed = self.heads + other.heads, self.up + other.up, self.gate + other.gate
        return LocalMeans(*summed, self.texts + other.texts)


@torch.no_grad()
def local_jacobian(
    subject: Model, means: LocalMeans, rows: Float[Tensor, "row d_model"]
) -> Float[Tensor, "layer row d_model"]:
    """rows @ J_l for every layer l but the last, from the means of the blocks above it."""
    felt, out = rows, []
    for index in range(subject.layers - 1, 0, -1):
        pulse()
        if subject.family.parallel:
            felt = (
                felt + _through_mlp(subject, means, index, felt) + _through_heads(subject, means, index, felt)
            )
        else:
            felt = felt + _through_mlp(subject, means, index, felt)
            felt = felt + _through_heads(subject, means, index, felt)
        out.append(felt)
    return torch.stack(out[::-1])


def _through_mlp(subject: Model, means: LocalMeans, index: int, felt: Tensor) -> Tensor:
    family, block, weights = subject.family, subject.blocks[index], subject.folded[index].weights
    if family.post_mlp is not None:
        felt = felt * gain_of(part(block, family.post_mlp), family)
    neurons = felt @ weights.down
    read = (neurons * (means.up[index] / means.texts)) @ weights.up
    if weights.gate is not None:
        read = read + (neurons * (means.gate[index] / means.texts)) @ weights.gate
    norm = part(block, family.pre_mlp)
    read = read * gain_of(norm, family)
    return read - read.mean(-1, keepdim=True) if isinstance(norm, torch.nn.LayerNorm) else read


def _through_heads(subject: Model, means: LocalMeans, index: int, felt: Tensor) -> Tensor:
    folded = subject.folded[index]
    share = (means.heads[index] / means.texts)[:, None, None]
    groups = folded.write_value.shape[0] // folded.read_value.shape[0]
    read = folded.read_value.repeat_interleave(groups, 0)
    return torch.einsum("kd,hde,hef->kf", felt, folded.write_value * share, read)


def _slopes(layer: Layer) -> tuple[Tensor, Tensor | None]:
    """How each neuron answers to its up and its gate pre-activation, at every position."""
    if layer.gate is None:
        return _slope(layer, layer.up), None
    return layer.activation.value(layer.gate), _slope(layer, layer.gate) * layer.up


def _slope(layer: Layer, z: Tensor) -> Tensor:
    with torch.enable_grad():
        at = z.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(layer.activation.value(at).sum(), at)
    return slope


def _post_scale(subject: Model, index: int, layer: Layer) -> Float[Tensor, " pos"]:
    """The scale of the norm after the MLP, one where there is none."""
    path = subject.family.post_mlp
    if path is None or layer.post_gain is None:
        return torch.ones_like(layer.mlp_norm.scale)
    gain = gain_of(part(subject.blocks[index], path), subject.family)
    place = int(gain.abs().argmax())
    return layer.post_gain[:, place] / gain[place]
