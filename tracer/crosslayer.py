"""What transcoder features write, layer by layer, laid out as columns; what they leave over as errors.

A cross-layer feature writes at several layers into one column; a per-layer one is the case of one layer.
Knows how sources are laid out, not how rows are computed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.errors import TranscodersError
from tracer.frozen import Frozen, Layer
from tracer.transcoders import Active, Transcoders, read_by, reader


@dataclass(frozen=True, slots=True)
class Block:
    """What is written at one (layer, position), and the columns it counts towards."""

    rows: Float[Tensor, "write d_model"]
    columns: Int[Tensor, " write"]


@dataclass(frozen=True, slots=True)
class FeatureSources:
    """Columns: the active features, one error a (layer, position), one token a position, the biases."""

    transcoders: Transcoders
    active: Active
    blocks: tuple[tuple[Block, ...], ...]
    constants: tuple[Float[Tensor, "pos d_model"], ...]
    error_column: int
    token_column: int
    bias_column: int

    @property
    def columns(self) -> int:
        """How many columns a row has."""
        return self.bias_column + 1

    def emit(self, index: int, carried: Float[Tensor, "pos target d_model"], out: Tensor) -> None:
        """Contract what the targets feel with what was written at a layer."""
        for position in range(carried.shape[0]):
            block = self.blocks[index][position]
            out.index_add_(1, block.columns, carried[position] @ block.rows.T)

    def constant(self, index: int, _layer: Layer) -> Float[Tensor, "pos d_model"] | None:
        """What a layer writes with no source at all."""
        return self.constants[index]

    def through(
        self, index: int, layer: Layer, carried: Float[Tensor, "pos target d_model"]
    ) -> Float[Tensor, "pos target d_model"] | None:
        """What reaches the MLP's input stream through an affine skip."""
        skip = self.transcoders.layers[index].skip
        if skip is None:
            return None
        back = carried @ skip.T.to(carried)
        norm = reader(layer, self.transcoders.reads)
        return back if norm is None else norm.pull(back, norm.scale[: len(back), None, None])


def feature_sources(frozen: Frozen, transcoders: Transcoders, active: Active) -> FeatureSources:
    """Lay out the active features; whatever else the MLPs wrote is error."""
    layers, positions = len(frozen.layers), frozen.length
    units = active.units
    writes: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(layers)]  # (unit, row) by output layer
    for index, transcoder in enumerate(transcoders.layers):
        at = (units.layer == index).nonzero()[:, 0]
        rows = transcoder.writing(units.neuron[at], frozen.embedded) * active.acts[at, None, None]
        if rows.shape[1] > layers - index:
            raise TranscodersError(f"{transcoders.name}: features of layer {index} write beyond the last.")
        for step in range(rows.shape[1]):
            writes[index + step].append((at, rows[:, step]))
    blocks, constants = [], []
    for index, layer in enumerate(frozen.layers):
        unit = torch.cat([at for at, _ in writes[index]])
        rows = torch.cat([row for _, row in writes[index]])
        constant, left = _unexplained(transcoders, index, layer)
        left.index_add_(0, units.position[unit], rows, alpha=-1)
        first_error = len(units) + index * positions
        blocks.append(_blocks(left, first_error, unit, units.position[unit], rows))
        constants.append(constant)
    tokens = len(units) + layers * positions
    return FeatureSources(
        transcoders, active, tuple(blocks), tuple(constants), len(units), tokens, tokens + positions
    )


def _unexplained(transcoders: Transcoders, index: int, layer: Layer) -> tuple[Tensor, Tensor]:
    """(what the decoder's bias and the skip of a norm's bias write, the MLP's output less bias and skip)."""
    transcoder = transcoders.layers[index]
    constant = transcoder.decoder_bias.to(layer.written).expand_as(layer.written)
    left = layer.written - transcoder.decoder_bias.to(layer.written)
    if layer.mlp_constant is not None:
        left = left + layer.mlp_constant
    if transcoder.skip is not None:
        skip = transcoder.skip.to(layer.written)
        left = left - read_by(layer, transcoders.reads) @ skip
        norm = reader(layer, transcoders.reads)
        if norm is not None and norm.beta is not None:
            constant = constant + norm.beta @ skip
    return constant, left


def _blocks(
    left: Tensor, first_error: int, unit: Tensor, position: Tensor, rows: Tensor
) -> tuple[Block, ...]:
    """One layer's writes by position, the error first."""
    order = position.argsort(stable=True)
    sizes = torch.bincount(position, minlength=len(left)).tolist()
    found = []
    for place, (some, own) in enumerate(zip(unit[order].split(sizes), rows[order].split(sizes), strict=True)):
        error = unit.new_tensor([first_error + place])
        found.append(Block(torch.cat([left[place, None], own]), torch.cat([error, some])))
    return tuple(found)
