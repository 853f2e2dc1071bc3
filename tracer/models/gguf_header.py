"""What a GGUF file says of itself before its weights: family, sizes, and whether every tensor is there.

Only the header is read, with struct; no tensor, no library. Format: ggml/docs/gguf.md, versions 2 and 3.
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tracer.errors import ModelError
from tracer.models.placeholders import check_downloaded

MAGIC, VERSIONS = b"GGUF", (2, 3)
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
LONGEST = 1 << 24  # bytes of one text in a header
MOST = 1 << 26  # entries of one array, or tensors
NAMED = 3
ALIGNMENT = 32  # bytes; tensors begin at a multiple of it, where a file does not name another

_SPLIT = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_up", "ffn_down")
_GATED = (*_SPLIT, "ffn_gate")
_QK_NORMS = ("attn_q_norm", "attn_k_norm")
_POST_NORMS = ("post_attention_norm", "post_ffw_norm")
_FUSED = ("attn_norm", "attn_qkv", "attn_output", "ffn_norm", "ffn_up", "ffn_down")


class Layout(NamedTuple):
    """The tensors of an architecture: in every block, and their biases; beside the blocks."""

    model_type: str
    block: tuple[str, ...]
    biases: tuple[str, ...] = ()
    beside: tuple[str, ...] = ("token_embd.weight", "output_norm.weight")
    maybe: tuple[str, ...] = ("output.weight",)


_WITH_BIAS = ("token_embd.weight", "output_norm.weight", "output_norm.bias")
LAYOUTS = {  # general.architecture -> what is there
    "llama": Layout("llama", _GATED, maybe=("output.weight", "rope_freqs.weight")),
    "mistral": Layout("mistral", _GATED),
    "qwen2": Layout("qwen2", _GATED, ("attn_q", "attn_k", "attn_v")),
    "qwen3": Layout("qwen3", (*_GATED, *_QK_NORMS)),
    "gemma2": Layout("gemma2", (*_GATED, *_POST_NORMS)),
    "gemma3": Layout("gemma3_text", (*_GATED, *_QK_NORMS, *_POST_NORMS)),
    "starcoder2": Layout("starcoder2", _SPLIT, _SPLIT, _WITH_BIAS),
    "gpt2": Layout("gpt2", _FUSED, _FUSED, (*_WITH_BIAS, "position_embd.weight")),
}


class Tensor(NamedTuple):
    """One tensor by its header: sizes from the fastest-running axis on."""

    sizes: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """Settings (of arrays only the length) and tensors by name."""

    settings: dict[str, Any]
    tensors: dict[str, Tensor]
    data: int = 0  # where in the file the tensors begin

    @property
    def architecture(self) -> str:
        """The family's name as llama.cpp has it."""
        return str(self.settings.get("general.architecture", ""))

    def setting(self, name: str) -> Any:
        """A setting of the architecture, None where there is none."""
        return self.settings.get(f"{self.architecture}.{name}")

    @property
    def numbers(self) -> int:
        """How many numbers its tensors hold."""
        return sum(prod(tensor.sizes) for tensor in self.tensors.values())


def read_header(path: Path) -> Header:
    """The header of a GGUF file.

    Raises ModelError where the file cannot be read, is none, or ends before its header does.
    """
    try:
        check_downloaded(path)
        with path.open("rb") as file:
            return _header(file, path)
    except OSError as exc:
        raise ModelError(f"The model file {path} cannot be read: {exc.strerror}.") from exc
    except (struct.error, UnicodeDecodeError, ValueError, OverflowError, MemoryError) as exc:
        raise ModelError(f"The header of {path.name} cannot be read; the file may be damaged.") from exc


def check_header(path: Path) -> Header:
    """The header of a file that holds a whole model of a family that can be traced.

    Raises UnsupportedFamily for another family, ModelError where a tensor is missing, or a tensor or setting
    has no place.
    """
    from tracer.models.families import family_of  # brings torch, which a search of features does without
    from tracer.models.gguf_settings import check_settings
    from tracer.models.gguf_shapes import check_length, check_shapes

    header = read_header(path)
    layout = LAYOUTS.get(header.architecture)
    if layout is None:
        family_of(header.architecture)  # says which there are
        raise ModelError(
            f"The model in {path.name} ({header.architecture}) cannot be read from a GGUF file; give its "
            "Hugging Face folder."
        )
    family_of(layout.model_type)
    if (parts := int(header.settings.get("split.count") or 1)) > 1:
        raise ModelError(
            f"The file {path.name} is one of {parts} parts of a model. Join them first "
            "(llama-gguf-split --merge) and give the whole file."
        )
    _check_tensors(path, header, layout)
    check_settings(path, header)
    check_shapes(path, header)
    check_length(path, header)
    return header


def config_of(header: Header) -> dict[str, Any]:
    """The sizes in the words of a Hugging Face config."""
    layout = LAYOUTS[header.architecture]
    width, heads = header.setting("embedding_length"), header.setting("attention.head_count")
    embedding = header.tensors.get("token_embd.weight")
    return {
        "model_type": layout.model_type,
        "hidden_size": width,
        "num_hidden_layers": header.setting("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": header.setting("attention.head_count_kv") or heads,
        "head_dim": header.setting("attention.key_length"),
        "intermediate_size": header.setting("feed_forward_length"),
        "vocab_size": embedding.sizes[-1] if embedding else header.setting("vocab_size"),
        "tie_word_embeddings": "output.weight" not in header.tensors,
    }


def _check_tensors(path: Path, header: Header, layout: Layout) -> None:
    try:
        blocks = int(header.setting("block_count"))
    except (TypeError, ValueError) as exc:
        raise ModelError(f"The header of {path.name} does not say how many layers there are.") from exc
    if not 0 < blocks < MOST:
        raise ModelError(f"The header of {path.name} says that there are {blocks} layers.")
    wanted = set(layout.beside)
    for block in range(min(blocks, 10_000)):
        wanted |= {f"blk.{block}.{name}.weight" for name in layout.block}
        wanted |= {f"blk.{block}.{name}.bias" for name in layout.biases}
    missing = sorted(wanted - header.tensors.keys(), key=_in_order)
    unexpected = sorted(header.tensors.keys() - wanted - set(layout.maybe), key=_in_order)
    if missing:
        more = f" It holds {_some(unexpected)}, which has no place." if unexpected else ""
        raise ModelError(
            f"The file {path.name} is not a whole model: it lacks {len(missing)} of {len(wanted)} tensors, "
            f"such as {_some(missing)}.{more} Nothing is explained of a model that is partly made up; get "
            "the whole file."
        )
    if unexpected:
        raise ModelError(
            f"The file {path.name} holds {len(unexpected)} tensors that have no place here, such as "
            f"{_some(unexpected)}: what is computed would not be that model. Give its Hugging Face folder."
        )


def _in_order(name: str) -> tuple[int, str]:
    number = name.split(".")[1] if name.startswith("blk.") else "-1"
    return (int(number) if number.lstrip("-").isdigit() else -1, name)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} …"


def _header(file: BinaryIO, path: Path) -> Header:
    if file.read(4) != MAGIC:
        raise ModelError(f"The file {path} is not a GGUF file; it may be damaged.")
    version, tensors, settings = (_number(file, kind) for kind in "IQQ")
    if version not in VERSIONS:
        raise ModelError(f"The file {path.name} is of GGUF version {version}; 2 and 3 can be read.")
    if max(tensors, settings) > MOST:
        raise ValueError("too many entries")
    known: dict[str, Any] = {}
    for _ in range(settings):
        name = _text(file)
        known[name] = _value(file, int(_number(file, "I")))
    found = {}
    for _ in range(tensors):
        name, axes = _text(file), int(_number(file, "I"))
        if axes > 8:
            raise ValueError("too many axes")
        sizes = tuple(int(_number(file, "Q")) for _ in range(axes))
        found[name] = Tensor(sizes, int(_number(file, "I")), int(_number(file, "Q")))
    step = known.get("general.alignment")
    step = step if isinstance(step, int) and step > 0 else ALIGNMENT
    return Header(known, found, -(-file.tell() // step) * step)


def _number(file: BinaryIO, kind: str) -> Any:
    size = struct.calcsize(f"<{kind}")
    return struct.unpack(f"<{kind}", file.read(size))[0]


def _text(file: BinaryIO) -> str:
    length = int(_number(file, "Q"))
    if length > LONGEST:
        raise ValueError("a text too long")
    content = file.read(length)
    if len(content) < length:
        raise ValueError("the file ends early")
    return content.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    """A setting; an array is told by its length."""
    if kind == STRING:
        return _text(file)
    if kind in SCALARS:
        return _number(file, SCALARS[kind])
    if kind != ARRAY:
        raise ValueError("a setting of an unknown kind")
    inner, length = int(_number(file, "I")), int(_number(file, "Q"))
    if length > MOST:
        raise ValueError("an array too long")
    if inner in SCALARS:
        file.seek(struct.calcsize(f"<{SCALARS[inner]}") * length, 1)
    elif inner == STRING:
        for _ in range(length):
            _skip_text(file)
    else:
        raise ValueError("an array of an unknown kind")
    return length


def _skip_text(file: BinaryIO) -> None:
    length = int(_number(file, "Q"))
    if length > LONGEST:
        raise ValueError("a text too long")
    file.seek(length, 1)
