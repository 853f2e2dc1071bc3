"""Whether a GGUF file is as long as its tensors need, and these as large as its settings say."""

from math import prod
from pathlib import Path
from typing import NoReturn

from tracer.errors import ModelError
from tracer.models.gguf_header import Header, Tensor

BLOCKS = {  # kind of a tensor -> how many numbers share a block, and its bytes (ggml.h)
    **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 30: (1, 2)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
}


def check_length(path: Path, header: Header) -> None:
    """Refuse a file that ends before its last tensor does, as downloads do that broke off."""
    there = path.stat().st_size
    needed = max((header.data + each.offset + _bytes(each) for each in header.tensors.values()), default=0)
    if there < needed:
        raise ModelError(
            f"The file {path.name} ends early: it has {there:,} bytes, and its tensors need {needed:,}. It "
            "was not downloaded whole, or is damaged; get it again."
        )


def _bytes(tensor: Tensor) -> int:
    numbers, size = BLOCKS.get(tensor.kind, (1, 0))  # of other kinds only where they begin is known
    return prod(tensor.sizes) // numbers * size


def check_shapes(path: Path, header: Header) -> None:
    """Refuse a tensor of another shape than the settings of the file say."""
    settings = ("embedding_length", "feed_forward_length", "attention.head_count")
    width, inner, heads = (header.setting(name) for name in settings)
    if not all(isinstance(size, int) and size > 0 for size in (width, inner, heads)):
        raise ModelError(f"The header of {path.name} does not say how large the model is.")
    keys = header.setting("attention.key_length") or width // heads
    values = header.setting("attention.value_length") or keys
    shared = header.setting("attention.head_count_kv") or heads
    if not all(isinstance(size, int) for size in (keys, values, shared)):
        return  # a number for each layer: the weights are looked at when they are read
    wanted = {
        "attn_q": (width, heads * keys),
        "attn_k": (width, shared * keys),
        "attn_v": (width, shared * values),
        "attn_qkv": (width, heads * keys + shared * (keys + values)),
        "attn_output": (heads * values, width),
        "ffn_gate": (width, inner),
        "ffn_up": (width, inner),
        "ffn_down": (inner, width),
    }
    for name, tensor in header.tensors.items():
        part, _, kind = name.rpartition(".")
        sizes = wanted.get(part.rpartition(".")[2])
        if kind == "weight" and sizes is not None and tensor.sizes != sizes:
            _refuse(path, name, tensor.sizes, sizes)
        if kind == "bias" and sizes is not None and tensor.sizes != sizes[1:]:
            _refuse(path, name, tensor.sizes, sizes[1:])
        if (
            sizes is None
            and part in ("token_embd", "output", "position_embd")
            and tensor.sizes[:1] != (width,)
        ):
            _refuse(path, name, tensor.sizes[:1], (width,))


def _refuse(path: Path, name: str, sizes: tuple[int, ...], wanted: tuple[int, ...]) -> NoReturn:
    raise ModelError(
        f"The tensor {name} of {path.name} is {_by(sizes)} large, and the file's own settings ask for "
        f"{_by(wanted)}: they do not belong together. Get the file again."
    )


def _by(sizes: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in sizes)
