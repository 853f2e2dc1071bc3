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
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_token_merges(['! "'])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    more(writer)
    for name, weight in (tiny_tensors() if tensors is None else tensors).items():
        writer.add_tensor(name if name.endswith(".bias") else f"{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
