"""What setting transcoder features will do, told before it is done: by their graph, by the live derivative.

Also what a feature's write is felt as by a final target. Knows no claims and no names.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad

from tracer.attribution import Frozen, Targets, Units
from tracer.interventions.feature_intervene import FeatureEdit, activations_on
from tracer.interventions.held_forward import Hold, final_logits
from tracer.interventions.intervene import Change, Effect, first_touched
from tracer.interventions.partial_forward import remember_prefix, rerun, rows_at_once
from tracer.transcoders import Active, Transcoders, read_norm


@torch.no_grad()
def predict_by_graph(
    frozen: Frozen,
    transcoders: Transcoders,
    active: Active,
    changes: Sequence[Change],
    direction: Float[Tensor, " d_model"],
    readouts: Sequence[Units] = (),
    zero: int = 1,
) -> Effect:
    """The sum over all paths of the graph of all active features, changed ones held at their values.

    Attention patterns, norm scales, errors and what is active stay as on the text. `direction` is read from
    the final stream at the last position; logits is (change, 1), readouts are summed changes of activation.
    """
    batch = len(changes)
    moved = frozen.embedded.new_zeros(batch, *frozen.embedded.shape)
    seen = moved.new_zeros(batch, len(readouts))
    to_write: dict[int, Tensor] = {}
    for index in range(first_touched(frozen, changes).layer, len(frozen.layers)):
        layer, transcoder = frozen.layers[index], transcoders.layers[index]
        attended = layer.push_attention(moved)
        read = moved if layer.parallel else moved + attended
        norm = read_norm(layer, transcoders.reads)
        read = read if norm is None else norm.push(read)
        units = active.units.pick(active.units.layer == index)
        answer = (read[:, units.position] * transcoder.reading(units.neuron, moved)).sum(-1)
        units, answer = _with_changed(frozen, transcoders, changes, index, (units, answer), zero)
        for column, readout in enumerate(readouts):
            seen[:, column] += _of(readout.pick(readout.layer == index), units, answer)
        rows = transcoder.writing(units.neuron, moved)
        for step in range(rows.shape[1]):
            added = to_write.setdefault(index + step, torch.zeros_like(moved))
            added.index_add_(1, units.position, answer[:, :, None] * rows[:, step])
        written = to_write.pop(index, torch.zeros_like(moved))
        if transcoder.skip is not None:
            written = written + read @ transcoder.skip.to(moved)
        gain = transcoders.gain(layer)
        moved = moved + attended + (written if gain is None else written * gain)
    return Effect(moved[:, -1] @ direction[:, None], seen)


def _with_changed(
    frozen: Frozen,
    transcoders: Transcoders,
    changes: Sequence[Change],
    index: int,
    answering: tuple[Units, Float[Tensor, "change unit"]],
    zero: int,
) -> tuple[Units, Float[Tensor, "change answering"]]:
    """A layer's features and how far they move, those a change sets as it sets them."""
    units, answer = answering
    place = {key: i for i, key in enumerate(zip(units.position.tolist(), units.neuron.tolist(), strict=True))}
    more: list[tuple[int, int]] = []
    settings = []
    for row, change in enumerate(changes):
        at = change.units.layer == index
        own = change.units.pick(at)
        by = change.values[at] - activations_on(frozen, transcoders, own, zero)
        keys = list(zip(own.position.tolist(), own.neuron.tolist(), strict=True))
        for key in keys:
            if key not in place:
                place[key] = len(place)
                more.append(key)
        settings.append((row, [place[key] for key in keys], by))
    answer = torch.cat([answer, answer.new_zeros(len(answer), len(more))], 1)
    for row, columns, by in settings:
        answer[row, columns] = by
    extra = units.position.new_tensor(more).reshape(-1, 2).T
    layer = torch.full_like(extra[0], index)
    return (
        Units(
            torch.cat([units.layer, layer]),
            torch.cat([units.position, extra[0]]),
            torch.cat([units.neuron, extra[1]]),
        ),
        answer,
    )


def _of(readout: Units, units: Units, answer: Float[Tensor, "change unit"]) -> Float[Tensor, " change"]:
    """How far the features of a readout move together; those that do not answer do not move."""
    place = {key: i for i, key in enumerate(zip(units.position.tolist(), units.neuron.tolist(), strict=True))}
    wanted = zip(readout.position.tolist(), readout.neuron.tolist(), strict=True)
    columns = [place[key] for key in wanted if key in place]
    return answer[:, columns].sum(1)


@torch.no_grad()
def predict_live(
    frozen: Frozen,
    transcoders: Transcoders,
    changes: Sequence[Change],
    tokens: tuple[int, int],
    readouts: Sequence[Units] = (),
    zero: int = 1,
) -> Effect:
    """The live model's derivative along each change: attention, norms and the real MLPs all free.

    logits (change, 1) is that of logit(first) - logit(second), readouts are summed changes of activation.
    """
    logits = frozen.embedded.new_zeros(len(changes), 1)
    seen = frozen.embedded.new_zeros(len(changes), len(readouts))
    starts = [first_touched(frozen, [change]).position for change in changes]
    for first in sorted(set(starts)):  # what starts late need not be run from the first word
        rows = [i for i, position in enumerate(starts) if position == first]
        size = max(1, rows_at_once(frozen, first) // 2)
        for begin in range(0, len(rows), size):
            some = rows[begin : begin + size]
            slope, moved = _derivative(
                frozen, transcoders, [changes[i] for i in some], tokens, readouts, zero
            )
            logits[some, 0] = slope[:, 0] - slope[:, 1]
            seen[some] = moved
    return Effect(logits, seen)


def _derivative(
    frozen: Frozen,
    transcoders: Transcoders,
    changes: Sequence[Change],
    tokens: tuple[int, int],
    readouts: Sequence[Units],
    zero: int,
) -> tuple[Float[Tensor, "change token"], Float[Tensor, "change readout"]]:
    start = first_touched(frozen, changes)
    remember_prefix(frozen, start)
    hold = Hold(attention=False, zero_positions=zero)
    with forward_ad.dual_level():
        along = []
        for change in changes:  # from what they are to what they are set to
            acts = activations_on(frozen, transcoders, change.units, zero)
            along.append(Change(change.units, forward_ad.make_dual(acts, change.values - acts)))
        edit = FeatureEdit(frozen, transcoders, along, hold, start, readouts=tuple(readouts))
        with edit.in_place():
            stream = rerun(frozen, len(changes), start)
        logits = final_logits(frozen, stream[:, -1], hold, tokens)
        return _slope(logits), _slope(edit.sums)


def _slope(value: Tensor) -> Tensor:
    """The derivative a dual number carries; none is zero."""
    slope = forward_ad.unpack_dual(value).tangent
    return torch.zeros_like(value) if slope is None else slope.clone()


@torch.no_grad()
def felt_by_writes(
    frozen: Frozen, transcoders: Transcoders, active: Active, target: Targets
) -> tuple[Float[Tensor, "pos d_model"], ...]:
    """By layer: how a final target feels what is written there, along all paths of active features."""
    felt = frozen.embedded.new_zeros(len(frozen.layers), *frozen.embedded.shape)
    carried = torch.zeros_like(frozen.embedded)[None]
    carried[0, target.position] = target.direction
    for index in range(len(frozen.layers) - 1, -1, -1):
        layer, transcoder = frozen.layers[index], transcoders.layers[index]
        gain = transcoders.gain(layer)
        felt[index] = carried[0] if gain is None else carried[0] * gain
        units = active.units.pick(active.units.layer == index)
        weight = effect_of_writes(transcoders, felt, units)
        back = torch.zeros_like(carried)
        reads = transcoder.reading(units.neuron, carried) * weight[:, None]
        back[0].index_add_(0, units.position, reads)
        if transcoder.skip is not None:
            back[0] += felt[index] @ transcoder.skip.T.to(carried)
        norm = read_norm(layer, transcoders.reads)
        back = back if norm is None else norm.pull(back, norm.scale[:, None])
        if layer.parallel:
            layer.pull_attention(carried)
            carried = carried + back
        else:
            carried = carried + back
            layer.pull_attention(carried)
    return tuple(felt)


def effect_of_writes(
    transcoders: Transcoders, felt: Sequence[Tensor] | Tensor, units: Units
) -> Float[Tensor, " unit"]:
    """What one unit of each feature's activation does, given what is felt of writes at every layer."""
    out = felt[0].new_zeros(len(units))
    for index in units.layer.unique().tolist():
        at = units.layer == index
        position, feature = units.position[at], units.neuron[at]
        rows = transcoders.layers[index].writing(feature, felt[0])
        for step in range(rows.shape[1]):
            out[at] += (rows[:, step] * felt[index + step][position]).sum(-1)
    return out
