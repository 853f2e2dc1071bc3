"""Set concepts' coordinates in the live residual stream, many changes in one batch, and see what follows.

Only blocks behind the first layer touched and positions from the first touched on are run again. Knows no
words: a `Clamp` says which coordinates take which values where.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.concepts.subspace import Subspace
from tracer.errors import GraphError
from tracer.interventions import FREE, Start, final_logits, remember_prefix, rerun, rows_at_once
from tracer.models import hook_before

VOCABULARIES = 128  # rows of logits over the whole vocabulary that are held at once


@dataclass(frozen=True, slots=True)
class Clamp:
    """Behind block `layer` at `position`, the subspace's coordinates are `values`, whatever came before."""

    layer: int
    position: int
    subspace: Subspace
    values: Float[Tensor, " coordinate"]


Change = tuple[Clamp, ...]  # one intervention: no place twice, at least one


@dataclass(frozen=True, slots=True)
class Reading:
    """A coordinate that is read while changes run: of the stream behind block `layer` at `position`."""

    layer: int
    position: int
    direction: Float[Tensor, " d_model"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What each change did: logits of the tokens asked for (all when none were), and the readings."""

    logits: Float[Tensor, "change token"]
    readings: Float[Tensor, "change reading"]


def stream_behind(frozen: Frozen, layer: int) -> Float[Tensor, "pos d_model"]:
    """The stream of the unchanged text behind block `layer`."""
    return frozen.layers[layer + 1].stream if layer + 1 < len(frozen.layers) else frozen.final_stream


def first_touched(frozen: Frozen, changes: Sequence[Change]) -> Start:
    """The first block that reads something else, and the first position where something is set.

    Raises GraphError when a change sets nothing, or one place twice.
    """
    for change in changes:
        places = [(clamp.layer, clamp.position) for clamp in change]
        if not places or len(set(places)) < len(places):
            raise GraphError("A change of concepts sets each place once, and at least one.")
    places = [(clamp.layer, clamp.position) for change in changes for clamp in change]
    return Start(
        min((layer for layer, _ in places), default=len(frozen.layers) - 1) + 1,
        min((position for _, position in places), default=frozen.length - 1),
    )


@torch.no_grad()
def measure(
    frozen: Frozen,
    changes: Sequence[Change],
    tokens: Sequence[int] | None = None,
    readings: Sequence[Reading] = (),
    progress: Callable[[float], None] = lambda _done: None,
) -> Effect:
    """Run the model with each change, everything free; shapes as in `Effect`.

    Changes that start late are run together, so that what comes before is not run for them.
    """
    starts = [first_touched(frozen, [change]).position for change in changes]
    order = sorted(range(len(changes)), key=lambda index: starts[index])
    parts: dict[int, tuple[Tensor, Tensor]] = {}
    while order:
        size = rows_at_once(frozen, starts[order[0]])
        size = min(size, VOCABULARIES) if tokens is None else size
        now, order = order[:size], order[size:]
        logits, read = _run(frozen, [changes[index] for index in now], tokens, readings)
        parts |= {index: (logits[row], read[row]) for row, index in enumerate(now)}
        progress(len(parts) / len(changes))
    if not parts:
        none = frozen.logits.new_zeros(0, len(frozen.logits) if tokens is None else len(tokens))
        return Effect(none, none.new_zeros(0, len(readings)))
    rows = [parts[index] for index in range(len(changes))]
    return Effect(torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows]))


def _run(
    frozen: Frozen, changes: Sequence[Change], tokens: Sequence[int] | None, readings: Sequence[Reading]
) -> tuple[Float[Tensor, "change token"], Float[Tensor, "change reading"]]:
    start = first_touched(frozen, changes)
    remember_prefix(frozen, start)
    seen = unmoved(frozen, len(changes), readings)
    with clamped(frozen, changes, readings, start, seen) as at_the_end:
        stream = at_the_end(rerun(frozen, len(changes), start))
    return final_logits(frozen, stream[:, -1], FREE, tokens), seen


def unmoved(frozen: Frozen, changes: int, readings: Sequence[Reading]) -> Float[Tensor, "change reading"]:
    """Every reading on the text as it is, once a change."""
    values = [stream_behind(frozen, r.layer)[r.position] @ r.direction for r in readings]
    row = torch.stack(values) if values else frozen.final_stream.new_zeros(0)
    return row.repeat(changes, 1)


Touch = Callable[[Tensor], Tensor]  # (change pos d_model), positions from the first touched on


@contextmanager
def clamped(
    frozen: Frozen,
    changes: Sequence[Change],
    readings: Sequence[Reading],
    start: Start,
    seen: Float[Tensor, "change reading"],
) -> Iterator[Touch]:
    """Within the block the blocks read clamped streams; gives what is to be done to the final stream."""
    last, handles = len(frozen.layers) - 1, []
    touches = {
        layer: _touch(frozen, layer, changes, readings, start.position, seen)
        for layer in range(start.layer - 1, last + 1)
    }
    for layer in range(start.layer - 1, last):
        hook = _before_block(touches[layer])
        handles.append(hook_before(frozen.subject.blocks[layer + 1], hook))
    try:
        yield touches[last]
    finally:
        for handle in handles:
            handle.remove()


def _before_block(touch: Touch) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
    return lambda _module, args: (touch(args[0]), *args[1:])


@dataclass(frozen=True, slots=True)
class _Places:
    """One layer's clamps, their subspaces filled up to one width with nothing."""

    row: Int[Tensor, " clamp"]
    position: Int[Tensor, " clamp"]
    read: Float[Tensor, "clamp coordinate d_model"]
    write: Float[Tensor, "clamp coordinate d_model"]
    values: Float[Tensor, "clamp coordinate"]


def _touch(
    frozen: Frozen,
    layer: int,
    changes: Sequence[Change],
    readings: Sequence[Reading],
    first: int,
    seen: Float[Tensor, "change reading"],
) -> Touch:
    """Set what is set behind one layer, then read what is read there."""
    places = _places(frozen, layer, changes, first)
    here = [
        (column, reading)
        for column, reading in enumerate(readings)
        if reading.layer == layer and reading.position >= first
    ]

    def touch(stream: Tensor) -> Tensor:
        if places is not None:
            held = stream[places.row, places.position]
            now = torch.einsum("pkd,pd->pk", places.read, held)
            moved = torch.einsum("pk,pkd->pd", places.values - now, places.write)
            stream = stream.index_put((places.row, places.position), held + moved)
        for column, reading in here:
            seen[:, column] = stream[:, reading.position - first] @ reading.direction
        return stream

    return touch


def _places(frozen: Frozen, layer: int, changes: Sequence[Change], first: int) -> _Places | None:
    own = [(row, clamp) for row, change in enumerate(changes) for clamp in change if clamp.layer == layer]
    if not own:
        return None
    like = frozen.final_stream
    width = max(len(clamp.values) for _, clamp in own)
    read = like.new_zeros(len(own), width, like.shape[1])
    write, values = torch.zeros_like(read), like.new_zeros(len(own), width)
    for index, (_, clamp) in enumerate(own):
        size = len(clamp.values)
        read[index, :size], write[index, :size] = clamp.subspace.read, clamp.subspace.write
        values[index, :size] = clamp.values
    return _Places(
        row=torch.tensor([row for row, _ in own], device=like.device),
        position=torch.tensor([clamp.position - first for _, clamp in own], device=like.device),
        read=read,
        write=write,
        values=values,
    )
