"""Which attention heads carry a direct effect, and from where to where: an edge split exactly at every layer.

The frozen model is linear, so what a source wrote is pushed up and what a target feels is pulled down; where
they meet, at a layer's attention, the effect is the sum over heads, query and key positions of one product,
plus what stays at its position (the bypass). Ameisen et al. 2025 and Kamath et al. 2025 call these head
loadings. Knows no graph and no groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.frozen_text import Frozen, Layer
from tracer.attribution.neurons import Units
from tracer.attribution.ranking import largest
from tracer.attribution.targets import Targets
from tracer.cancellation import pulse

HELD_BYTES = 256 * 2**20  # what the directions of one batch of connections may take


class Move(NamedTuple):
    """What one head takes from a position to a later one."""

    source: int
    target: int
    amount: float
    share: float


class Head(NamedTuple):
    """What of a connection passes one head; shares are of the whole connection and may be negative.

    A part that passes several heads, at different layers, counts for each of them.
    """

    layer: int
    head: int
    amount: float
    share: float
    moves: tuple[Move, ...]  # the strongest first


class CarriedConnection(NamedTuple):
    """A connection's whole direct effect and the heads that most of it passes, strongest first."""

    total: float
    heads: tuple[Head, ...]


class WrittenStream(NamedTuple):
    """What sources add to the stream at one layer; a position may come twice."""

    position: Int[Tensor, " source"]
    rows: Float[Tensor, "source d_model"]


@dataclass(frozen=True, slots=True)
class Connection:
    """From what sources wrote to what targets feel, each target's direction times its weight.

    `written` is by layer; -1 is what the blocks are given (token embeddings).
    """

    written: Mapping[int, WrittenStream]
    targets: Targets


@runtime_checkable
class Linear(Protocol):
    """What of the MLPs passes on directly, with no source in between (affine skips of transcoders)."""

    def pull(self, index: int, layer: Layer, carried: Tensor, /) -> Tensor | None:
        """What is felt at an MLP's input (target pos d_model) of what is felt at its output."""
        ...

    def push(self, index: int, layer: Layer, x: Tensor, /) -> Tensor | None:
        """What is written (batch pos d_model) for a change of an MLP's input."""
        ...


class _Felt(NamedTuple):
    """By layer, what is felt (connection pos d_model) of attention's output and of the block's input."""

    attention: list[Tensor]
    stays: list[Tensor]


class Crossing(NamedTuple):
    """One layer's attention: what its heads move, and what of the same pairs stays where it is.

    Both together are the effect of those sources below the layer on those targets that read above it.
    """

    layer: int
    moved: Float[Tensor, "connection head query key"]
    bypass: Float[Tensor, " connection"]


def find_written(frozen: Frozen, units: Units, tokens: Sequence[int] = ()) -> dict[int, WrittenStream]:
    """What these neurons and the tokens at these positions add to the stream."""
    at = torch.tensor(tokens, dtype=torch.long, device=frozen.embedded.device)
    out = {-1: WrittenStream(at, frozen.embedded[at])} if tokens else {}
    for index in units.layer.unique().tolist():
        layer, here = frozen.layers[index], units.pick(units.layer == index)
        rows = layer.weights.down.T[here.neuron] * layer.acts[here.position, here.neuron, None]
        if layer.post_gain is not None:
            rows = rows * layer.post_gain[here.position]
        out[index] = WrittenStream(here.position, rows)
    return out


@torch.no_grad()
def list_crossings(
    frozen: Frozen, connections: Sequence[Connection], linear: Linear | None = None
) -> Iterator[Crossing]:
    """Every layer's attention, first layer first."""
    felt, _ = _pull(frozen, connections, linear)
    yield from _meet(frozen, connections, felt, linear)


@torch.no_grad()
def attribute_heads(
    frozen: Frozen,
    connections: Sequence[Connection],
    heads: int,
    moves: int = 1,
    linear: Linear | None = None,
) -> list[CarriedConnection]:
    """Each connection's strongest heads, by size, with the strongest of their moves."""
    width = frozen.embedded.shape[1] * frozen.embedded.element_size() * len(frozen.layers)
    at_once = max(1, HELD_BYTES // (width * frozen.length))
    out = []
    for start in range(0, len(connections), at_once):
        pulse()
        some = connections[start : start + at_once]
        felt, total = _pull(frozen, some, linear)
        amounts, places, moved = [], [], []
        for crossing in _meet(frozen, some, felt, linear):
            amounts.append(crossing.moved.sum((2, 3), dtype=torch.float64))
            flat = crossing.moved.flatten(2)
            places.append(flat.abs().topk(min(moves, flat.shape[2])).indices)
            moved.append(flat.gather(2, places[-1]))
        parts = zip(torch.stack(amounts, 1), torch.stack(places, 1), torch.stack(moved, 1), strict=True)
        out += [
            _named(whole, *each, heads, frozen.length)
            for whole, each in zip(total.tolist(), parts, strict=True)
        ]
    return out


def _pull(
    frozen: Frozen, connections: Sequence[Connection], linear: Linear | None
) -> tuple[_Felt, Float[Tensor, " connection"]]:
    """What is felt behind each layer's attention, and each connection's whole."""
    like = frozen.embedded
    felt = like.new_zeros(len(connections), *like.shape)
    total = like.new_zeros(len(connections), dtype=torch.float64)
    _join(felt, connections, len(frozen.layers))
    mids, stays = [], []
    for index in range(len(frozen.layers) - 1, -1, -1):
        pulse()
        layer = frozen.layers[index]
        total += _met(felt, connections, index)
        back = None if linear is None else linear.pull(index, layer, felt)
        if not layer.parallel:
            felt = felt if back is None else felt + back
            _join(felt, connections, index)
        mids.append(felt.clone())
        stays.append(mids[-1] if back is None or not layer.parallel else mids[-1] + back)
        layer.pull_attention(felt)
        if layer.parallel:
            felt = felt if back is None else felt + back
            _join(felt, connections, index)
    return _Felt(mids[::-1], stays[::-1]), total + _met(felt, connections, -1)


def _join(
    felt: Float[Tensor, "connection pos d_model"], connections: Sequence[Connection], layer: int
) -> None:
    """Let the targets that read at this layer in, all of a connection's as one."""
    for column, connection in enumerate(connections):
        targets = connection.targets
        here = (targets.layer == layer).nonzero()[:, 0]
        felt[column].index_add_(0, targets.position[here], targets.direction[here])


def _met(
    felt: Float[Tensor, "connection pos d_model"], connections: Sequence[Connection], layer: int
) -> Float[Tensor, " connection"]:
    """What targets feel of what was written at a layer."""
    met = felt.new_zeros(len(connections), dtype=torch.float64)
    for column, connection in enumerate(connections):
        if layer in connection.written:
            position, rows = connection.written[layer]
            met[column] = (felt[column, position] * rows).sum(dtype=torch.float64)
    return met


def _meet(
    frozen: Frozen, connections: Sequence[Connection], felt: _Felt, linear: Linear | None
) -> Iterator[Crossing]:
    """Push what was written up the layers and multiply it with what is felt at each."""
    stream = frozen.embedded.new_zeros(len(connections), *frozen.embedded.shape)
    _write(stream, connections, -1)
    for index, (layer, mid, stays) in enumerate(zip(frozen.layers, *felt, strict=True)):
        heads, kv_heads = layer.write_value.shape[0], layer.read_value.shape[0]
        value = torch.einsum("bpd,ged->bgpe", stream, layer.read_value)
        value = value.repeat_interleave(heads // kv_heads, 1)
        wanted = torch.einsum("bpd,hde->bhpe", mid, layer.write_value)
        moved = layer.pattern * (wanted @ value.transpose(2, 3))
        yield Crossing(index, moved, torch.einsum("bpd,bpd->b", stays, stream))
        mixed = layer.pattern @ value
        attended = torch.einsum("bhqe,hde->bqd", mixed, layer.write_value)
        read = stream if layer.parallel else stream + attended
        skipped = None if linear is None else linear.push(index, layer, read)
        stream = stream + attended if skipped is None else stream + attended + skipped
        _write(stream, connections, index)


def _write(
    stream: Float[Tensor, "connection pos d_model"], connections: Sequence[Connection], layer: int
) -> None:
    for row, connection in enumerate(connections):
        if layer in connection.written:
            stream[row].index_add_(0, *connection.written[layer])


def _named(
    whole: float,
    amounts: Float[Tensor, "layer head"],
    places: Int[Tensor, "layer head move"],
    moved: Float[Tensor, "layer head move"],
    heads: int,
    length: int,
) -> CarriedConnection:
    """The strongest heads of one connection, with their moves as positions."""
    scale = whole or float("inf")
    found = []
    for flat in largest(amounts.abs().flatten(), heads).tolist():
        layer, head = divmod(flat, amounts.shape[1])
        amount = float(amounts[layer, head])
        took = zip(places[layer, head].tolist(), moved[layer, head].tolist(), strict=True)
        steps = tuple(
            Move(place % length, place // length, size, size / scale) for place, size in took if size
        )
        if amount:
            found.append(Head(layer, head, amount, amount / scale, steps))
    return CarriedConnection(whole, tuple(found))
