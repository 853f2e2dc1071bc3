"""Set neurons to other values and see what the model then says, really or in linear prediction.

Measured with everything free, or with attention and norms frozen. Batched, position-exact; weights stay.
Knows no claims: a `Change` says which activations (inputs of the down projection) take which values.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd import forward_ad

from tracer.attribution import Frozen, Units, activations
from tracer.cancellation import pulse
from tracer.errors import GraphError
from tracer.interventions.partial_forward import Start, remember_prefix, rerun, rows_at_once
from tracer.models import hook_before, part

VOCABULARIES = 32  # rows of logits over the whole vocabulary that are held at once


@dataclass(frozen=True, slots=True)
class Change:
    """These units' activations are set to these values."""

    units: Units
    values: Float[Tensor, " unit"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What each change did: the logits of the tokens asked for, and the readouts' summed activations."""

    logits: Float[Tensor, "change token"]
    readouts: Float[Tensor, "change readout"]


def scale(frozen: Frozen, units: Units, factor: float) -> Change:
    """Multiply the units' activations: 0 ablates, 2 doubles, -1 flips."""
    return Change(units, activations(frozen, units) * factor)


def swap(units: Units, other: Frozen, shift: Int[Tensor, " unit"] | int = 0) -> Change:
    """Give the units the activations they have in another text, at the same position plus `shift`."""
    there = Units(units.layer, units.position + shift, units.neuron)
    if len(units) and not 0 <= int(there.position.min()) <= int(there.position.max()) < other.length:
        raise GraphError("The other text has no token at that position to take activations from.")
    return Change(units, activations(other, there))


def first_touched(frozen: Frozen, changes: Sequence[Change]) -> Start:
    """The first layer and position that any of these changes touches."""
    units = [change.units for change in changes if len(change.units)]
    return Start(
        min((int(u.layer.min()) for u in units), default=len(frozen.layers)),
        min((int(u.position.min()) for u in units), default=frozen.length - 1),
    )


def measure(
    frozen: Frozen,
    changes: Sequence[Change],
    tokens: Sequence[int],
    readouts: Sequence[Units] = (),
    progress: Callable[[float], None] = lambda _done: None,
) -> Effect:
    """Run the model with each change, everything free.

    Blocks and positions before the first ones touched are not run again. Shapes: logits (change, token),
    readouts (change, readout): the readout units' activations, each times its sign on the text
    as it is, summed.
    """
    size = _batch(frozen, changes)
    parts = []
    for start in range(0, len(changes), size):
        parts.append(_run(frozen, changes[start : start + size], tokens, readouts))
        progress(min(1.0, (start + size) / len(changes)))
    return _joined(frozen, parts, len(tokens), len(readouts))


def _batch(frozen: Frozen, changes: Sequence[Change]) -> int:
    """How many changes one pass may hold."""
    return rows_at_once(frozen, first_touched(frozen, changes).position)


def full_logits(frozen: Frozen, change: Change) -> Float[Tensor, " vocab"]:
    """The whole next-token distribution (as logits) under one change, everything free."""
    start = first_touched(frozen, [change])
    remember_prefix(frozen, start)
    with torch.no_grad(), _changed(frozen, [change], (), start):
        stream = rerun(frozen, 1, start)
        return _head(frozen, stream[:, -1], None)[0]


def logits_after(
    frozen: Frozen, changes: Sequence[Change]
) -> Iterator[tuple[Float[Tensor, " vocab"], float]]:
    """The same for many changes, one after the other, each with the share of them that is done."""
    size = min(_batch(frozen, changes), VOCABULARIES) if changes else 1
    for first in range(0, len(changes), size):
        batch = changes[first : first + size]
        start = first_touched(frozen, batch)
        remember_prefix(frozen, start)
        with torch.no_grad(), _changed(frozen, batch, (), start):
            logits = _head(frozen, rerun(frozen, len(batch), start)[:, -1], None)
        for index, row in enumerate(logits, first + 1):
            yield row, index / len(changes)


def _joined(frozen: Frozen, parts: list[Effect], tokens: int, readouts: int) -> Effect:
    if not parts:
        empty = frozen.embedded
        return Effect(empty.new_zeros(0, tokens), empty.new_zeros(0, readouts))
    return Effect(torch.cat([p.logits for p in parts]), torch.cat([p.readouts for p in parts]))


def _run(
    frozen: Frozen, changes: Sequence[Change], tokens: Sequence[int], readouts: Sequence[Units]
) -> Effect:
    start = first_touched(frozen, changes)
    remember_prefix(frozen, start)
    with torch.no_grad(), _changed(frozen, changes, readouts, start) as seen:
        stream = rerun(frozen, len(changes), start)
        logits = _head(frozen, stream[:, -1], tokens)
    return Effect(logits, seen)


def _head(
    frozen: Frozen, stream: Float[Tensor, "change d_model"], tokens: Sequence[int] | None
) -> Float[Tensor, "change token"]:
    """Logits of these tokens (all when None) from the last position's final stream."""
    subject = frozen.subject
    return subject.read_logits(part(subject.model, subject.family.final_norm)(stream), tokens)


@contextmanager
def _changed(
    frozen: Frozen, changes: Sequence[Change], readouts: Sequence[Units], start: Start
) -> Iterator[Float[Tensor, "change readout"]]:
    """Within the block, activations are set as the changes say and the readouts are summed as they pass."""
    seen = _unmoved(frozen, len(changes), readouts)
    handles = []
    for index in range(start.layer, len(frozen.layers)):
        hook = _hook(index, changes, readouts, seen, frozen, start.position)
        down = part(frozen.subject.blocks[index], frozen.subject.family.down)
        handles.append(hook_before(down, hook))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _unmoved(frozen: Frozen, changes: int, readouts: Sequence[Units]) -> Float[Tensor, "change readout"]:
    sums = [activations(frozen, units).abs().sum() for units in readouts]
    row = torch.stack(sums) if sums else frozen.embedded.new_zeros(0)
    return row.repeat(changes, 1)


def _hook(
    index: int,
    changes: Sequence[Change],
    readouts: Sequence[Units],
    seen: Tensor,
    frozen: Frozen,
    first: int,
) -> Callable[..., tuple[Tensor]]:
    place = places(index, changes)
    here = _read_here(index, readouts, first)
    clean = frozen.layers[index].acts

    def set_and_read(_module: torch.nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        acts = args[0].clone()
        if place is not None:
            row, position, neuron, value = place
            acts[row, position - first, neuron] = value
        for column, units in here:
            sign = clean[units.position, units.neuron].sign()
            own = acts[:, units.position - first, units.neuron]
            moved = own - clean[units.position, units.neuron]
            seen[:, column] += (moved * sign).sum(-1).detach()
        return (acts,)

    return set_and_read


def _read_here(index: int, readouts: Sequence[Units], first: int) -> list[tuple[int, Units]]:
    """Each readout's units in this layer, at positions that are run again."""
    here = [
        (column, units.pick((units.layer == index) & (units.position >= first)))
        for column, units in enumerate(readouts)
    ]
    return [(column, units) for column, units in here if len(units)]


def places(index: int, changes: Sequence[Change]) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """Where in a batch of activations of one layer the changes act: (row, position, neuron, value)."""
    rows, positions, neurons, values = [], [], [], []
    for row, change in enumerate(changes):
        at = change.units.layer == index
        if at.any():
            rows.append(torch.full((int(at.sum()),), row, device=at.device))
            positions.append(change.units.position[at])
            neurons.append(change.units.neuron[at])
            values.append(change.values[at])
    if not rows:
        return None
    return torch.cat(rows), torch.cat(positions), torch.cat(neurons), torch.cat(values)


@torch.no_grad()
def measure_frozen(
    frozen: Frozen,
    changes: Sequence[Change],
    answer_minus_foil: Tensor,
    readouts: Sequence[Units] = (),
) -> Effect:
    """The same with attention patterns and norm scales frozen, the neurons live.

    `answer_minus_foil` is a target's direction in the final stream (d_model); logits is (change, 1).
    """
    return _propagate(frozen, changes, answer_minus_foil, readouts, live=True)


@torch.no_grad()
def predict_frozen(
    frozen: Frozen,
    changes: Sequence[Change],
    answer_minus_foil: Tensor,
    readouts: Sequence[Units] = (),
) -> Effect:
    """The frozen linear model's prediction: neurons answer by the half rule, changed units stay as set.

    Equals the sum over all paths of the graph of all neurons: T = (I - J)^-1, rows of changed units zeroed.
    """
    return _propagate(frozen, changes, answer_minus_foil, readouts, live=False)


def _propagate(
    frozen: Frozen,
    changes: Sequence[Change],
    direction: Tensor,
    readouts: Sequence[Units],
    live: bool,
) -> Effect:
    batch = len(changes)
    moved = frozen.embedded.new_zeros(batch, frozen.length, frozen.embedded.shape[1])
    seen = moved.new_zeros(batch, len(readouts))
    for index in range(first_touched(frozen, changes).layer, len(frozen.layers)):
        pulse()
        layer = frozen.layers[index]
        before = moved
        moved = moved + layer.push_attention(moved)
        read = before if layer.parallel else moved
        if live:
            acts = layer.live_neurons(_mlp_stream(frozen, index) + read) - layer.acts
        else:
            acts = layer.push_neurons(read)
        place = places(index, changes)
        if place is not None:
            row, position, neuron, value = place
            acts[row, position, neuron] = value - layer.acts[position, neuron]
        for column, units in enumerate(readouts):
            own = units.pick(units.layer == index)
            sign = layer.acts[own.position, own.neuron].sign()
            seen[:, column] += (acts[:, own.position, own.neuron] * sign).sum(-1)
        moved = moved + layer.push_write(acts)
    return Effect(moved[:, -1] @ direction[:, None], seen)


def _mlp_stream(frozen: Frozen, index: int) -> Float[Tensor, "pos d_model"]:
    """What the MLP of this layer reads on the unchanged text, before its norm."""
    layer = frozen.layers[index]
    if layer.parallel:
        return layer.stream
    after = frozen.layers[index + 1].stream if index + 1 < len(frozen.layers) else frozen.final_stream
    written = layer.written if layer.mlp_constant is None else layer.written + layer.mlp_constant
    return after - written


def predict_exact(
    frozen: Frozen,
    changes: Sequence[Change],
    tokens: tuple[int, int],
    readouts: Sequence[Units] = (),
) -> Effect:
    """The exact Jacobian's prediction (attention and norms live): forward-mode derivative along each change.

    Returns changes: logits (change, 1) of logit(first) - logit(second), readouts as in `measure`.
    """
    logits = frozen.embedded.new_zeros(len(changes), 1)
    seen = frozen.embedded.new_zeros(len(changes), len(readouts))
    starts = [first_touched(frozen, [change]).position for change in changes]
    for place in sorted(set(starts)):  # what starts late need not be run from the first word
        rows = [i for i, p in enumerate(starts) if p == place]
        own = [changes[i] for i in rows]
        size = max(1, _batch(frozen, own) // 2)
        parts = [
            _derivative(frozen, own[start : start + size], tokens, readouts)
            for start in range(0, len(own), size)
        ]
        logits[rows] = torch.cat([part.logits for part in parts])
        seen[rows] = torch.cat([part.readouts for part in parts])
    return Effect(logits, seen)


def _derivative(
    frozen: Frozen, changes: Sequence[Change], tokens: tuple[int, int], readouts: Sequence[Units]
) -> Effect:
    start = first_touched(frozen, changes)
    remember_prefix(frozen, start)
    seen = frozen.embedded.new_zeros(len(changes), len(readouts))
    handles = []
    with torch.no_grad(), forward_ad.dual_level():
        for index in range(start.layer, len(frozen.layers)):
            down = part(frozen.subject.blocks[index], frozen.subject.family.down)
            hook = _tangent_hook(index, changes, readouts, seen, frozen, start.position)
            handles.append(hook_before(down, hook))
        try:
            stream = rerun(frozen, len(changes), start)
            logits = _head(frozen, stream[:, -1], tokens)
            slope = forward_ad.unpack_dual(logits).tangent
        finally:
            for handle in handles:
                handle.remove()
    if slope is None:
        slope = torch.zeros_like(logits)
    return Effect(slope[:, :1] - slope[:, 1:], seen)


def _tangent_hook(
    index: int,
    changes: Sequence[Change],
    readouts: Sequence[Units],
    seen: Tensor,
    frozen: Frozen,
    first: int,
) -> Callable[..., tuple[Tensor]]:
    place = places(index, changes)
    here = _read_here(index, readouts, first)
    clean = frozen.layers[index].acts

    def direct(_module: torch.nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        primal, tangent = forward_ad.unpack_dual(args[0])
        tangent = torch.zeros_like(primal) if tangent is None else tangent.clone()
        if place is not None:
            row, position, neuron, value = place
            tangent[row, position - first, neuron] = value - clean[position, neuron]
        for column, units in here:
            sign = clean[units.position, units.neuron].sign()
            seen[:, column] += (tangent[:, units.position - first, units.neuron] * sign).sum(-1)
        return (forward_ad.make_dual(primal, tangent),)

    return direct
