"""Set transcoder features to values and see what the model then says, as circuit-tracer does it.

A feature set to a value adds (value - its activation) times its decoder rows to what the MLPs really write,
so what the transcoder leaves unexplained stays. Knows no claims; continuing a text is `tracer.continuation`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from tracer.errors import GraphError, TranscodersError
from tracer.families import part
from tracer.frozen import Frozen
from tracer.intervene import BATCH_POSITIONS, Change, first_touched, places
from tracer.neurons import Units
from tracer.rerun import Start, remember_prefix, rerun
from tracer.transcoders import Nonlinearity, Reads, Transcoder, Transcoders, read_by, reader


class Setting(NamedTuple):
    """One unit (a feature, or a neuron) held at a value; a slice without an end is held ever after."""

    layer: int
    position: int | slice
    unit: int
    value: float


@dataclass(frozen=True, slots=True)
class Hold:
    """What stays as it is on the text while features are set.

    `layers`: the MLPs of these layers keep what they wrote, changes count from the activations on the text
    and are written in these layers only; attention is then frozen too. With all layers, norm scales are
    frozen as well: what is left is linear, the direct effects that are the graph's edges.
    """

    attention: bool = True
    layers: range | None = None
    zero_positions: int | None = None  # where features count as 0; None: the begin-of-sequence token
    softcap: bool = True  # False: logits as the graph has them, before a final soft-cap

    def is_direct(self, layers: int) -> bool:
        """Whether everything is held but the stream itself."""
        return self.layers is not None and set(range(layers)) <= set(self.layers)


FREE = Hold(attention=False)
Places = tuple[Tensor, Tensor, Tensor, Tensor]  # row of the batch, position, unit, value


@runtime_checkable
class Edit(Protocol):
    """What a pass over the blocks asks of the changes it makes."""

    @property
    def changes(self) -> Sequence[Change]:
        """One a row of the batch."""
        ...

    @property
    def hold(self) -> Hold:
        """What is held."""
        ...

    @property
    def start(self) -> Start:
        """Where the pass begins."""
        ...

    def in_place(self) -> AbstractContextManager[None]:
        """Within the block the model's own blocks run with the changes."""
        ...

    def write(self, index: int, stream: Tensor, out: Tensor | None) -> Tensor:
        """What a layer's MLP writes instead of `out` (None where it is held), reading this stream."""
        ...


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """What each change did: next-token logits, and if asked for every layer's features."""

    logits: Float[Tensor, "change token"]
    features: tuple[Float[Tensor, "change pos feature"], ...] | None  # one a layer


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
    progress: Callable[[float], None] = lambda _done: None,
) -> FeatureEffect:
    """Run the model once a change, many in a batch; logits of these tokens (all when None).

    `features`: True for every feature's activation after the change, "pre" for what it is before the
    nonlinearity (this is what edges predict). Blocks and positions before the first ones touched do not run.
    """
    hold = Hold() if hold is None else hold
    for change in changes:
        check(frozen, transcoders, change)
    start = first_touched(frozen, changes)
    size = max(1, BATCH_POSITIONS // (frozen.length - start.position))
    patterns = patterns_held(frozen, hold)
    if patterns is None:
        remember_prefix(frozen, start)
    logits, read = [], []
    for begin in range(0, len(changes), size):
        edit = FeatureEdit(frozen, transcoders, changes[begin : begin + size], hold, start, features)
        if patterns is None:
            with edit.in_place():
                stream = rerun(frozen, len(edit.changes), start)
        else:
            stream = streams_held(frozen, edit, patterns)[-1]
        logits.append(final_logits(frozen, stream[:, -1], hold, tokens))
        read.append(edit.all_features() if features else [])
        progress(min(1.0, (begin + size) / len(changes)))
    rows = len(frozen.logits) if tokens is None else len(tokens)
    return FeatureEffect(
        torch.cat([frozen.embedded.new_zeros(0, rows), *logits]),
        tuple(torch.cat(layer) for layer in zip(*read, strict=True)) if features else None,
    )


def check(frozen: Frozen, transcoders: Transcoders | None, change: Change) -> None:
    """Raise GraphError where a unit (a neuron when there are no transcoders) is not one."""
    units, subject = change.units, frozen.subject
    wide = [subject.neurons] * len(frozen.layers)
    if transcoders is not None:
        if len(transcoders.layers) != len(frozen.layers) or _other_place(frozen, transcoders):
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


def _other_place(frozen: Frozen, transcoders: Transcoders) -> bool:
    """Whether they write somewhere else than to the stream, or to a wider one."""
    before_norm = transcoders.before_post_norm and frozen.layers[0].post_gain is not None
    return before_norm or len(transcoders.layers[0].decoder_bias) != frozen.embedded.shape[1]


def patterns_held(frozen: Frozen, hold: Hold) -> tuple[Tensor, ...] | None:
    """The text's attention patterns (head, query, key) by layer where they are to stay; None where free."""
    if not hold.attention and hold.layers is None:
        return None
    if hold.is_direct(len(frozen.layers)):
        return ()  # the scaled ones are at hand
    out = frozen.subject.model(frozen.ids[None], use_cache=False, output_attentions=True, logits_to_keep=1)
    return tuple(pattern[0] for pattern in out.attentions)


def final_logits(
    frozen: Frozen, stream: Float[Tensor, "change d_model"], hold: Hold, tokens: Sequence[int] | None
) -> Float[Tensor, "change token"]:
    """Logits of these tokens (all when None) from the last position's final stream."""
    subject = frozen.subject
    if hold.is_direct(len(frozen.layers)):
        norm = replace(frozen.final_norm, scale=frozen.final_norm.scale[-1:])
        seen = norm.push(stream[:, None])[:, 0]
        seen = seen if norm.beta is None else seen + norm.beta
    else:
        seen = part(subject.model, subject.family.final_norm)(stream)
    head = subject.model.get_output_embeddings()
    rows = slice(None) if tokens is None else list(tokens)
    bias = getattr(head, "bias", None)
    logits = F.linear(seen, head.weight[rows], None if bias is None else bias[rows])
    cap = getattr(subject.model.config, "final_logit_softcapping", None)
    return torch.tanh(logits / cap) * cap if cap and hold.softcap else logits


@dataclass(frozen=True, slots=True)
class FeatureEdit:
    """One batch of changes on its way up the layers; `write` says what a layer's MLP now writes."""

    frozen: Frozen
    transcoders: Transcoders
    changes: Sequence[Change]
    hold: Hold
    start: Start
    features: bool | Literal["pre"] = False
    _to_write: dict[int, Tensor] = field(default_factory=dict)  # by layer: what features set so far add
    _read: dict[int, Tensor] = field(default_factory=dict)  # by layer: what its transcoder was given

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
                writer = part(block, family.post_mlp or family.mlp)
                handles.append(part(block, family.pre_mlp).register_forward_pre_hook(keep(index)))
                handles.append(writer.register_forward_hook(write(index)))
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
        seen = None
        if self.features or place is not None or (transcoder.skip is not None and out is None):
            seen = self._seen(index, stream)
            self._read[index] = seen
        if out is None:
            out = self._as_on_the_text(index, stream, seen)
        if place is not None:
            assert seen is not None
            self._set(index, seen, place)
        added = self._to_write.pop(index, None)
        return out if added is None or (held is not None and index not in held) else out + added

    def _seen(self, index: int, stream: Tensor) -> Float[Tensor, "change pos d_model"]:
        """What the layer's transcoder is given."""
        frozen, reads = self.frozen, self.transcoders.reads
        norm = reader(frozen.layers[index], reads)
        if norm is None:
            return stream
        if self.hold.is_direct(len(frozen.layers)):
            x = replace(norm, scale=norm.scale[self.start.position :]).push(stream)
            return x if norm.beta is None else x + norm.beta
        module = part(frozen.subject.blocks[index], frozen.subject.family.pre_mlp)
        if reads is Reads.MLP:
            plain: Callable[[Tensor], Tensor] = module.forward  # as a module it would run this pass's hooks
            return plain(stream)
        eps = float(getattr(module, "eps", 0.0) or getattr(module, "variance_epsilon", 0.0))
        centred = stream - stream.mean(-1, keepdim=True) if norm.center else stream
        return F.rms_norm(centred, centred.shape[-1:], None, eps)  # the scale alone, no gain

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
        return out + (seen - read_by(layer, self.transcoders.reads)[first:]) @ skip.to(seen)

    def _set(self, index: int, seen: Tensor, place: Places) -> None:
        """Add what this layer's features, set to their values, write here and above."""
        row, position, unit, value = place
        here = position - self.start.position
        transcoder = self.transcoders.layers[index]
        if self.hold.layers is None:
            now = _activations(transcoder, seen[row, here], unit)
        else:
            now = _activations(
                transcoder, read_by(self.frozen.layers[index], self.transcoders.reads)[position], unit
            )
        change = value - now.masked_fill(position < self.zero, 0)
        rows = transcoder.writing(unit, seen) * change[:, None, None]
        for step in range(rows.shape[1]):
            added = self._to_write.setdefault(index + step, torch.zeros_like(seen))
            added.index_put_((row, here), rows[:, step], accumulate=True)

    def all_features(self) -> list[Float[Tensor, "change pos feature"]]:
        """Every layer's features after the change."""
        found = []
        for index, (layer, transcoder) in enumerate(
            zip(self.frozen.layers, self.transcoders.layers, strict=True)
        ):
            if self.features == "pre":  # the nonlinearity that keeps everything
                everything = Nonlinearity(k=len(transcoder.encoder_bias))
                transcoder = replace(transcoder, nonlinearity=everything)
            acts = transcoder.encode(read_by(layer, self.transcoders.reads))
            acts = acts.repeat(len(self.changes), 1, 1)
            if index in self._read:
                seen = self._read[index]
                moved = transcoder.encode(seen.reshape(-1, seen.shape[-1]))
                acts[:, self.start.position :] = moved.view(*seen.shape[:2], -1)
            acts[:, : self.zero] = 0
            found.append(acts)
        return found


def _activations(
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


def streams_held(
    frozen: Frozen, edit: Edit, patterns: tuple[Tensor, ...]
) -> list[Float[Tensor, "change pos d_model"]]:
    """What enters each block from the first touched on, and the final stream, with attention held."""
    start, batch = edit.start, len(edit.changes)
    first = start.position
    entry = frozen.layers[start.layer].stream if start.layer < len(frozen.layers) else frozen.final_stream
    streams = [entry[first:].expand(batch, -1, -1)]
    family, held = frozen.subject.family, edit.hold.layers
    direct = edit.hold.is_direct(len(frozen.layers))
    for index in range(start.layer, len(frozen.layers)):
        layer, block, stream = frozen.layers[index], frozen.subject.blocks[index], streams[-1]
        if direct:
            attended = _attend_direct(frozen, index, stream, first)
        else:
            attended = _attend(frozen, index, stream, patterns[index][:, first:])
        mid = stream if layer.parallel else stream + attended
        out = None
        if held is None or index not in held:
            out = part(block, family.mlp)(part(block, family.pre_mlp)(mid))
            out = out if family.post_mlp is None else part(block, family.post_mlp)(out)
        streams.append(stream + attended + edit.write(index, mid, out))
    return streams


def _attend(
    frozen: Frozen, index: int, stream: Tensor, pattern: Float[Tensor, "head query key"]
) -> Float[Tensor, "change query d_model"]:
    """What attention writes with its pattern held and its norms live; earlier positions are unchanged."""
    family, block = frozen.subject.family, frozen.subject.blocks[index]
    layer = frozen.layers[index]
    weights, earlier = layer.weights, pattern.shape[2] - stream.shape[1]
    everything = torch.cat([layer.stream[:earlier].expand(len(stream), -1, -1), stream], 1)
    seen = part(block, family.pre_attention)(everything)
    value = torch.einsum("bpd,ged->bgpe", seen, weights.value)
    if weights.value_bias is not None:
        value = value + weights.value_bias[:, None]
    value = value.repeat_interleave(len(pattern) // value.shape[1], 1)
    mixed = torch.einsum("hqk,bhke->bhqe", pattern, value)
    out = torch.einsum("bhqe,hde->bqd", mixed, weights.output)
    if weights.output_bias is not None:
        out = out + weights.output_bias
    if family.post_attention is None:
        return out
    normed: Tensor = part(block, family.post_attention)(out)
    return normed


def _attend_direct(frozen: Frozen, index: int, stream: Tensor, first: int) -> Tensor:
    """The same with norm scales held too: what attention wrote on the text, and its linear answer."""
    layer = frozen.layers[index]
    above = frozen.layers[index + 1].stream if index + 1 < len(frozen.layers) else frozen.final_stream
    written = layer.written if layer.mlp_constant is None else layer.written + layer.mlp_constant
    moved = F.pad(stream - layer.stream[first:], (0, 0, first, 0))
    return (above - written - layer.stream)[first:] + layer.push_attention(moved)[:, first:]
