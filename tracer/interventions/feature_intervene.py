"""Set transcoder features to values and see what the model then says, as circuit-tracer does it.

A feature set to a value adds (value - its activation) times its decoder rows to what the MLPs really write,
so what the transcoder leaves unexplained stays. Knows no claims; continuing a text is
`tracer.interventions.generate`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from tracer.attribution import Frozen, Units
from tracer.errors import GraphError, TranscodersError
from tracer.interventions.held_forward import Hold, final_logits, patterns_held, streams_held
from tracer.interventions.intervene import Change, first_touched, places
from tracer.interventions.partial_forward import Start, remember_prefix, rerun, rows_at_once
from tracer.models import Model, hook_after, hook_before, part
from tracer.transcoders import Nonlinearity, Reads, Transcoder, Transcoders, read_input, read_norm


class Setting(NamedTuple):
    """One unit (a feature, or a neuron) held at a value; a slice without an end is held ever after."""

    layer: int
    position: int | slice
    unit: int
    value: float


Places = tuple[Tensor, Tensor, Tensor, Tensor]  # row of the batch, position, unit, value


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """What each change did: next-token logits, and if asked for every layer's features."""

    logits: Float[Tensor, "change token"]
    features: tuple[Float[Tensor, "change pos feature"], ...] | None  # one a layer
    readouts: Float[Tensor, "change readout"]


def change_of(settings: Sequence[Setting], length: int, like: Tensor) -> Change:
    """Settings on a text of this length as a change; of two for one unit and position the later counts."""
    values: dict[tuple[int, int, int], float] = {}
    for layer, position, unit, value in settings:
        places = range(length)[position] if isinstance(position, slice) else [position]
        values |= {(layer, place + length if place < 0 else place, unit): value for place in places}
    keys = sorted(values)
    columns = torch.tensor(keys, dtype=torch.long, device=like.device).reshape(-1, 3).T
    return Change(Units(*columns), like.new_tensor([values[key] for key in keys]))


@torch.no_grad()
def set_features(
    frozen: Frozen,
    transcoders: Transcoders,
    changes: Sequence[Change],
    hold: Hold | None = None,
    *,
    tokens: Sequence[int] | None = None,
    features: bool | Literal["pre"] = False,
    readouts: Sequence[Units] = (),
    progress: Callable[[float], None] = lambda _done: None,
) -> FeatureEffect:
    """Run the model once a change, many in a batch; logits of these tokens (all when None).

    `readouts`: each one's features' activations after the change, times their sign on the text as it is,
    summed. `features`: True for every feature's activation after the change, "pre" for what it is before the
    nonlinearity (this is what edges predict). Blocks and positions before the first ones touched do not run.
    """
    hold = Hold() if hold is None else hold
    for change in changes:
        check(frozen, transcoders, change)
    start = first_touched(frozen, changes)
    size = rows_at_once(frozen, start.position)
    patterns = patterns_held(frozen, hold)
    if patterns is None:
        remember_prefix(frozen, start)
    logits, read, sums = [], [], []
    for begin in range(0, len(changes), size):
        some = changes[begin : begin + size]
        edit = FeatureEdit(frozen, transcoders, some, hold, start, features, tuple(readouts))
        if patterns is None:
            with edit.in_place():
                stream = rerun(frozen, len(edit.changes), start)
        else:
            stream = streams_held(frozen, edit, patterns)[-1]
        logits.append(final_logits(frozen, stream[:, -1], hold, tokens))
        read.append(edit.all_features() if features else [])
        sums.append(edit.sums)
        progress(min(1.0, (begin + size) / len(changes)))
    rows = len(frozen.logits) if tokens is None else len(tokens)
    return FeatureEffect(
        torch.cat([frozen.embedded.new_zeros(0, rows), *logits]),
        tuple(torch.cat(layer) for layer in zip(*read, strict=True)) if features else None,
        torch.cat([frozen.embedded.new_zeros(0, len(readouts)), *sums]),
    )


def check(frozen: Frozen, transcoders: Transcoders | None, change: Change) -> None:
    """Raise GraphError where a unit (a neuron when there are no transcoders) is not one."""
    units, subject = change.units, frozen.subject
    wide = [subject.neurons] * len(frozen.layers)
    if transcoders is not None:
        width = len(transcoders.layers[0].decoder_bias)
        if len(transcoders.layers) != len(frozen.layers) or width != frozen.embedded.shape[1]:
            raise TranscodersError(f"{transcoders.name} are not for the MLPs of {subject.name}.")
        wide = [len(transcoder.encoder_bias) for transcoder in transcoders.layers]
    found = torch.stack(list(units))
    limits = units.layer.new_tensor([len(frozen.layers), frozen.length])[:, None]
    if bool((found < 0).any()) or bool((found[:2] >= limits).any()):
        raise GraphError("A feature to be set is at no layer or position that there is.")
    if bool((units.neuron >= units.neuron.new_tensor(wide)[units.layer]).any()):
        raise GraphError("A feature to be set is none of its layer's.")
    if found.unique(dim=1).shape[1] < len(units):
        raise GraphError("A feature is set to two values at one position.")


@dataclass(frozen=True, slots=True)
class FeatureEdit:
    """One batch of changes on its way up the layers; `write` says what a layer's MLP now writes."""

    frozen: Frozen
    transcoders: Transcoders
    changes: Sequence[Change]
    hold: Hold
    start: Start
    features: bool | Literal["pre"] = False
    readouts: tuple[Units, ...] = ()
    _to_write: dict[int, Tensor] = field(default_factory=dict)  # by layer: what features set so far add
    _read: dict[int, Tensor] = field(default_factory=dict)  # by layer: what its transcoder was given
    _moved: dict[int, Tensor] = field(default_factory=dict)  # by readout: by how much it has changed

    @property
    def before_post_norm(self) -> bool:
        """Whether what is written passes a norm on its way to the stream."""
        return self.transcoders.before_post_norm and self.frozen.subject.family.post_mlp is not None

    @property
    def zero(self) -> int:
        """How many first positions hold no feature."""
        held = self.hold.zero_positions
        return int(self.frozen.bos) if held is None else held

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the model's own blocks run with the changes."""
        family, streams, handles = self.frozen.subject.family, dict[int, Tensor](), []

        def keep(index: int) -> Callable[..., None]:
            return lambda _module, args: streams.__setitem__(index, args[0])

        def write(index: int) -> Callable[..., Tensor]:
            return lambda _module, _args, out: self.write(index, streams.pop(index), out)

        for index, block in enumerate(self.frozen.subject.blocks):
            if index >= self.start.layer:
                behind = None if self.before_post_norm else family.post_mlp
                writer = part(block, behind or family.mlp)
                handles.append(hook_before(part(block, family.pre_mlp), keep(index)))
                handles.append(hook_after(writer, write(index)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def write(
        self,
        index: int,
        stream: Float[Tensor, "change pos d_model"],
        out: Float[Tensor, "change pos d_model"] | None,
    ) -> Float[Tensor, "change pos d_model"]:
        """What the MLP writes instead of `out` (None where it is held), reading this stream."""
        transcoder, held = self.transcoders.layers[index], self.hold.layers
        place = places(index, self.changes)
        asked = [
            (i, u) for i, units in enumerate(self.readouts) if len(u := units.pick(units.layer == index))
        ]
        seen, gain = None, None
        if self.features or asked or place is not None or (transcoder.skip is not None and out is None):
            seen = self._seen(index, stream)
            if self.features:
                self._read[index] = seen
            for readout, units in asked:
                self._look(index, readout, units, seen, place)
        if out is None:
            out, gain = (
                self._as_on_the_text(index, stream, seen),
                self.transcoders.gain(self.frozen.layers[index]),
            )
        if place is not None:
            assert seen is not None
            self._set(index, seen, place)
        added = self._to_write.pop(index, None)
        if added is None or (held is not None and index not in held):
            return out
        return out + (added if gain is None else added * gain[self.start.position :])

    def _seen(self, index: int, stream: Tensor) -> Float[Tensor, "change pos d_model"]:
        """What the layer's transcoder is given."""
        frozen, reads = self.frozen, self.transcoders.reads
        norm = read_norm(frozen.layers[index], reads)
        if norm is None:
            return stream
        if self.hold.is_direct(len(frozen.layers)):
            x = replace(norm, scale=norm.scale[self.start.position :]).push(stream)
            return x if norm.beta is None else x + norm.beta
        return live_input(frozen.subject, index, reads, stream)

    def _as_on_the_text(self, index: int, stream: Tensor, seen: Tensor | None) -> Tensor:
        """What the MLP wrote on the text, and what an affine skip reads anew."""
        layer, skip, first = (
            self.frozen.layers[index],
            self.transcoders.layers[index].skip,
            self.start.position,
        )
        out = layer.written if layer.mlp_constant is None else layer.written + layer.mlp_constant
        out = out[first:].expand_as(stream)
        if skip is None or seen is None:
            return out
        more = (seen - read_input(layer, self.transcoders.reads)[first:]) @ skip.to(seen)
        gain = self.transcoders.gain(layer)
        return out + (more if gain is None else more * gain[first:])

    def _look(self, index: int, readout: int, units: Units, seen: Tensor, place: Places | None) -> None:
        """Count by how much a readout's features of this layer have moved, each in its own direction."""
        units = units.pick(units.position >= max(self.start.position, self.zero))
        clean = activations_on(self.frozen, self.transcoders, units, self.zero)
        here, transcoder = seen[:, units.position - self.start.position], self.transcoders.layers[index]
        now = activation_of(transcoder, here.flatten(0, 1), units.neuron.repeat(len(here)))
        now = _with_set(now.view(len(here), -1), units, place)
        moved = ((now - clean) * clean.sign()).sum(1)
        self._moved[readout] = moved + self._moved[readout] if readout in self._moved else moved

    @property
    def sums(self) -> Float[Tensor, "change readout"]:
        """Each readout after the pass."""
        still = seen_on_text(self.frozen, self.transcoders, self.readouts, self.zero).expand(
            len(self.changes), -1
        )
        moved = [self._moved.get(i, torch.zeros_like(still[:, i])) for i in range(len(self.readouts))]
        return still + torch.stack(moved, 1) if moved else still

    def _set(self, index: int, seen: Tensor, place: Places) -> None:
        """Add what this layer's features, set to their values, write here and above."""
        row, position, unit, value = place
        here = position - self.start.position
        transcoder = self.transcoders.layers[index]
        if self.hold.layers is None:
            now = activation_of(transcoder, seen[row, here], unit)
        else:
            now = activation_of(
                transcoder, read_input(self.frozen.layers[index], self.transcoders.reads)[position], unit
            )
        change = value - now.masked_fill(position < self.zero, 0)
        rows = transcoder.writing(unit, seen) * change[:, None, None]
        for step in range(rows.shape[1]):
            added = self._to_write.get(index + step, torch.zeros_like(seen))
            self._to_write[index + step] = added.index_put((row, here), rows[:, step], accumulate=True)

    def all_features(self) -> list[Float[Tensor, "change pos feature"]]:
        """Every layer's features after the change."""
        found = []
        for index, (layer, transcoder) in enumerate(
            zip(self.frozen.layers, self.transcoders.layers, strict=True)
        ):
            if self.features == "pre":  # the nonlinearity that keeps everything
                everything = Nonlinearity(k=len(transcoder.encoder_bias))
                transcoder = replace(transcoder, nonlinearity=everything)
            acts = transcoder.encode(read_input(layer, self.transcoders.reads))
            acts = acts.repeat(len(self.changes), 1, 1)
            if index in self._read:
                seen = self._read[index]
                moved = transcoder.encode(seen.reshape(-1, seen.shape[-1]))
                acts[:, self.start.position :] = moved.view(*seen.shape[:2], -1)
            acts[:, : self.zero] = 0
            found.append(acts)
        return found


def live_input(
    subject: Model, layer: int, reads: Reads, stream: Float[Tensor, "batch pos d_model"]
) -> Float[Tensor, "batch pos d_model"]:
    """What a transcoder of this layer reads of a stream, with the norm as it is there."""
    if reads is Reads.STREAM:
        return stream
    module = part(subject.blocks[layer], subject.family.pre_mlp)
    if reads is Reads.MLP:
        plain: Callable[[Tensor], Tensor] = module.forward  # as a module it would run this pass's hooks
        return plain(stream)
    eps = float(getattr(module, "eps", 0.0) or getattr(module, "variance_epsilon", 0.0))
    centred = stream - stream.mean(-1, keepdim=True) if isinstance(module, nn.LayerNorm) else stream
    return F.rms_norm(centred, centred.shape[-1:], None, eps)  # the scale alone, no gain


def _with_set(
    now: Float[Tensor, "change unit"], units: Units, place: Places | None
) -> Float[Tensor, "change unit"]:
    """Activations, those that a change sets as it sets them."""
    if place is None:
        return now
    row, position, feature, value = place
    same = (units.position == position[:, None]) & (units.neuron == feature[:, None])
    which, column = same.nonzero(as_tuple=True)
    return now.index_put((row[which], column), value[which])


def activations_on(
    frozen: Frozen, transcoders: Transcoders, units: Units, zero: int
) -> Float[Tensor, " unit"]:
    """Features' activations on the text; none at the first `zero` positions."""
    acts = frozen.embedded.new_zeros(len(units))
    for index in units.layer.unique().tolist():
        at = units.layer == index
        x = read_input(frozen.layers[index], transcoders.reads)[units.position[at]]
        acts[at] = activation_of(transcoders.layers[index], x, units.neuron[at])
    return acts.masked_fill(units.position < zero, 0)


def seen_on_text(
    frozen: Frozen, transcoders: Transcoders, readouts: Sequence[Units], zero: int
) -> Float[Tensor, " readout"]:
    """The summed |activation| of each readout on the text."""
    sums = [activations_on(frozen, transcoders, units, zero).abs().sum() for units in readouts]
    return torch.stack(sums) if sums else frozen.embedded.new_zeros(0)


def activation_of(
    transcoder: Transcoder, x: Float[Tensor, "unit d_model"], features: Int[Tensor, " unit"]
) -> Float[Tensor, " unit"]:
    """One feature's activation for each of these inputs."""
    shape = transcoder.nonlinearity
    if shape.k is not None:  # it depends on all the others
        return transcoder.encode(x).gather(1, features[:, None])[:, 0]
    if shape.threshold is not None and shape.threshold.numel() > 1:
        shape = replace(shape, threshold=shape.threshold[features])
    pre = (transcoder.reading(features, x) * x).sum(-1) + transcoder.encoder_bias[features].to(x)
    return shape(pre[None])[0]
