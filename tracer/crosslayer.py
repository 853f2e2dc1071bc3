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

    rows: Float[Tensor, "write d_model"]  # the error first
    columns: Int[Tensor, " write"]
    error: int  # the first row's column
    start: int | None  # the second row's column, where the others follow it and nothing else writes to them


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

    def emit(self, index: int, carried: Float[Tensor, "target pos d_model"], out: Tensor) -> None:
        """Contract what the targets feel with what was written at a layer."""
        for position in range(carried.shape[1]):
            block, felt = self.blocks[index][position], carried[:, position]
            if block.start is None:
                out.index_add_(1, block.columns, felt @ block.rows.T)
                continue
            out[:, block.error] = felt @ block.rows[0]
            stop = block.start + len(block.rows) - 1
            torch.mm(felt, block.rows[1:].T, out=out[:, block.start : stop])

    def constant(self, index: int, _layer: Layer) -> Float[Tensor, "pos d_model"] | None:
        """What a layer writes with no source at all."""
        return self.constants[index]

    def through(
        self, index: int, layer: Layer, carried: Float[Tensor, "target pos d_model"]
    ) -> Float[Tensor, "target pos d_model"] | None:
        """What reaches the MLP's input stream through an affine skip."""
        return through_skip(self.transcoders, index, layer, carried)


def through_skip(
    transcoders: Transcoders, index: int, layer: Layer, carried: Float[Tensor, "target pos d_model"]
) -> Float[Tensor, "target pos d_model"] | None:
    """What of `carried`, felt at an MLP's output, is felt at its input stream through an affine skip."""
    skip = transcoders.layers[index].skip
    if skip is None:
        return None
    gain = transcoders.gain(layer)
    back = (carried if gain is None else carried * gain[: carried.shape[1]]) @ skip.T.to(carried)
    norm = reader(layer, transcoders.reads)
    return back if norm is None else norm.pull(back, norm.scale[: back.shape[1], None])


def feature_sources(frozen: Frozen, transcoders: Transcoders, active: Active) -> FeatureSources:
    """Lay out the active features; whatever else the MLPs wrote is error."""
    layers, positions = len(frozen.layers), frozen.length
    units = active.units
    ends = torch.bincount(units.layer, minlength=layers).cumsum(0).tolist()
    later: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(layers)]  # (unit, row) from layers before
    blocks, constants = [], []
    for index, layer in enumerate(frozen.layers):
        unit = torch.arange(ends[index - 1] if index else 0, ends[index], device=units.layer.device)
        rows = transcoders.layers[index].writing(units.neuron[unit], frozen.embedded)
        rows *= active.acts[unit, None, None]
        if rows.shape[1] > layers - index:
            raise TranscodersError(f"{transcoders.name}: features of layer {index} write beyond the last.")
        for step in range(rows.shape[1]):
            gain = transcoders.gain(frozen.layers[index + step])
            if gain is not None:
                rows[:, step] *= gain[units.position[unit]]
        for step in range(1, rows.shape[1]):
            later[index + step].append((unit, rows[:, step]))
        alone = rows.shape[1] == 1 and not later[index]
        unit = torch.cat([unit, *(other for other, _ in later[index])])
        own = torch.cat([rows[:, 0], *(other for _, other in later[index])]) if later[index] else rows[:, 0]
        later[index].clear()
        constant, left = _unexplained(transcoders, index, layer)
        left.index_add_(0, units.position[unit], own, alpha=-1)
        first_error = len(units) + index * positions
        blocks.append(_blocks(left, first_error, unit, units.position[unit], own, alone))
        constants.append(constant)
    tokens = len(units) + layers * positions
    return FeatureSources(
        transcoders, active, tuple(blocks), tuple(constants), len(units), tokens, tokens + positions
    )


def _unexplained(transcoders: Transcoders, index: int, layer: Layer) -> tuple[Tensor, Tensor]:
    """(what the decoder's bias and the skip of a norm's bias write, the MLP's output less bias and skip)."""
    transcoder = transcoders.layers[index]
    gain = transcoders.gain(layer)
    behind = torch.ones_like(layer.written) if gain is None else gain
    constant = transcoder.decoder_bias.to(layer.written) * behind
    left = layer.written - constant
    if layer.mlp_constant is not None:
        left = left + layer.mlp_constant
    if transcoder.skip is not None:
        skip = transcoder.skip.to(layer.written)
        left = left - read_by(layer, transcoders.reads) @ skip * behind
        norm = reader(layer, transcoders.reads)
        if norm is not None and norm.beta is not None:
            constant = constant + norm.beta @ skip * behind
    return constant, left


def _blocks(
    left: Tensor, first_error: int, unit: Tensor, position: Tensor, rows: Tensor, alone: bool
) -> tuple[Block, ...]:
    """One layer's writes by position, the error first; `alone`: no unit writes anywhere else."""
    spots = torch.arange(len(left), device=position.device)
    order = torch.cat([2 * spots, 2 * position + 1]).argsort(stable=True)
    columns = torch.cat([first_error + spots, unit])[order]
    rows = torch.cat([left, rows])[order]
    sizes = (torch.bincount(position, minlength=len(left)) + 1).tolist()
    found, start = [], int(unit[0]) if len(unit) else 0
    for place, (own, some) in enumerate(zip(columns.split(sizes), rows.split(sizes), strict=True)):
        found.append(Block(some, own, first_error + place, start if alone else None))
        start += len(own) - 1
    return tuple(found)
