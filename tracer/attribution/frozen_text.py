"""One text with its attention patterns and norm scales frozen: what is left is linear.

Everything a target feels goes down the layers by three matrix products a layer, no autograd. Knows no graph.
Formulas: Ameisen et al. 2025, "Local replacement model"; RelP (arXiv 2508.21258) for the half rule.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from tracer.models import Activation, BlockWeights, Model

KEYS_AT_ONCE = 64  # of a product that leaves out what no key is seen from
COMPILED_FOR = 64  # targets of a product in a coarser type


@dataclass(frozen=True, slots=True)
class Norm:
    """gain * (x - [mean]) * scale + beta with the scale of this text; gain already holds Gemma's 1 +."""

    gain: Float[Tensor, " d_model"]
    scale: Float[Tensor, " pos"]
    beta: Float[Tensor, " d_model"] | None
    center: bool

    def pull(self, g: Float[Tensor, "*batch d_model"], scale: Tensor) -> Float[Tensor, "*batch d_model"]:
        """A cotangent of the output as a cotangent of the input; `scale` is already picked by position."""
        g = g * self.gain * scale
        return g - g.mean(-1, keepdim=True) if self.center else g

    def push(self, x: Float[Tensor, "*batch pos d_model"]) -> Float[Tensor, "*batch pos d_model"]:
        """The linear part, forwards."""
        if self.center:
            x = x - x.mean(-1, keepdim=True)
        return x * self.gain * self.scale[:, None]


def _seen_later(
    pattern: Float[Tensor, "key query_head"],
    mixed: Float[Tensor, "target query_head d_head"],
    own: int,
    out: Float[Tensor, "target key d_head"],
) -> Float[Tensor, "target key d_head"]:
    """Move what queries feel to the keys they see. No key is seen from before it: those are left out."""
    target, keys = len(mixed), len(pattern)
    for first in range(0, keys, KEYS_AT_ONCE):
        some = slice(first, min(keys, first + KEYS_AT_ONCE))
        at = pattern[some, first * own :].expand(target, -1, -1)
        if keys <= KEYS_AT_ONCE:
            return torch.bmm(at, mixed, out=out)
        out[:, some] = torch.bmm(at, mixed[:, first * own :])
    return out


@dataclass(frozen=True, slots=True)
class Layer:
    """One block on this text."""

    weights: BlockWeights
    activation: Activation
    pattern: Float[Tensor, "head query key"]  # attention pattern times both norms' scales
    read_value: Float[Tensor, "kv_head d_head d_model"]  # gain and centring folded in
    write_value: Float[Tensor, "head d_model d_head"]  # gain of the post-norm folded in
    attention_constant: Float[Tensor, "pos d_model"] | None
    mlp_norm: Norm
    mlp_stream: Float[Tensor, "pos d_model"]  # what the MLP reads, before its norm
    post_gain: Float[Tensor, "pos d_model"] | None  # gain times scale after the MLP (Gemma)
    stream: Float[Tensor, "pos d_model"]  # what enters the block
    gate: Float[Tensor, "pos neuron"] | None
    up: Float[Tensor, "pos neuron"]
    acts: Float[Tensor, "pos neuron"]  # the input of the down projection
    written: Float[Tensor, "pos d_model"]  # what the neurons add to the stream, without the bias
    mlp_constant: Float[Tensor, "pos d_model"] | None
    parallel: bool

    def with_constant(self, written: Float[Tensor, "pos d_model"]) -> "Layer":
        """The layer whose attention also adds this, whatever the window holds."""
        own = self.attention_constant
        return replace(self, attention_constant=written if own is None else own + written)

    def half_rule(self) -> tuple[Float[Tensor, "pos neuron"] | None, Float[Tensor, "pos neuron"]]:
        """Coefficients (gate, up): gate*z_gate + up*z_up is the activation (identity rule if plain)."""
        if self.gate is None:
            return None, self.activation.ratio(self.up)
        return 0.5 * self.activation.ratio(self.gate) * self.up, 0.5 * self.activation.value(self.gate)

    def pull_attention(
        self, g: Float[Tensor, "target pos d_model"], scratch: Float[Tensor, " _"] | None = None
    ) -> None:
        """Add to `g`, in place, what reaches the block's input through attention (positions from 0).

        `scratch` is memory for `scratch_size(target, pos)` numbers, for callers that come often.
        """
        target, pos, d_model = g.shape
        heads, _, d_head = self.write_value.shape
        kv_heads = self.read_value.shape[0]
        flat, own = g.view(target * pos, d_model), heads // kv_heads
        if scratch is None:
            scratch = g.new_empty(self.scratch_size(target, pos))
        mixed = scratch[: flat.shape[0] * own * d_head].view(flat.shape[0], own * d_head)
        moved = scratch[mixed.numel() : mixed.numel() + flat.shape[0] * d_head].view(target, pos, d_head)
        write = self.write_value.permute(1, 0, 2).reshape(d_model, heads * d_head)  # a view
        pattern, parts = self._key_query(pos), []
        for kv_head in range(kv_heads):
            torch.mm(flat, write[:, kv_head * own * d_head : (kv_head + 1) * own * d_head], out=mixed)
            into = torch.empty_like(moved) if kv_heads > 1 else moved  # heads read `g` before any adds to it
            parts.append(_seen_later(pattern[kv_head], mixed.view(target, pos * own, d_head), own, into))
        for kv_head, part_moved in enumerate(parts):
            flat.addmm_(part_moved.view(target * pos, d_head), self.read_value[kv_head])

    def _key_query(self, pos: int) -> Float[Tensor, "kv_head key query_head"]:
        """Heads that share values are summed by the same product that moves queries to keys."""
        heads, kv_heads = self.write_value.shape[0], self.read_value.shape[0]
        pattern = self.pattern[:, :pos, :pos].view(kv_heads, heads // kv_heads, pos, pos)
        return pattern.permute(0, 3, 2, 1).reshape(kv_heads, pos, pos * heads // kv_heads)

    def pull_attention_in(self, dtype: torch.dtype, g: Float[Tensor, "target pos d_model"]) -> None:
        """`pull_attention` with products in a coarser type; `g` itself keeps its own.

        Always so many targets at a time, the last of them filled up: such products are compiled for a shape.
        """
        pos, d_model = g.shape[1:]
        write = self.write_value.permute(1, 0, 2).reshape(d_model, -1).to(dtype)
        pattern, kv_heads = self._key_query(pos).to(dtype), self.read_value.shape[0]
        reads, columns = self.read_value.to(dtype), write.chunk(kv_heads, 1)
        at = [one.expand(COMPILED_FOR, -1, -1) for one in pattern]
        rounded = g.new_zeros(COMPILED_FOR, pos, d_model, dtype=dtype)
        flat = rounded.view(-1, d_model)
        for some in g.split(COMPILED_FOR):
            rounded[: len(some)] = some
            for head in range(kv_heads):
                mixed = (flat @ columns[head]).view(COMPILED_FOR, pattern.shape[2], -1)
                moved = torch.bmm(at[head], mixed).view(COMPILED_FOR * pos, -1) @ reads[head]
                some += moved.view(rounded.shape)[: len(some)]

    def scratch_size(self, targets: int, positions: int) -> int:
        """How many numbers `pull_attention` holds beside what it is given."""
        heads, _, d_head = self.write_value.shape
        return targets * positions * d_head * (heads // self.read_value.shape[0] + 1)

    def pull_attention_at(
        self, g: Float[Tensor, "target pos d_model"], position: Int[Tensor, " target"]
    ) -> None:
        """The same for targets that so far feel one position only: no product over the others."""
        heads, d_model, d_head = self.write_value.shape
        kv_heads, every = self.read_value.shape[0], torch.arange(len(g), device=g.device)
        write = self.write_value.permute(1, 0, 2).reshape(d_model, heads * d_head)
        mixed = (g[every, position] @ write).view(len(g), kv_heads, -1, d_head)
        read = torch.einsum("tgje,ged->tgjd", mixed, self.read_value).reshape(len(g), heads, d_model)
        pattern = self.pattern[:, position, : g.shape[1]].permute(1, 2, 0)  # target key head
        g.baddbmm_(pattern, read)

    def push_attention(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """What the linear part of attention adds for a change `x` of the block's input."""
        heads, kv_heads = self.write_value.shape[0], self.read_value.shape[0]
        value = torch.einsum("bpd,ged->bgpe", x, self.read_value)
        value = value.repeat_interleave(heads // kv_heads, 1)
        mixed = torch.einsum("hqk,bhke->bhqe", self.pattern, value)
        return torch.einsum("bhqe,hde->bqd", mixed, self.write_value)

    def pull_mlp(self, g: Float[Tensor, "target pos d_model"]) -> tuple[Tensor, Tensor]:
        """Through linearised neurons: (cotangent of each neuron, cotangent of the MLP's input stream)."""
        pos = g.shape[1]
        back = g if self.post_gain is None else g * self.post_gain[:pos]
        felt = back @ self.weights.down  # target pos neuron
        gate, up = self.half_rule()
        read = (felt * up[:pos]) @ self.weights.up
        if gate is not None:
            assert self.weights.gate is not None
            read = read + (felt * gate[:pos]) @ self.weights.gate
        return felt, self.mlp_norm.pull(read, self.mlp_norm.scale[:pos, None])

    def push_neurons(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos neuron"]:
        """How the linearised neurons answer a change `x` of what the MLP reads."""
        seen = self.mlp_norm.push(x)
        gate, up = self.half_rule()
        change = (seen @ self.weights.up.T) * up
        if gate is not None:
            assert self.weights.gate is not None
            change = change + (seen @ self.weights.gate.T) * gate
        return change

    def live_neurons(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos neuron"]:
        """The neurons' true activations for an MLP input stream `x`, norm scale frozen."""
        seen = self.mlp_norm.push(x)
        if self.mlp_norm.beta is not None:
            seen = seen + self.mlp_norm.beta
        up = F.linear(seen, self.weights.up, self.weights.up_bias)
        if self.weights.gate is None:
            return self.activation.value(up)
        return self.activation.value(F.linear(seen, self.weights.gate, self.weights.gate_bias)) * up

    def push_write(self, acts: Float[Tensor, "batch pos neuron"]) -> Float[Tensor, "batch pos d_model"]:
        """What changes of activation add to the stream."""
        out = acts @ self.weights.down.T
        return out if self.post_gain is None else out * self.post_gain

    def writes(self, position: int, neurons: Int[Tensor, " source"]) -> Float[Tensor, "source d_model"]:
        """What each of these neurons adds to the stream at one position on this text."""
        out = self.weights.down.T[neurons] * self.acts[position, neurons, None]
        return out if self.post_gain is None else out * self.post_gain[position]


BlockCall = dict[str, Any]  # how Hugging Face called a block, every argument by its name


@dataclass(frozen=True, slots=True)
class Frozen:
    """The text's forward pass: what is frozen, and what a rerun from any layer needs."""

    subject: Model
    ids: Int[Tensor, " pos"]
    tokens: tuple[str, ...]
    bos: bool
    layers: tuple[Layer, ...]
    calls: tuple[BlockCall, ...]
    embedded: Float[Tensor, "pos d_model"]
    final_norm: Norm
    final_stream: Float[Tensor, "pos d_model"]
    logits: Float[Tensor, " vocab"]
    template: frozenset[int] = frozenset()  # positions of a chat template's tokens: no words of the text
    keys_values: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # filled by partial_forward
    found: dict[Any, Any] = field(default_factory=dict)  # kept with the text by those who looked for it
    earlier: Int[Tensor, " earlier"] | None = None  # what stands before a long text's window, held as it is

    @property
    def length(self) -> int:
        """Number of positions that are looked at."""
        return len(self.ids)

    @property
    def before(self) -> int:
        """Number of positions before them."""
        return 0 if self.earlier is None else len(self.earlier)

    @property
    def whole_ids(self) -> Int[Tensor, " all"]:
        """The whole text."""
        return self.ids if self.earlier is None else torch.cat([self.earlier, self.ids])
