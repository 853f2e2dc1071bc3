"""MLP neurons as a feature basis: exact for any decoder, with the unchosen rest as error vectors.

A feature is (layer, neuron, sign): a neuron that is negative on this text is another feature than the
same neuron when positive. Knows how to lay sources out in columns, not how rows are computed.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.frozen_text import Frozen, Layer


class Units(NamedTuple):
    """Neurons at positions, sorted by (layer, position, neuron)."""

    layer: Int[Tensor, " unit"]
    position: Int[Tensor, " unit"]
    neuron: Int[Tensor, " unit"]

    def __len__(self) -> int:  # the number of units, not of fields
        return int(self.layer.shape[0])

    def pick(self, index: Tensor) -> "Units":
        """The units at these places (indices or a mask)."""
        return Units(self.layer[index], self.position[index], self.neuron[index])


def units_of(flat: Int[Tensor, " unit"], positions: int, neurons: int) -> Units:
    """Units from flat indices into (layer, position, neuron), in that order."""
    flat = flat.sort().values
    return Units(flat // (positions * neurons), flat // neurons % positions, flat % neurons)


def activations(frozen: Frozen, units: Units) -> Float[Tensor, " unit"]:
    """The units' activations on this text."""
    acts = frozen.embedded.new_zeros(len(units))
    for index in units.layer.unique().tolist():
        at = units.layer == index
        acts[at] = frozen.layers[index].acts[units.position[at], units.neuron[at]]
    return acts


@dataclass(frozen=True, slots=True)
class Sources:
    """All that can contribute to a target, in blocks of columns.

    Block (layer, position) holds what the MLP wrote there as a whole, then each unit's share of it;
    after the blocks come one column a token and one for the biases.
    """

    units: Units
    writes: tuple[tuple[Float[Tensor, "_ d_model"], ...], ...]
    first: Int[Tensor, "layer pos"]  # first column of each block
    unit_column: Int[Tensor, " unit"]
    token_column: int
    bias_column: int

    @property
    def columns(self) -> int:
        """How many columns a row has."""
        return self.bias_column + 1

    def emit(self, index: int, carried: Float[Tensor, "target pos d_model"], out: Tensor) -> None:
        """Contract what the targets feel with what was written at a layer."""
        start = int(self.first[index, 0])
        for position in range(carried.shape[1]):
            write = self.writes[index][position]
            torch.mm(carried[:, position], write.T, out=out[:, start : start + len(write)])
            start += len(write)

    def constant(self, _index: int, layer: Layer) -> Float[Tensor, "pos d_model"] | None:
        """What a layer's MLP writes with no source at all."""
        return layer.mlp_constant

    def through(
        self, _index: int, _layer: Layer, _carried: Float[Tensor, "target pos d_model"]
    ) -> Float[Tensor, "target pos d_model"] | None:
        """Nothing passes through the MLP: neurons are sources."""
        return None


def neuron_sources(frozen: Frozen, units: Units) -> Sources:
    """Lay out these units (and, a block each, everything their MLPs wrote) as columns."""
    layers, positions = len(frozen.layers), frozen.length
    key = units.layer * positions + units.position
    counts = torch.bincount(key, minlength=layers * positions)
    sizes = counts + 1
    first = (sizes.cumsum(0) - sizes).view(layers, positions)
    starts = counts.cumsum(0) - counts
    unit_column = torch.arange(len(units), device=key.device) + key + 1
    writes = []
    for layer, block in enumerate(frozen.layers):
        row = []
        for position in range(positions):
            place = layer * positions + position
            begin, size = int(starts[place]), int(counts[place])
            own = block.writes(position, units.neuron[begin : begin + size])
            row.append(torch.cat([block.written[position][None], own]))
        writes.append(tuple(row))
    total = int(sizes.sum())
    return Sources(units, tuple(writes), first, unit_column, total, total + positions)
