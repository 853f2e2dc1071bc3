"""Small GGUF files as tests need them: whole, in part, or of a family that cannot be traced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH, HIDDEN = 32, 64
TOKENS = ["<unk>", "<s>", "</s>", *(chr(33 + i) for i in range(63)), '!"']


def tiny_tensors() -> dict[str, Any]:
    """Random weights of a llama of one layer."""
    shapes = {
        "token_embd": (len(TOKENS), WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        "blk.0.attn_q": (WIDTH, WIDTH),
        "blk.0.attn_k": (WIDTH // 2, WIDTH),
        "blk.0.attn_v": (WIDTH // 2, WIDTH),
        "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (HIDDEN, WIDTH),
        "blk.0.ffn_up": (HIDDEN, WIDTH),
        "blk.0.ffn_down": (WIDTH, HIDDEN),
    }
    numbers = np.random.default_rng(0)
    return {name: numbers.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def write_tiny_gguf(
    path: Path,
    tensors: dict[str, Any] | None = None,
    blocks: int = 1,
    family: str = "llama",
    more: Callable[[gguf.GGUFWriter], None] = lambda _writer: None,
) -> None:
    """Write a llama of one layer, with a byte-level tokenizer of 67 tokens; `blocks` is what it claims."""
    writer = gguf.GGUFWriter(path, family)
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    _write_tokens(writer)
    more(writer)
    for name, weight in (tiny_tensors() if tensors is None else tensors).items():
        writer.add_tensor(name if name.endswith(".bias") else f"{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def rope_factors(scaling: dict[str, Any], head: int) -> list[float]:
    """What llama.cpp's converter writes as rope_freqs.weight for a Llama 3.1."""
    base, factor = scaling["rope_theta"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    window, out = scaling["original_max_position_embeddings"], []
    for at in range(0, head, 2):
        wave = 2 * np.pi * base ** (at / head)
        if wave < window / high:
            out.append(1.0)
        elif wave > window / low:
            out.append(factor)
        else:
            smooth = (window / wave - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return out


def write_as_llama_cpp(path: Path, family: str, model: Any) -> None:
    """Write a Hugging Face model as llama.cpp's convert_hf_to_gguf does."""
    config, writer = model.config, gguf.GGUFWriter(path, family)
    _write_sizes(writer, family, config)
    _write_tokens(writer)
    architecture = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == family)
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": getattr(config, "num_key_value_heads", 0)}
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        out = weight.float().numpy()
        for projection, count in heads.items():
            if family == "llama" and projection in name:
                halves = out.reshape(count, 2, out.shape[0] // count // 2, *out.shape[1:])
                out = halves.swapaxes(1, 2).reshape(out.shape)
        if family.startswith("gemma") and name.endswith("norm.weight"):
            out = out + 1
        if family == "gpt2" and out.ndim == 2 and ".c_" in name:
            out = out.T.copy()
        writer.add_tensor(names.get_name(name, (".weight", ".bias")), out)
    scaling = getattr(config, "rope_parameters", None) or {}
    if scaling.get("rope_type") == "llama3":
        head = config.hidden_size // config.num_attention_heads
        writer.add_tensor("rope_freqs.weight", np.array(rope_factors(scaling, head), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_sizes(writer: gguf.GGUFWriter, family: str, config: Any) -> None:
    inner = getattr(config, "intermediate_size", None) or config.n_inner
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(config.num_attention_heads)
    writer.add_vocab_size(len(TOKENS))
    if family != "gpt2":
        writer.add_head_count_kv(config.num_key_value_heads)
        rope = config.rope_parameters
        writer.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    if hasattr(config, "rms_norm_eps"):
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    else:
        writer.add_layer_norm_eps(getattr(config, "norm_epsilon", None) or config.layer_norm_epsilon)
    if family == "llama":
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if family in ("qwen3", "gemma2", "gemma3"):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if family.startswith("gemma"):
        writer.add_sliding_window(config.sliding_window)
    if family == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if family == "gemma3":
        writer.add_float32(
            "gemma3.rope.freq_base_swa", config.rope_parameters["sliding_attention"]["rope_theta"]
        )


def _write_tokens(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(['! "'])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
