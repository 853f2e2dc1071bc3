"""Settings of a GGUF file that transformers reads past: put into the config, or a reason to refuse the file.

Checked against models written as llama.cpp writes them: their logits come back (tests/test_gguf_families.py).
"""

from pathlib import Path
from typing import Any

from tracer.errors import ModelError
from tracer.models.gguf_header import Header

ROPE_FACTORS = "rope_freqs.weight"  # what each rotation is slowed by (Llama 3.1 on)
NAMED = 3
COMMON = {  # read by transformers, or no part of what is computed
    *("block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size"),
    *("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length"),
    *("attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "tensor_data_layout"),
    *("rope.freq_base", "rope.dimension_count", "expert_count", "expert_used_count"),
    *("rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length"),
    "rope.scaling.finetuned",
}
MORE = {
    "gemma2": {"attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"},
    "gemma3": {"attention.sliding_window", "rope.freq_base_swa"},
}
SCALED_BY_WIDTH = {("gemma2", 46), ("gemma3", 62)}  # the 27B ones, known by their layers in llama.cpp too


def check_settings(path: Path, header: Header) -> None:
    """Refuse a file that says something of the computation which would be lost.

    Raises ModelError, one sentence.
    """
    own = f"{header.architecture}."
    said = {name.removeprefix(own) for name in header.settings if name.startswith(own)}
    unknown = sorted(said - COMMON - MORE.get(header.architecture, set()))
    if unknown:
        shown = ", ".join(unknown[:NAMED])
        raise ModelError(
            f"The file {path.name} has settings that are not known here, such as {shown}: what is computed "
            "might not be that model. Give its Hugging Face folder."
        )
    if header.setting("expert_count"):
        raise ModelError(f"The model in {path.name} is a mixture of experts, which cannot be traced yet.")
    kind, factor = header.setting("rope.scaling.type"), header.setting("rope.scaling.factor")
    if factor not in (None, 0, 1) and kind != "none":
        raise ModelError(
            f"The model in {path.name} stretches its positions (rope scaling {kind or ''} {factor:g}), which "
            "is lost when it is read from a GGUF file. Give its Hugging Face folder."
        )
    rotated, head = header.setting("rope.dimension_count"), head_size(header)
    if rotated not in (None, head):
        raise ModelError(
            f"The model in {path.name} turns {rotated} of the {head} numbers of a head by their position, "
            "and such models cannot be read from a GGUF file. Give its Hugging Face folder."
        )
    factors = header.tensors.get(ROPE_FACTORS)
    if factors is not None and factors.sizes != (head // 2,):
        raise ModelError(
            f"The file {path.name} has {ROPE_FACTORS} of the sizes {list(factors.sizes)}, but a head turns "
            f"{head // 2} pairs; it may be damaged."
        )


def head_size(header: Header) -> int:
    """How many numbers one attention head has; 0 where the header does not say."""
    width, heads = header.setting("embedding_length"), header.setting("attention.head_count")
    told = header.setting("attention.key_length")
    if isinstance(told, int):
        return told
    return width // heads if isinstance(width, int) and isinstance(heads, int) and heads else 0


def complete_config(config: Any, header: Header, rope_factors: list[float] | None = None) -> None:
    """Put into transformers' config what it did not read from the file."""
    kind, head, base = header.architecture, head_size(header), header.setting("rope.freq_base")
    if kind == "gpt2":
        config.n_positions = header.setting("context_length")
        config.n_inner = header.setting("feed_forward_length")
    if kind == "qwen3":
        config.head_dim = head
    if kind == "starcoder2" and base:
        config.rope_parameters = {**config.rope_parameters, "rope_theta": float(base)}
    if kind in ("gemma2", "gemma3"):
        wide = (kind, header.setting("block_count")) in SCALED_BY_WIDTH
        heads = header.setting("attention.head_count")
        config.query_pre_attn_scalar = header.setting("embedding_length") // heads if wide else head
    for name in ("attn_logit_softcapping", "final_logit_softcapping"):
        if cap := header.setting(name):
            setattr(config, name, float(cap))
    if nearby := header.setting("rope.freq_base_swa"):
        config.rope_parameters["sliding_attention"]["rope_theta"] = float(nearby)
    if rope_factors is not None:
        config.rope_parameters = {
            "rope_type": "longrope",  # the kind that takes any factors, the same for every length
            "rope_theta": config.rope_parameters["rope_theta"],
            "short_factor": rope_factors,
            "long_factor": rope_factors,
            "factor": 1.0,
            "attention_factor": 1.0,
            "original_max_position_embeddings": config.max_position_embeddings,
        }
