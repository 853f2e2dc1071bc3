"""One forward pass kept still: attention patterns and norm scales frozen, so that what is left is linear.

Everything a target feels goes down the layers by three matrix products a layer, no autograd. Knows no graph.
Formulas: Ameisen et al. 2025, "Local replacement model"; RelP (arXiv 2508.21258) for the half rule.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from tracer.cancellation import pulse
from tracer.models import (
    Activation,
    BlockWeights,
    Model,
    activation_of,
    gain_of,
    hook_after,
    hook_before,
    part,
)

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
            at = pattern[kv_head].expand(target, -1, -1)
            if kv_heads > 1:  # all heads read `g` before any adds to it
                parts.append(torch.bmm(at, mixed.view(target, pos * own, d_head)))
            else:
                parts.append(torch.bmm(at, mixed.view(target, pos * own, d_head), out=moved))
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

    @property
    def length(self) -> int:
        """Number of positions."""
        return len(self.ids)


@contextmanager
def recorded_inputs(sites: dict[str, nn.Module]) -> Iterator[dict[str, BlockCall]]:
    """Collect how each named module is called during the block; leave no hook behind."""
    seen: dict[str, BlockCall] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, args, kwargs: seen.__setitem__(name, _by_name(module, args, kwargs))

    handles = [hook_before(site, keep(name), with_kwargs=True) for name, site in sites.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def recorded_outputs(subject: Model) -> Iterator[dict[str, Tensor]]:
    """Collect what the MLPs' linear maps give, so that it is not computed again; leave no hook behind.

    Not in float64: Hugging Face's norms, and so these outputs, are no more exact than float32.
    """
    given: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _args, out: given.update({name: out[0]})

    layers = enumerate(subject.folded if subject.unembedding.dtype != torch.float64 else ())
    sites = {f"{name} {index}": site for index, one in layers for name, site in one.mlp.items()}
    handles = [hook_after(site, keep(name)) for name, site in sites.items()]
    try:
        yield given
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def freeze(subject: Model, ids: Int[Tensor, " pos"]) -> Frozen:
    """Run the text once with eager attention and keep what is frozen."""
    family = subject.family
    sites: dict[str, nn.Module] = {"final": part(subject.model, family.final_norm)}
    names = ("pre_attention", "post_attention", "pre_mlp", "post_mlp")
    for index, block in enumerate(subject.blocks):
        sites[f"block {index}"] = block
        for name in names:
            path = getattr(family, name)
            if path is not None:
                sites[f"{name} {index}"] = part(block, path)
    with recorded_inputs(sites) as calls, recorded_outputs(subject) as given:
        out = subject.model(ids[None], use_cache=False, output_attentions=True, logits_to_keep=1)
    seen = {name: _first(call)[0] for name, call in calls.items()} | given
    layers = tuple(
        _freeze_layer(subject, index, out.attentions[index][0], seen) for index in range(subject.layers)
    )
    return Frozen(
        subject=subject,
        ids=ids,
        tokens=tuple(subject.token_texts(ids.tolist())),
        bos=subject.has_bos(ids),
        layers=layers,
        calls=tuple(calls[f"block {index}"] for index in range(subject.layers)),
        embedded=seen["block 0"],
        final_norm=_norm(subject, sites["final"], seen["final"]),
        final_stream=seen["final"],
        logits=out.logits[0, -1],
    )


def _by_name(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BlockCall:
    pulse()
    return {**dict(zip(_arguments(type(module).forward), args, strict=False)), **kwargs}


@cache
def _arguments(forward: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what a module is called with."""
    return tuple(inspect.signature(forward).parameters)[1:]


def _first(call: BlockCall) -> Tensor:
    """What a block or a norm was given: its first argument, whatever it calls it."""
    value = next((call[name] for name in ("hidden_states", "x", "input") if name in call), None)
    assert isinstance(value, Tensor)
    return value


def _norm(subject: Model, module: nn.Module, x: Float[Tensor, "pos d_model"]) -> Norm:
    gain = gain_of(module, subject.family)
    if isinstance(module, nn.LayerNorm):
        centred = x - x.mean(-1, keepdim=True)
        scale = (centred.pow(2).mean(-1) + module.eps).rsqrt()
        return Norm(gain, scale, module.bias.detach(), center=True)
    eps = float(getattr(module, "eps", 0.0) or getattr(module, "variance_epsilon", 0.0))
    return Norm(gain, (x.pow(2).mean(-1) + eps).rsqrt(), None, center=False)


def _freeze_layer(subject: Model, index: int, pattern: Tensor, seen: dict[str, Tensor]) -> Layer:
    pulse()
    family, block = subject.family, subject.blocks[index]
    norms = {
        name: _norm(subject, part(block, path), seen[f"{name} {index}"])
        for name in ("pre_attention", "post_attention", "pre_mlp", "post_mlp")
        if (path := getattr(family, name)) is not None
    }
    before, after = norms["pre_attention"], norms.get("post_attention")
    mlp_norm, post_mlp = norms["pre_mlp"], norms.get("post_mlp")
    folded = subject.folded[index]
    weights = folded.weights
    scaled = pattern * before.scale
    if after is not None:
        scaled = scaled * after.scale[:, None]
    post_gain = None if post_mlp is None else post_mlp.gain * post_mlp.scale[:, None]
    activation = activation_of(subject)
    gate, up, acts = _neurons(weights, activation, mlp_norm, index, seen)
    constant, written = weights.down_bias, seen.get(f"down {index}")
    if written is None or constant is not None:
        written = acts @ weights.down.T
    if post_gain is not None:
        written = written * post_gain
        constant = None if constant is None else constant * post_gain
    return Layer(
        weights=weights,
        activation=activation,
        pattern=scaled,
        read_value=folded.read_value,
        write_value=folded.write_value,
        attention_constant=_attention_constant(weights, before, after, pattern),
        mlp_norm=mlp_norm,
        mlp_stream=seen[f"pre_mlp {index}"],
        post_gain=post_gain,
        stream=seen[f"block {index}"],
        gate=gate,
        up=up,
        acts=acts,
        written=written,
        mlp_constant=None if constant is None else constant.expand_as(written),
        parallel=family.parallel,
    )


def _neurons(
    weights: BlockWeights, activation: Activation, norm: Norm, index: int, seen: dict[str, Tensor]
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Pre-activations (gate, up) and activations of every neuron at every position."""
    gate, up = seen.get(f"gate {index}"), seen.get(f"up {index}")
    if up is None or (gate is None and weights.gate is not None):
        read = norm.push(seen[f"pre_mlp {index}"])
        if norm.beta is not None:
            read = read + norm.beta
        up = F.linear(read, weights.up, weights.up_bias)
        gate = None if weights.gate is None else F.linear(read, weights.gate, weights.gate_bias)
    return gate, up, activation.value(up) if gate is None else activation.value(gate) * up


def _attention_constant(
    weights: BlockWeights, before: Norm, after: Norm | None, pattern: Tensor
) -> Float[Tensor, "pos d_model"] | None:
    """What attention adds to the stream with no source at all: its own biases and the norm's."""
    if before.beta is None and weights.value_bias is None and weights.output_bias is None:
        return None
    kv_heads, d_head, _ = weights.value.shape
    value = weights.value.new_zeros(kv_heads, d_head)
    if before.beta is not None:
        value = value + weights.value @ before.beta
    if weights.value_bias is not None:
        value = value + weights.value_bias
    value = value.repeat_interleave(weights.output.shape[0] // kv_heads, 0)
    out = pattern.sum(-1).T @ (weights.output @ value[:, :, None])[:, :, 0]  # in this order: far smaller
    if weights.output_bias is not None:
        out = out + weights.output_bias
    return out if after is None else out * after.gain * after.scale[:, None]
