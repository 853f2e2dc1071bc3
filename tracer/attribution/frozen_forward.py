"""One forward pass kept still: attention patterns and norm scales are recorded, to be frozen."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from tracer.attribution.frozen_text import BlockCall, Frozen, Layer, Norm
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


@contextmanager
def recorded_inputs(sites: dict[str, nn.Module]) -> Iterator[dict[str, BlockCall]]:
    """Collect how each named module is called during the block; leave no hook behind."""
    seen: dict[str, BlockCall] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, args, kwargs: seen.__setitem__(name, call_by_name(module, args, kwargs))

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
    with recorded_inputs(list_sites(subject)) as calls, recorded_outputs(subject) as given:
        out = subject.model(ids[None], use_cache=False, output_attentions=True, logits_to_keep=1)
    seen = {name: given_to(call)[0] for name, call in calls.items()} | given
    blocks = tuple(calls[f"block {index}"] for index in range(subject.layers))
    return assemble(subject, ids, [one[0] for one in out.attentions], seen, blocks, out.logits[0, -1])


def list_sites(subject: Model) -> dict[str, nn.Module]:
    """The modules whose inputs are kept: blocks, and norms by their place."""
    family = subject.family
    sites: dict[str, nn.Module] = {"final": part(subject.model, family.final_norm)}
    names = ("pre_attention", "post_attention", "pre_mlp", "post_mlp")
    for index, block in enumerate(subject.blocks):
        sites[f"block {index}"] = block
        for name in names:
            path = getattr(family, name)
            if path is not None:
                sites[f"{name} {index}"] = part(block, path)
    return sites


def assemble(
    subject: Model,
    ids: Int[Tensor, " pos"],
    patterns: Sequence[Float[Tensor, "head query key"]],
    seen: dict[str, Tensor],
    calls: tuple[BlockCall, ...],
    logits: Float[Tensor, " vocab"],
) -> Frozen:
    """What a pass gave, as what is frozen."""
    final = part(subject.model, subject.family.final_norm)
    return Frozen(
        subject=subject,
        ids=ids,
        tokens=tuple(subject.token_texts(ids.tolist())),
        bos=subject.has_bos(ids),
        layers=tuple(_freeze_layer(subject, index, one, seen) for index, one in enumerate(patterns)),
        calls=calls,
        embedded=seen["block 0"],
        final_norm=norm_on(subject, final, seen["final"]),
        final_stream=seen["final"],
        logits=logits,
    )


def call_by_name(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BlockCall:
    """How a module is called, every argument by its name."""
    pulse()
    return {**dict(zip(_arguments(type(module).forward), args, strict=False)), **kwargs}


def call_from(call: BlockCall, first: int) -> dict[str, Any]:
    """The block's keyword arguments for the positions from `first` on."""
    kwargs = {name: value for name, value in call.items() if name != "hidden_states"}
    if not first:
        return kwargs
    for name, value in kwargs.items():
        match name:
            case "attention_mask" if value is not None:
                kwargs[name] = value[..., first:, :]
            case "position_ids":
                kwargs[name] = value[:, first:]
            case "position_embeddings":
                kwargs[name] = tuple(part[:, first:] for part in value)
            case "cache_position" if value is not None:
                kwargs[name] = value[first:]
    return kwargs


@cache
def _arguments(forward: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what a module is called with."""
    return tuple(inspect.signature(forward).parameters)[1:]


def given_to(call: BlockCall) -> Tensor:
    """What a block or a norm was given: its first argument, whatever it calls it."""
    value = next((call[name] for name in ("hidden_states", "x", "input") if name in call), None)
    assert isinstance(value, Tensor)
    return value


def norm_on(subject: Model, module: nn.Module, x: Float[Tensor, "pos d_model"]) -> Norm:
    """A norm with its scale on what it is given."""
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
        name: norm_on(subject, part(block, path), seen[f"{name} {index}"])
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
