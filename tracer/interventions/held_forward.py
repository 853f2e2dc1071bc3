"""A pass up the blocks with what is held put back: attention patterns, the MLPs of some layers, norm scales.

Knows not what is changed: an `Edit` says what each layer's MLP writes instead.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.errors import TextError
from tracer.interventions.intervene import Change
from tracer.interventions.partial_forward import Start, rerun
from tracer.models import hook_after, part


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


@runtime_checkable
class Edit(Protocol):
    """What a pass over the blocks asks of the changes it makes."""

    @property
    def frozen(self) -> Frozen:
        """The text."""
        ...

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

    @property
    def before_post_norm(self) -> bool:
        """Whether `write` is asked for what enters the norm behind the MLP, not for what leaves it."""
        ...

    def write(self, index: int, stream: Tensor, out: Tensor | None) -> Tensor:
        """What a layer's MLP writes instead of `out` (None where it is held), reading this stream."""
        ...


def patterns_held(frozen: Frozen, hold: Hold) -> tuple[Tensor, ...] | None:
    """The text's attention patterns (head, query, key) by layer where they are to stay; None where free."""
    if not hold.attention and hold.layers is None:
        return None
    if hold.is_direct(len(frozen.layers)):
        return ()  # the scaled ones are at hand
    return attention_patterns(frozen)


@torch.no_grad()
def attention_patterns(frozen: Frozen) -> tuple[Float[Tensor, "head query key"], ...]:
    """The text's attention by layer as it is, without the norms' scales; of a window, that within it."""
    if not frozen.before:
        ids = frozen.ids[None]
        out = frozen.subject.model(ids, use_cache=False, output_attentions=True, logits_to_keep=1)
        return tuple(pattern[0] for pattern in out.attentions)
    seen: list[Tensor] = []
    attention = frozen.subject.family.attention_out.rpartition(".")[0]

    def look(_module: nn.Module, _args: Any, out: Any) -> None:
        seen.append(out[1][0, :, :, -frozen.length :].clone())

    handles = [hook_after(part(block, attention), look) for block in frozen.subject.blocks]
    try:
        rerun(frozen, 1, Start(0, 0))
    finally:
        for handle in handles:
            handle.remove()
    return tuple(seen)


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
    return subject.read_logits(seen, tokens, softcap=hold.softcap)


def streams_held(
    frozen: Frozen, edit: Edit, patterns: tuple[Tensor, ...]
) -> list[Float[Tensor, "change pos d_model"]]:
    """What enters each block from the first touched on, and the final stream, with attention held."""
    start, batch = edit.start, len(edit.changes)
    if frozen.before:
        raise TextError("Attention can be held for a whole text only, not for the end of a long one.")
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
        streams.append(stream + attended + _written(edit, block, index, mid, out))
    return streams


def _written(edit: Edit, block: nn.Module, index: int, mid: Tensor, out: Tensor | None) -> Tensor:
    """What reaches the stream of what the MLP now gives, before or behind the norm that follows it."""
    post = edit.frozen.subject.family.post_mlp
    if out is None or post is None:
        return edit.write(index, mid, out)
    behind = part(block, post)
    written: Tensor = behind(edit.write(index, mid, out)) if edit.before_post_norm else behind(out)
    return written if edit.before_post_norm else edit.write(index, mid, written)


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
