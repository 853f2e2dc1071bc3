"""Where each model family keeps its parts: one row a family. Knows names and layouts, no mathematics."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from tracer.errors import UnsupportedFamily


@dataclass(frozen=True, slots=True)
class BlockWeights:
    """One block's weights in one layout, biases None where the family has none.

    `value` is (kv_head, d_head, d_model), `output` (head, d_model, d_head); `gate` and `up` are
    (neuron, d_model), `down` is (d_model, neuron); `gate` is None in a plain MLP.
    """

    value: Tensor
    output: Tensor
    value_bias: Tensor | None
    output_bias: Tensor | None
    gate: Tensor | None
    up: Tensor
    down: Tensor
    gate_bias: Tensor | None
    up_bias: Tensor | None
    down_bias: Tensor | None


@dataclass(frozen=True, slots=True)
class Family:
    """How one architecture is laid out; the names are attribute paths below the block or the model."""

    name: str
    model_types: tuple[str, ...]
    blocks: str
    final_norm: str
    pre_attention: str
    pre_mlp: str
    down: str
    mlp: str
    read: Callable[[nn.Module, "Shape"], BlockWeights]
    post_attention: str | None = None
    post_mlp: str | None = None
    unit_offset: bool = False  # gain is 1 + weight (Gemma)
    past: str = "past_key_values"  # what a block calls the cache of earlier positions
    gated: bool = True  # the MLP multiplies each neuron by a gate
    attention_out: str = "self_attn.o_proj"  # adds up what the heads bring
    parallel: bool = False  # the MLP reads the block's input, not the stream after attention


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes a block's weights are cut by."""

    heads: int
    kv_heads: int
    d_head: int
    d_model: int


def part(root: nn.Module, path: str) -> nn.Module:
    """The submodule at a dotted path."""
    return root.get_submodule(path)


def _weight(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def _bias(module: nn.Module) -> Tensor | None:
    bias = getattr(module, "bias", None)
    return bias.detach() if isinstance(bias, Tensor) else None


def _read_split(block: nn.Module, shape: Shape) -> BlockWeights:
    """Separate v, o, gate, up and down projections (Llama, Gemma, Qwen, Mistral)."""
    value, output = part(block, "self_attn.v_proj"), part(block, "self_attn.o_proj")
    gate, up, down = (part(block, f"mlp.{name}_proj") for name in ("gate", "up", "down"))
    value_bias = _bias(value)
    return BlockWeights(
        value=_weight(value).view(shape.kv_heads, shape.d_head, shape.d_model),
        output=_weight(output).view(shape.d_model, shape.heads, shape.d_head).permute(1, 0, 2),
        value_bias=None if value_bias is None else value_bias.view(shape.kv_heads, shape.d_head),
        output_bias=_bias(output),
        gate=_weight(gate),
        up=_weight(up),
        down=_weight(down),
        gate_bias=_bias(gate),
        up_bias=_bias(up),
        down_bias=_bias(down),
    )


def _read_starcoder2(block: nn.Module, shape: Shape) -> BlockWeights:
    """Separate v and o projections, a plain MLP (c_fc, c_proj)."""
    value, output = part(block, "self_attn.v_proj"), part(block, "self_attn.o_proj")
    up, down = part(block, "mlp.c_fc"), part(block, "mlp.c_proj")
    value_bias = _bias(value)
    return BlockWeights(
        value=_weight(value).view(shape.kv_heads, shape.d_head, shape.d_model),
        output=_weight(output).view(shape.d_model, shape.heads, shape.d_head).permute(1, 0, 2),
        value_bias=None if value_bias is None else value_bias.view(shape.kv_heads, shape.d_head),
        output_bias=_bias(output),
        gate=None,
        up=_weight(up),
        down=_weight(down),
        gate_bias=None,
        up_bias=_bias(up),
        down_bias=_bias(down),
    )


def _read_gpt2(block: nn.Module, shape: Shape) -> BlockWeights:
    """Conv1D weights are stored (in, out); q, k and v side by side."""
    fused, output = part(block, "attn.c_attn"), part(block, "attn.c_proj")
    up, down = part(block, "mlp.c_fc"), part(block, "mlp.c_proj")
    heads, d_head, d_model = shape.heads, shape.d_head, shape.d_model
    fused_bias = _bias(fused)
    assert fused_bias is not None
    return BlockWeights(
        value=_weight(fused)[:, 2 * d_model :].T.reshape(heads, d_head, d_model),
        output=_weight(output).T.reshape(d_model, heads, d_head).permute(1, 0, 2),
        value_bias=fused_bias[2 * d_model :].view(heads, d_head),
        output_bias=_bias(output),
        gate=None,
        up=_weight(up).T,
        down=_weight(down).T,
        gate_bias=None,
        up_bias=_bias(up),
        down_bias=_bias(down),
    )


def _read_neox(block: nn.Module, shape: Shape) -> BlockWeights:
    """One fused projection, (head, qkv, d_head) along its output."""
    fused, output = part(block, "attention.query_key_value"), part(block, "attention.dense")
    up, down = part(block, "mlp.dense_h_to_4h"), part(block, "mlp.dense_4h_to_h")
    heads, d_head, d_model = shape.heads, shape.d_head, shape.d_model
    fused_bias = _bias(fused)
    return BlockWeights(
        value=_weight(fused).view(heads, 3, d_head, d_model)[:, 2],
        output=_weight(output).view(d_model, heads, d_head).permute(1, 0, 2),
        value_bias=None if fused_bias is None else fused_bias.view(heads, 3, d_head)[:, 2],
        output_bias=_bias(output),
        gate=None,
        up=_weight(up),
        down=_weight(down),
        gate_bias=None,
        up_bias=_bias(up),
        down_bias=_bias(down),
    )


def _gemma(name: str, model_types: tuple[str, ...]) -> Family:
    return Family(
        name=name,
        model_types=model_types,
        blocks="model.layers",
        final_norm="model.norm",
        pre_attention="input_layernorm",
        post_attention="post_attention_layernorm",
        pre_mlp="pre_feedforward_layernorm",
        post_mlp="post_feedforward_layernorm",
        mlp="mlp",
        down="mlp.down_proj",
        read=_read_split,
        unit_offset=True,
    )


def _llama(name: str, model_types: tuple[str, ...]) -> Family:
    return Family(
        name=name,
        model_types=model_types,
        blocks="model.layers",
        final_norm="model.norm",
        pre_attention="input_layernorm",
        pre_mlp="post_attention_layernorm",
        mlp="mlp",
        down="mlp.down_proj",
        read=_read_split,
    )


FAMILIES = (
    _gemma("Gemma 3 (text)", ("gemma3_text",)),
    _gemma("Gemma 2", ("gemma2",)),
    replace(_llama("Gemma", ("gemma",)), unit_offset=True),
    _llama("Llama, SmolLM2", ("llama",)),
    _llama("Mistral", ("mistral",)),
    _llama("Qwen 2", ("qwen2",)),
    _llama("Qwen 3", ("qwen3",)),
    replace(_llama("Starcoder 2", ("starcoder2",)), down="mlp.c_proj", read=_read_starcoder2, gated=False),
    Family(
        name="GPT-2",
        model_types=("gpt2",),
        blocks="transformer.h",
        final_norm="transformer.ln_f",
        pre_attention="ln_1",
        pre_mlp="ln_2",
        mlp="mlp",
        down="mlp.c_proj",
        read=_read_gpt2,
        gated=False,
        attention_out="attn.c_proj",
    ),
    Family(
        name="GPT-NeoX, Pythia",
        model_types=("gpt_neox",),
        blocks="gpt_neox.layers",
        final_norm="gpt_neox.final_layer_norm",
        pre_attention="input_layernorm",
        pre_mlp="post_attention_layernorm",
        mlp="mlp",
        down="mlp.dense_4h_to_h",
        read=_read_neox,
        gated=False,
        past="layer_past",
        attention_out="attention.dense",
        parallel=True,
    ),
)


def family_of(model_type: str, note: str = "") -> Family:
    """The row of a Hugging Face `model_type`; raises UnsupportedFamily naming those there are, and a note."""
    for family in FAMILIES:
        if model_type in family.model_types:
            return family
    known = ", ".join(family.name for family in FAMILIES)
    raise UnsupportedFamily(
        f"The architecture {model_type!r} cannot be traced yet. Supported families: {known}. {note}".rstrip()
    )


def family_for(config: Any, note: str = "") -> Family:
    """The row for a model's own config: GPT-NeoX is wired in parallel or in sequence, as its config says."""
    family = family_of(str(config.model_type), note)
    return replace(family, parallel=bool(getattr(config, "use_parallel_residual", family.parallel)))
