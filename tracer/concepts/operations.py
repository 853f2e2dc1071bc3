"""What can be done to a concept where it is held: taken out, exchanged for another, or scaled.

All three are clamps of coordinates to values taken from the unchanged text, at every layer of the run: what
later layers would write back is set again. (Exchanging once, or exchanging the live coordinates again at each
layer, changes far fewer answers; ARCHITECTURE.md has the figures.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Clamp, stream_behind
from tracer.concepts.subspace import span
from tracer.lens import Lens, directions, normalised, output_rows


class Held(NamedTuple):
    """Where a concept is held: positions, and the blocks behind which it is (first, last)."""

    positions: tuple[int, ...]
    first: int
    last: int

    @property
    def layers(self) -> range:
        """The blocks, first to last."""
        return range(self.first, self.last + 1)


def ablate(frozen: Frozen, lens: Lens, held: Held, tokens: Sequence[int]) -> Change:
    """Set each token's coordinate to what the lens reads there for other texts (0 without a background)."""
    return scale(frozen, lens, held, tokens, 0.0)


def scale(frozen: Frozen, lens: Lens, held: Held, tokens: Sequence[int], factor: float) -> Change:
    """Multiply what each coordinate has beside its usual value: 0 takes out, -1 flips, 2 doubles."""
    subject, clamps = frozen.subject, []
    for layer in held.layers:
        space = span(directions(lens, subject, layer, tokens).to(frozen.final_stream))
        stream = stream_behind(frozen, layer)
        usual = usual_coordinates(frozen, lens, layer, tokens)
        for position in held.positions:
            own = space.coordinates(stream[position])
            clamps.append(Clamp(layer, position, space, usual[position] + factor * (own - usual[position])))
    return tuple(clamps)


def exchange(frozen: Frozen, lens: Lens, held: Held, one: Sequence[int], other: Sequence[int]) -> Change:
    """Exchange the coordinates of the first tokens with those of the second, one by one.

    Both are equally many. h' = h + V (VᵀV)⁻¹ (flip(c) - c) with c of the unchanged text.
    """
    clamps, size = [], len(one)
    for layer in held.layers:
        read = directions(lens, frozen.subject, layer, [*one, *other]).to(frozen.final_stream)
        space, stream = span(read), stream_behind(frozen, layer)
        for position in held.positions:
            own = space.coordinates(stream[position])
            clamps.append(Clamp(layer, position, space, own.roll(size)))
    return tuple(clamps)


def usual_coordinates(
    frozen: Frozen, lens: Lens, layer: int, tokens: Sequence[int]
) -> Float[Tensor, "pos token"]:
    """The coordinates that would read as the lens reads for other texts, at this text's own scale.

    The lens knows the mean of the normalised transported stream; a coordinate is that times the scale the
    final norm would divide by here.
    """
    stream = stream_behind(frozen, layer)
    if lens.background is None:
        return stream.new_zeros(len(stream), len(tokens))
    moved = lens.transport(layer, stream)
    size = (moved.norm(dim=-1) / normalised(frozen.subject, moved).norm(dim=-1))[:, None]
    mean = lens.background.mean[layer].to(moved)
    usual: Tensor = size * (output_rows(frozen.subject, tokens).to(moved) @ mean)
    return usual


def displacement(change: Change, frozen: Frozen) -> float:
    """By how much a change moves the unchanged text's stream, summed over its places."""
    moved = [
        ((clamp.values - clamp.subspace.coordinates(held)) @ clamp.subspace.write).norm()
        for clamp in change
        for held in [stream_behind(frozen, clamp.layer)[clamp.position]]
    ]
    return float(torch.stack(moved).sum())
