"""Transcoders as a feature basis: sparse features that stand in for MLPs, read at one layer of the stream.

A per-layer transcoder writes at its own layer, a cross-layer one at that and all later ones; both are a
`Transcoder` here. Knows no files (`tracer.transcoders.weight_files`) and no graph.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen, Layer, Norm, Targets, Units
from tracer.errors import TranscodersError

ENCODED_AT_ONCE = 16384  # rows of an encoder that are turned into the subject's dtype at a time


class Reads(StrEnum):
    """What an encoder (and an affine skip) is given."""

    STREAM = "hook_resid_mid"  # the stream before the MLP's norm
    NORMALIZED = "ln2.hook_normalized"  # after the norm's scale, before its gain
    MLP = "mlp.hook_in"  # what the MLP itself reads


@runtime_checkable
class Table(Protocol):
    """A matrix, one row a feature, that may lie on disk."""

    def pick(self, features: Tensor) -> Tensor:
        """The rows of these features."""
        ...

    def whole(self) -> Tensor:
        """All rows; where they lie on disk, mapped and not read."""
        ...


@dataclass(frozen=True, slots=True)
class InMemoryTable:
    """A table in memory."""

    rows: Tensor

    def pick(self, features: Tensor) -> Tensor:
        """The rows of these features."""
        return self.rows[features]

    def whole(self) -> Tensor:
        """All rows."""
        return self.rows


@dataclass(frozen=True, slots=True)
class Nonlinearity:
    """ReLU; JumpReLU where there is a threshold (strictly above it); TopK where there is a k.

    TopK keeps the k largest pre-activations of a position as they are, negative ones too.
    """

    threshold: Float[Tensor, "*feature"] | None = None
    k: int | None = None

    def __call__(self, pre: Float[Tensor, "pos feature"]) -> Float[Tensor, "pos feature"]:
        """Activations of these pre-activations."""
        if self.k is not None:
            best = pre.topk(min(self.k, pre.shape[-1]), dim=-1)
            return torch.zeros_like(pre).scatter(-1, best.indices, best.values)
        if self.threshold is not None:
            return pre * (pre > self.threshold.to(pre))
        return F.relu(pre)


@dataclass(frozen=True, slots=True)
class Transcoder:
    """The features that read at one layer.

    A decoder row is what a feature writes at its layer and, where there is a second axis, after it.
    """

    encoder: Table  # feature d_model
    encoder_bias: Float[Tensor, " feature"]
    decoder: Table  # feature d_model, or feature span d_model
    decoder_bias: Float[Tensor, " d_model"]
    nonlinearity: Nonlinearity
    skip: Float[Tensor, "d_in d_out"] | None = None  # input @ skip is written too

    def encode(self, x: Float[Tensor, "pos d_model"]) -> Float[Tensor, "pos feature"]:
        """Every feature's activation."""
        table, bias = self.encoder.whole(), self.encoder_bias.to(x)
        pre = x.new_empty(len(x), len(bias))
        for start in range(0, len(bias), ENCODED_AT_ONCE):
            some = slice(start, start + ENCODED_AT_ONCE)
            pre[:, some] = F.linear(x, table[some].to(x), bias[some])
        return self.nonlinearity(pre)

    def reading(self, features: Int[Tensor, " unit"], like: Tensor) -> Float[Tensor, "unit d_model"]:
        """Encoder rows."""
        return self.encoder.pick(features).to(like)

    def writing(self, features: Int[Tensor, " unit"], like: Tensor) -> Float[Tensor, "unit span d_model"]:
        """Decoder rows, one for every layer from the transcoder's own on."""
        unique, place = features.unique(return_inverse=True)  # the same feature fires at many positions
        rows = self.decoder.pick(unique).to(like)
        return (rows if rows.ndim == 3 else rows[:, None])[place]


def no_transcoder(d_model: int) -> Transcoder:
    """For a layer without a transcoder: it has no feature, and all that its MLP writes is error."""
    nothing = torch.zeros(0, d_model)
    return Transcoder(
        InMemoryTable(nothing), nothing[:, 0], InMemoryTable(nothing), torch.zeros(d_model), Nonlinearity()
    )


@dataclass(frozen=True, slots=True)
class Transcoders:
    """One transcoder a layer, all reading the same place; they write to the stream or a norm before it."""

    layers: tuple[Transcoder, ...]
    reads: Reads
    before_post_norm: bool = False  # they predict what the MLP gives before a norm behind it, if there is one
    name: str = "transcoders"
    model: str | None = None  # whose they are
    assumed: bool = False  # the set does not say what it reads and writes

    @property
    def width(self) -> int:
        """How many features the widest layer has."""
        return max(len(layer.encoder_bias) for layer in self.layers)

    @property
    def missing(self) -> tuple[int, ...]:
        """Layers without a transcoder."""
        return tuple(i for i, layer in enumerate(self.layers) if not len(layer.encoder_bias))

    def gain(self, layer: Layer) -> Float[Tensor, "pos d_model"] | None:
        """What the norm behind the MLP makes of what is written, frozen; None where it is not passed."""
        return layer.post_gain if self.before_post_norm else None


def read_norm(layer: Layer, reads: Reads) -> Norm | None:
    """The norm between the stream and what is read; None where the stream itself is."""
    match reads:
        case Reads.STREAM:
            return None
        case Reads.NORMALIZED:
            norm = layer.mlp_norm
            return replace(norm, gain=torch.ones_like(norm.gain), beta=None)
        case Reads.MLP:
            return layer.mlp_norm


def read_input(layer: Layer, reads: Reads) -> Float[Tensor, "pos d_model"]:
    """What the layer's transcoder is given on this text."""
    norm = read_norm(layer, reads)
    if norm is None:
        return layer.mlp_stream
    x = norm.push(layer.mlp_stream)
    return x if norm.beta is None else x + norm.beta


@dataclass(frozen=True, slots=True)
class Active:
    """The features that fire on a text, sorted by (layer, position, feature)."""

    units: Units  # `neuron` is the feature's index
    acts: Float[Tensor, " unit"]

    def pick(self, index: Tensor) -> "Active":
        """Those at these places."""
        return Active(self.units.pick(index), self.acts[index])


@torch.no_grad()
def active_features(frozen: Frozen, transcoders: Transcoders, zero_positions: int) -> Active:
    """What fires; nothing does at the first `zero_positions` positions (1: begin of sequence)."""
    if len(transcoders.layers) != len(frozen.layers):
        raise TranscodersError(
            f"{transcoders.name} has transcoders for {len(transcoders.layers)} layers, "
            f"{frozen.subject.name} has {len(frozen.layers)}."
        )
    layers, positions, features, values = [], [], [], []
    for index, (layer, transcoder) in enumerate(zip(frozen.layers, transcoders.layers, strict=True)):
        x = read_input(layer, transcoders.reads)
        if len(transcoder.decoder_bias) != x.shape[1]:
            raise TranscodersError(
                f"{transcoders.name} is made for streams {len(transcoder.decoder_bias)} wide, "
                f"{frozen.subject.name}'s is {x.shape[1]}."
            )
        acts = transcoder.encode(x)
        if not acts.isfinite().all():
            raise TranscodersError(f"{transcoders.name}: the transcoder of layer {index} gives no numbers.")
        acts[:zero_positions] = 0
        position, feature = acts.nonzero(as_tuple=True)
        layers.append(torch.full_like(position, index))
        positions.append(position)
        features.append(feature)
        values.append(acts[position, feature])
    return Active(Units(torch.cat(layers), torch.cat(positions), torch.cat(features)), torch.cat(values))


def feature_targets(frozen: Frozen, transcoders: Transcoders, active: Active) -> Targets:
    """Encoder rows as targets: the value of a feature that fires is its activation, exactly."""
    units = active.units
    direction = frozen.embedded.new_zeros(len(units), frozen.embedded.shape[1])
    constant = direction.new_zeros(len(units))
    for index in units.layer.unique().tolist():
        at = (units.layer == index).nonzero()[:, 0]
        position, feature = units.position[at], units.neuron[at]
        transcoder = transcoders.layers[index]
        rows = transcoder.reading(feature, direction)
        fixed = transcoder.encoder_bias[feature].to(direction)
        norm = read_norm(frozen.layers[index], transcoders.reads)
        if norm is not None:
            fixed = fixed if norm.beta is None else fixed + rows @ norm.beta
            rows = norm.pull(rows, norm.scale[position, None])
        direction[at], constant[at] = rows, fixed
    return Targets(units.layer, units.position, direction, constant, active.acts)
