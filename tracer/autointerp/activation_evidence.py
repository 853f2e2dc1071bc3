"""Where every feature fires on a corpus: one pass, bounded memory, resumable. Draws no conclusions.

First a sample of tokens gives each feature the activation that only FIRING of all tokens exceed (fewer
where a layer has more than FEATURES), and a histogram. Then the whole corpus streams through; of each
feature only the tokens beyond that are kept, in shards on disk that appear whole or not at all, so that a
pass that was stopped goes on at its last shard. Features are those of a `FeatureSet`: 2n is the positive
side of index n, 2n + 1 the negative one.

Position 0 is left out: where a model has a begin-of-sequence token it is a sink of attention.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor

from tracer.autointerp.feature_sets import FeatureSet
from tracer.autointerp.windows import LENGTH, Document, Windows, windows_of
from tracer.errors import TextError
from tracer.models import Model

FORMAT = 2
FIRING = 0.0025  # share of tokens on which a feature is said to fire
LEAST = 0.0006  # the same where there are very many features
FEATURES = 4096  # a layer: with more, the share of tokens falls, so that as much is kept
SAMPLED = 1 << 29  # activations of the sample that are in memory at once
ENCODED = 1 << 26  # activations of a layer that are in memory at once
BATCH = 32  # windows a forward pass, at most
SHARD = 16  # batches a shard
SAMPLE = 64  # windows from which thresholds and histograms come
MOST = 0x7FFF  # the bits of a bfloat16 without its sign
TOKEN_BITS = 30  # of a token's number where peaks are sorted
BINS = 24  # of a histogram: half octaves of |activation|
LOWEST = -8  # the first bin ends at 2^(LOWEST + 1/2); it also holds everything smaller

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Firing:
    """Where some features of one layer fire, sorted by feature; 2n is n+, 2n + 1 is n-."""

    first: NDArray[np.int64]  # where each feature's run begins; one more at the end
    token: NDArray[np.int32]  # window * LENGTH + position
    value: NDArray[np.float32]  # |activation|

    def of(self, feature: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Tokens and activations of one feature, strongest first."""
        run = slice(int(self.first[feature]), int(self.first[feature + 1]))
        return self.token[run], self.value[run]

    def strongest(self, count: int) -> "Firing":
        """The same with no more than `count` tokens a feature."""
        have = np.minimum(np.diff(self.first), count)
        first = np.concatenate([[0], np.cumsum(have)])
        at = np.arange(first[-1]) - np.repeat(first[:-1] - self.first[:-1], have)
        return Firing(first, self.token[at], self.value[at])


@dataclass(frozen=True, slots=True)
class Evidence:
    """A folder with what a corpus showed of a subject's neurons."""

    folder: Path
    model: str
    layers: int
    neurons: int
    windows: Windows
    thresholds: NDArray[np.float32]  # layer feature
    histograms: NDArray[np.int32]  # layer feature bin
    shards: tuple[int, ...]  # those that are done

    @property
    def run(self) -> NDArray[np.bool_]:
        """Which windows have been run."""
        out = np.zeros(len(self.windows.ids), bool)
        for shard in self.shards:
            out[shard * SHARD * BATCH : (shard + 1) * SHARD * BATCH] = True
        return out

    @classmethod
    def of(cls, folder: Path) -> "Evidence":
        """What a folder holds so far; raises TextError where that is nothing."""
        try:
            known = json.loads((folder / "about.json").read_text(encoding="utf-8"))
            found = load_file(folder / "limits.safetensors")
        except OSError as exc:
            raise TextError(f"The folder {str(folder)!r} holds no evidence yet.") from exc
        if known.get("format") != FORMAT:
            raise TextError(
                f"The evidence in {str(folder)!r} has format {known.get('format')}; this version reads "
                f"{FORMAT}. Run `askcircuit features describe` with another --work."
            )
        return cls(
            folder,
            known["model"],
            known["layers"],
            known["neurons"],
            Windows.load(folder / "windows.safetensors", known["sources"]),
            found["thresholds"].transpose(0, 2, 1).reshape(known["layers"], -1),
            found["histograms"],
            tuple(sorted(int(path.stem[6:]) for path in folder.glob("shard-*.safetensors"))),
        )

    def firing(self, layer: int, indices: range | None = None) -> Firing:
        """All shards of one layer, put in order; only these indices (both their features) if given."""
        keys = []
        indices = range(self.neurons) if indices is None else indices
        for shard in self.shards:
            name = self.folder / f"shard-{shard:04}.safetensors"
            found = _read(name, (f"flat {layer}", f"value {layer}"))
            flat, bits = found[f"flat {layer}"], found[f"value {layer}"]
            token, index = np.divmod(flat, flat.dtype.type(self.neurons))
            if len(indices) < self.neurons:
                own = np.flatnonzero((index >= indices.start) & (index < indices.stop))
                token, index, bits = token[own], index[own] - flat.dtype.type(indices.start), bits[own]
            token += flat.dtype.type(shard * SHARD * BATCH * LENGTH)
            keys.append(_sortable(index, bits, token))
        key = np.concatenate(keys)
        key.sort()  # one sort of whole numbers is many times quicker than one by three columns
        feature = key >> np.uint64(TOKEN_BITS + 15)
        bits = MOST - (key >> np.uint64(TOKEN_BITS)) % np.uint64(MOST + 1)
        first = np.searchsorted(feature, np.arange(2 * len(indices) + 1, dtype=np.uint64))
        value = (bits.astype(np.uint32) << 16).view(np.float32)
        return Firing(first, (key & np.uint64((1 << TOKEN_BITS) - 1)).astype(np.int32), value)


def _sortable(
    index: NDArray[np.unsignedinteger[Any]],
    bits: NDArray[np.uint16],
    token: NDArray[np.unsignedinteger[Any]],
) -> NDArray[np.uint64]:
    """Feature, then |activation| downwards, then token, in the bits of one number."""
    feature = 2 * index.astype(np.uint64) + (bits >> 15)
    size = (MOST - (bits & MOST)).astype(np.uint64)
    key: NDArray[np.uint64] = (
        (feature << np.uint64(TOKEN_BITS + 15)) | (size << np.uint64(TOKEN_BITS)) | token
    )
    return key


def _read(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in names}


def gather_evidence(
    features: FeatureSet,
    texts: Iterator[Document],
    folder: Path,
    tokens: int,
    progress: Progress = lambda _done, _note: None,
) -> Evidence:
    """Run the corpus through the subject, or what of it is not yet in `folder`.

    Raises TextError for a corpus that is too small and for a folder that holds evidence on other features.
    """
    folder.mkdir(parents=True, exist_ok=True)
    windows = _windows(features, texts, folder, tokens, progress)
    limits = folder / "limits.safetensors"
    if not limits.exists():
        progress(0.0, "finding thresholds")
        _save(limits, _limits(features, windows))
    found = load_file(limits)
    thresholds = torch.from_numpy(found["thresholds"]).to(features.subject.unembedding.dtype)
    per_shard = SHARD * BATCH
    shards = -(-len(windows.ids) // per_shard)
    done = sum((folder / f"shard-{i:04}.safetensors").exists() for i in range(shards))
    began, before = time.monotonic(), done
    for shard in range(shards):
        path = folder / f"shard-{shard:04}.safetensors"
        if path.exists():
            continue
        chunk = windows.ids[shard * per_shard : (shard + 1) * per_shard]
        _save(path, _shard(features, chunk, thresholds))
        done += 1
        rate = (done - before) * per_shard * LENGTH / (time.monotonic() - began)
        left = (shards - done) * per_shard * LENGTH / rate
        progress(done / shards, f"{rate:,.0f} tokens a second, about {left / 60:.0f} minutes left")
    return Evidence.of(folder)


def _windows(
    features: FeatureSet, texts: Iterator[Document], folder: Path, tokens: int, progress: Progress
) -> Windows:
    about, path = folder / "about.json", folder / "windows.safetensors"
    if about.exists():
        known = json.loads(about.read_text(encoding="utf-8"))
        if known.get("format") != FORMAT or known.get("model") != features.name:
            raise TextError(
                f"The folder {str(folder)!r} holds evidence on {known.get('model')} "
                f"(format {known.get('format')}), not on {features.name}. Give another folder."
            )
        return Windows.load(path, known["sources"])
    progress(0.0, "tokenising the corpus")
    windows = windows_of(features.subject, texts, tokens)
    windows.save(path, {"model": features.name})
    part_file = about.with_suffix(".part")
    known = {
        "format": FORMAT,
        "model": features.name,
        "layers": features.subject.layers,
        "neurons": features.width,
        "tokens": windows.tokens,
        "corpus": windows.fingerprint,
        "sources": windows.sources,
    }
    part_file.write_text(json.dumps(known), encoding="utf-8")
    part_file.replace(about)
    return windows


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    part_file = path.with_suffix(".part")
    save_file(arrays, part_file)
    part_file.replace(path)


@torch.inference_mode()
def _run(subject: Model, ids: NDArray[np.int32]) -> None:
    # Without the output layer: in bfloat16 its product with a few rows took longer than all the blocks.
    subject.model.base_model(torch.from_numpy(ids).long().to(subject.unembedding.device), use_cache=False)


def _batch(features: FeatureSet) -> int:
    """Windows a forward pass, fewer where a layer has many features."""
    return max(1, min(BATCH, ENCODED // (LENGTH * features.width)))


def _limits(features: FeatureSet, windows: Windows) -> dict[str, NDArray[Any]]:
    """The thresholds (layer sign index) and histograms (layer feature bin) of a sample of windows."""
    sample, width, layers = windows.ids[:SAMPLE], features.width, features.subject.layers
    thresholds = np.full((layers, 2, width), np.inf, np.float32)
    histograms = np.zeros((layers, 2 * width, BINS), np.int32)
    share = max(LEAST, FIRING * min(1, FEATURES / (2 * width)))
    together = max(1, SAMPLED // (sample.size * width))  # layers; a wide set's would not fit all at once
    for first in range(0, layers, together):
        seen = _sampled(features, sample, range(first, min(first + together, layers)))
        for layer, acts in seen.items():
            for start in range(0, width, FEATURES // 2):
                own = acts[:, start : start + FEATURES // 2]
                thresholds[layer, :, start : start + own.shape[1]] = _exceeded(own, share)
                histograms[layer, 2 * start : 2 * (start + own.shape[1])] = _histogram(own)
    return {"thresholds": thresholds, "histograms": histograms}


def _sampled(features: FeatureSet, ids: NDArray[np.int32], layers: range) -> dict[int, Tensor]:
    """Activations in bfloat16 (token index) of these layers, of those that have features."""
    kept: dict[int, list[Tensor]] = {layer: [] for layer in layers}

    def keep(layer: int, acts: Tensor) -> None:
        kept[layer].append(acts.flatten(0, 1).to(torch.bfloat16, copy=True))

    with features.watched(keep, layers):
        for start in range(0, len(ids), _batch(features)):
            _run(features.subject, ids[start : start + _batch(features)])
    return {layer: torch.cat(acts) for layer, acts in kept.items() if acts}


def _exceeded(acts: Float[Tensor, "token index"], share: float) -> NDArray[np.float32]:
    """What only this share of tokens exceed, upwards and downwards (sign index)."""
    own = acts.float().T.contiguous().cpu().numpy()
    rank = max(1, round(share * own.shape[1]))
    edges = np.partition(own, (rank - 1, own.shape[1] - rank), axis=1)
    both: NDArray[np.float32] = np.stack([edges[:, -rank], -edges[:, rank - 1]])
    return np.maximum(both, 1e-6)


def _histogram(acts: Tensor) -> NDArray[np.int32]:
    """Counts of |activation| by half octaves, a row a feature.

    In bfloat16 the exponent and the first bit of the mantissa tell the half octave (up to 2^1/2 against 1.5).
    """
    neurons = acts.shape[1]
    bits = acts.contiguous().view(torch.int16).to(torch.int32)
    bins = (((bits >> 6) & 0x1FF) - 2 * (127 + LOWEST)).clamp_(0, BINS - 1)
    feature = 2 * torch.arange(neurons, dtype=torch.int32) + (bits < 0)
    flat = torch.bincount((feature * BINS + bins).flatten(), minlength=2 * neurons * BINS)
    counts: NDArray[np.int32] = flat.view(2 * neurons, BINS).to(torch.int32).numpy()
    return counts


def _shard(features: FeatureSet, ids: NDArray[np.int32], thresholds: Tensor) -> dict[str, NDArray[Any]]:
    """A layer's flat indices (token within the shard * width + index) and bfloat16 bits."""
    layers, width = features.subject.layers, features.width
    kind = np.uint32 if ids.size * width < 1 << 32 else np.uint64
    flat: list[list[NDArray[Any]]] = [[np.empty(0, kind)] for _ in range(layers)]
    value: list[list[NDArray[np.uint16]]] = [[np.empty(0, np.uint16)] for _ in range(layers)]
    start, step = 0, _batch(features)

    def keep(layer: int, acts: Tensor) -> None:
        high, low = thresholds[layer, 0], -thresholds[layer, 1]
        beyond = (acts > high) | (acts < low)
        at = np.flatnonzero(beyond.cpu().numpy())
        bits = acts.to(torch.bfloat16).contiguous().view(torch.int16).flatten()[torch.from_numpy(at)]
        window, inside = np.divmod(at, (LENGTH - 1) * width)
        token = (start + window) * LENGTH + 1 + inside // width
        flat[layer].append((token * width + inside % width).astype(kind))
        value[layer].append(bits.cpu().numpy().view(np.uint16))

    with features.watched(keep, range(layers)):
        for start in range(0, len(ids), step):
            _run(features.subject, ids[start : start + step])
    out: dict[str, NDArray[Any]] = {}
    for layer in range(layers):
        out[f"flat {layer}"] = np.concatenate(flat[layer])
        out[f"value {layer}"] = np.concatenate(value[layer])
    return out
