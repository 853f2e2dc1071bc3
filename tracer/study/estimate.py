"""What a trace will need, told from a model's config and a transcoder set's headers: no weight is read.

Calibrated on the embedded model and SmolLM2 (tests/test_estimate.py). Knows no settings and no machine but
how fast it multiplies.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import try_to_load_from_cache

from tracer.attribution import CARRIED_BYTES, POOL
from tracer.errors import ModelError
from tracer.models import (
    EMBEDDED,
    EMBEDDED_NAME,
    PATTERNS,
    check_folder_is_model,
    check_header,
    config_of,
    family_of,
    packaged_gguf,
    refuse_quantised,
    tell_code,
)
from tracer.transcoders import FileTable, Transcoders, load_transcoders

NUMBER = 4  # bytes: weights are held in float32
LIBRARIES = 450_000_000  # python, torch, transformers
TOKEN = 1_000  # bytes a tokeniser takes for each token it knows
AGAIN, READOUTS = 300, 3_000  # times that tests run all layers and read all logits, in a whole answer
LONG, BEYOND = 80, 0.35  # tokens from which tests have fewer controls; what a further token counts then
LAYERS_A_SECOND = 40  # what a trace takes beside its products: moving things about
LONG_PASSES, BEHIND = 2, 1.5  # passes over a whole long text in an answer; what tests behind it take more
COPIED = 1 << 28  # numbers: keys and values of what stands before, copied for the rows of a batch
PACKAGED = {  # sizes of the models that come as packages, before they are unpacked
    EMBEDDED: {
        **{"model_type": "gemma3_text", "hidden_size": 640, "num_hidden_layers": 18, "head_dim": 256},
        **{"num_attention_heads": 4, "num_key_value_heads": 1, "intermediate_size": 2048},
        **{"vocab_size": 262_144, "tie_word_embeddings": True},
    },
    "smollm2": {
        **{"model_type": "llama", "hidden_size": 576, "num_hidden_layers": 30, "head_dim": 64},
        **{"num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536},
        **{"vocab_size": 49_152, "tie_word_embeddings": True},
    },
}


class Need(NamedTuple):
    """What tracing a text takes, at its worst moment."""

    tokens: int
    memory: int  # bytes, the model's weights included
    seconds: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """A model by its config alone."""

    name: str
    family: str
    layers: int
    d_model: int
    neurons: int
    heads: int
    kv_heads: int
    d_head: int
    vocab: int
    tied: bool
    gated: bool
    note: str = ""  # what whoever asks about it should be told

    @property
    def parameters(self) -> int:
        """How many numbers its weights are."""
        attention = 2 * self.d_model * self.d_head * (self.heads + self.kv_heads)
        mlp = (3 if self.gated else 2) * self.d_model * self.neurons
        return self.layers * (attention + mlp) + self.vocab * self.d_model * (1 if self.tied else 2)

    @property
    def held_by_weights(self) -> int:
        """Bytes that the weights of a loaded model take already."""
        return NUMBER * self.parameters

    def answer_seconds(self, tokens: int, nodes: int, rate: float, window: int | None = None) -> float:
        """What a whole answer takes once the model is loaded: the graph, and all tests with their controls.

        Right within a factor of about 2: what is tested depends on what is found. Of a text longer than
        `window` tokens its end is looked at.
        """
        if window is not None and tokens > window:
            again = self._pass(tokens) * LONG_PASSES / rate
            return again + BEHIND * self.answer_seconds(window, nodes, rate)
        read = self.vocab * self.d_model
        blocks = self.parameters - read * (1 if self.tied else 2)
        counted = min(tokens, LONG) + BEYOND * max(0, tokens - LONG)
        return self.need(tokens, nodes, rate).seconds + (AGAIN * counted * blocks + READOUTS * read) / rate

    def _pass(self, tokens: int) -> int:
        """Products of one pass over a text, attention computed in full."""
        mixed = self.heads * self.d_head
        return tokens * (self.parameters - self.vocab * self.d_model) + 2 * self.layers * tokens**2 * mixed

    def need(self, tokens: int, nodes: int, rate: float, window: int | None = None) -> Need:
        """The memory and time for a graph of so many neurons; `rate` is products a second.

        Of a text longer than `window` tokens its end is looked at; the rest is kept as keys and values.
        """
        if window is not None and tokens > window:
            end = self.need(window, nodes, rate)
            kept = 2 * self.layers * self.kv_heads * self.d_head * tokens
            passing = PATTERNS * self.heads * tokens**2 + 8 * tokens * self.neurons
            run = LIBRARIES + TOKEN * self.vocab + NUMBER * (self.parameters + passing)
            memory = max(run, end.memory + NUMBER * COPIED) + NUMBER * kept
            return Need(tokens, memory, end.seconds + self._pass(tokens) / rate)
        mixed = self.heads * self.d_head
        kept = self.layers * (4 * self.neurons + 8 * self.d_model + 2 * self.heads * tokens)
        carried = min(CARRIED_BYTES, 256 * tokens * (self.d_model + mixed) * NUMBER)
        columns = POOL * nodes + self.layers * tokens
        rows = nodes * (3 * columns + 6 * (nodes + self.layers * tokens))
        pool = POOL * nodes * self.d_model
        folded = self.layers * self.d_model * self.d_head * (self.heads + self.kv_heads)
        numbers = self.parameters + folded + tokens * kept + rows + pool
        memory = LIBRARIES + TOKEN * self.vocab + NUMBER * numbers + 2 * carried
        layer = self.d_model * self.d_head * (self.heads + self.kv_heads) + tokens * mixed
        products = nodes * self.layers / 2 * tokens * layer + nodes * columns * self.d_model
        products += 3 * tokens * self.parameters
        return Need(tokens, memory, self.layers / LAYERS_A_SECOND + products / rate)


def sizes_of(model: str) -> Sizes:
    """A model's sizes, from this machine alone.

    Raises ModelError when its config is not here, UnsupportedFamily when it cannot be traced.
    """
    config = _config(model)
    config = {**config, **(config.get("text_config") or {})} if "text_config" in config else config
    code = tell_code(model, str(Path(model).expanduser()))
    family = family_of(str(config.get("model_type")), code)
    refuse_quantised(model, config.get("quantization_config"))
    try:
        d_model = int(config.get("hidden_size") or config["n_embd"])
        heads = int(config.get("num_attention_heads") or config["n_head"])
        return Sizes(
            name=EMBEDDED_NAME if model == EMBEDDED else model,
            family=family.name,
            layers=int(config.get("num_hidden_layers") or config["n_layer"]),
            d_model=d_model,
            neurons=int(config.get("intermediate_size") or config.get("n_inner") or 4 * d_model),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            d_head=int(config.get("head_dim") or d_model // heads),
            vocab=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", "gpt_neox" not in family.model_types)),
            gated=family.gated,
            note=code,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as exc:
        raise ModelError(f"The config of {model!r} does not say how large the model is.") from exc


def _config(model: str) -> dict[str, Any]:
    if model.lower() in PACKAGED:
        if model.lower() != EMBEDDED:
            packaged_gguf(model)  # says so when it is not installed
        return PACKAGED[model.lower()]
    path = Path(model).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"There is no file {str(path)!r}.")
        return config_of(check_header(path))
    check_folder_is_model(model, path)
    found = path / "config.json" if path.is_dir() else None
    if found is None:
        try:
            cached = try_to_load_from_cache(model, "config.json")
        except ValueError:  # huggingface_hub's own error for what can be no id
            cached = None
        found = Path(cached) if isinstance(cached, str) else None
    if found is None:
        raise ModelError(
            f"The model {model!r} is not on this machine: it is neither 'embedded', nor 'smollm2', nor a "
            "folder here, nor in the Hugging Face cache."
        )
    try:
        config = json.loads(found.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelError(f"The config of {model!r} cannot be read.") from exc
    return config if isinstance(config, dict) else {}


def speed() -> float:
    """Products a second that this machine reaches now, measured in some hundredths of a second."""
    a, b = torch.ones(1024, 640), torch.ones(640, 1024)
    best = float("inf")
    for _ in range(4):
        started = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - started)
    return 1024 * 640 * 1024 / best


class SetSizes(NamedTuple):
    """A transcoder set by its settings and its files' headers."""

    kind: str  # in words
    files: int
    bytes: int
    features: int  # of the widest layer
    d_model: int
    layers: int  # up to the last that has a transcoder
    missing: tuple[int, ...]  # of these
    trained_on: str | None
    reads: str
    writes: str
    assumed: bool  # where it reads and writes is not said in its files


def set_sizes(where: str, hub_cache: Path | None = None) -> SetSizes:
    """A set's sizes, from a folder or the hub's cache on this machine; nothing is downloaded.

    Raises TranscodersError where there is none, where it is damaged or of a kind that cannot be traced.
    """
    found = load_transcoders(where, hub_cache=hub_cache, here_only=True)
    tables = [table for layer in found.layers for table in (layer.encoder, layer.decoder)]
    files = {table.path.resolve() for table in tables if isinstance(table, FileTable)}
    return SetSizes(
        kind_of(found),
        len(files),
        sum(path.stat().st_size for path in files),
        found.width,
        len(found.layers[0].decoder_bias),
        len(found.layers),
        found.missing,
        found.model,
        found.reads.value,
        "mlp.hook_out" if found.before_post_norm else "hook_mlp_out",
        found.assumed,
    )


def kind_of(transcoders: Transcoders) -> str:
    """What sort of set it is: cross-layer JumpReLU with an affine skip, for example."""
    kinds = [
        "cross-layer" if any(layer.decoder.whole().ndim == 3 for layer in transcoders.layers) else "per-layer"
    ]
    shapes = [layer.nonlinearity for layer in transcoders.layers if len(layer.encoder_bias)]
    if any(shape.k is not None for shape in shapes):
        kinds.append("TopK")
    else:
        kinds.append("JumpReLU" if any(shape.threshold is not None for shape in shapes) else "ReLU")
    if any(layer.skip is not None for layer in transcoders.layers):
        kinds.append("with an affine skip")
    return " ".join(kinds)
