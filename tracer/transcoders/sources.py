"""What transcoder features write, layer by layer, laid out as columns; what they leave over as errors.

A cross-layer feature writes at several layers into one column; a per-layer one is the case of one layer.
Knows how sources are laid out, not how rows are computed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen, Layer
from tracer.errors import TranscodersError
from tracer.transcoders.transcoders import Active, Transcoders, read_input, read_norm


@dataclass(frozen=True, slots=True)
class Block:
    """What features write at one (layer, position), and the columns it counts towards."""

    rows: Float[Tensor, "write d_model"]
    columns: Int[Tensor, " write"]
    start: int | None  # the first column, where the others follow it and nothing else writes to them


@dataclass(frozen=True, slots=True)
class FeatureSources:
    """Columns: the active features, one error a (layer, position), one token a position, the biases."""

    transcoders: Transcoders
    active: Active
    blocks: tuple[tuple[Block, ...], ...]
    errors: tuple[Float[Tensor, "pos d_model"], ...]  # what the features of a layer leave over
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
        positions, errors = carried.shape[1], self.errors[index]
        first_error = self.error_column + index * len(errors)
        out[:, first_error : first_error + positions] = torch.einsum(
            "tpd,pd->tp", carried, errors[:positions]
        )
        for felt, block in zip(carried.unbind(1), self.blocks[index], strict=False):
            if block.start is None:
                out.index_add_(1, block.columns, felt @ block.rows.T)
            elif len(block.rows):
                torch.mm(felt, block.rows.T, out=out[:, block.start : block.start + len(block.rows)])

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
    norm = read_norm(layer, transcoders.reads)
    return back if norm is None else norm.pull(back, norm.scale[: back.shape[1], None])


def feature_sources(frozen: Frozen, transcoders: Transcoders, active: Active) -> FeatureSources:
    """Lay out the active features; whatever else the MLPs wrote is error."""
    layers, positions = len(frozen.layers), frozen.length
    units = active.units
    ends = torch.bincount(units.layer, minlength=layers).cumsum(0).tolist()
    later: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(layers)]  # (unit, row) from layers before
    blocks, errors, constants = [], [], []
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
        blocks.append(_blocks(positions, unit, units.position[unit], own, alone))
        errors.append(left)
        constants.append(constant)
    tokens = len(units) + layers * positions
    return FeatureSources(
        transcoders,
        active,
        tuple(blocks),
        tuple(errors),
        tuple(constants),
        error_column=len(units),
        token_column=tokens,
        bias_column=tokens + positions,
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
        left = left - read_input(layer, transcoders.reads) @ skip * behind
        norm = read_norm(layer, transcoders.reads)
        if norm is not None and norm.beta is not None:
            constant = constant + norm.beta @ skip * behind
    return constant, left


def _blocks(positions: int, unit: Tensor, position: Tensor, rows: Tensor, alone: bool) -> tuple[Block, ...]:
    """One layer's writes by position; `alone`: no unit writes anywhere else, and they are sorted already."""
    if not alone:
        order = position.argsort(stable=True)
        unit, rows = unit[order], rows[order]
    sizes = torch.bincount(position, minlength=positions).tolist()
    found, start = [], int(unit[0]) if len(unit) else 0
    for columns, some in zip(unit.split(sizes), rows.split(sizes), strict=True):
        found.append(Block(some, columns, start if alone else None))
        start += len(columns)
    return tuple(found)
