"""Where every signed neuron fires on a corpus: one pass, bounded memory, resumable. Draws no conclusions.

First a sample of tokens gives each signed neuron the activation that only FIRING of all tokens exceed, and a
histogram. Then the whole corpus streams through; of each neuron only the tokens beyond that are kept, in
shards on disk that appear whole or not at all, so that a pass that was stopped goes on at its last shard.
Position 0 is left out: where a model has a begin-of-sequence token it is a sink of attention.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from tracer.errors import TextError
from tracer.families import part
from tracer.subject import Subject
from tracer.windows import LENGTH, Document, Windows, windows_of

FORMAT = 1
FIRING = 0.0025  # share of tokens on which a signed neuron is said to fire
BATCH = 32  # windows a forward pass
SHARD = 16  # batches a shard
SAMPLE = 64  # windows from which thresholds and histograms come
MOST = 0x7FFF  # the bits of a bfloat16 without its sign
BINS = 24  # of a histogram: half octaves of |activation|
LOWEST = -8  # the first bin ends at 2^(LOWEST + 1/2); it also holds everything smaller

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Firing:
    """Where the signed neurons of one layer fire, sorted by signed neuron; feature 2n is n+, 2n + 1 is n-."""

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

    def firing(self, layer: int) -> Firing:
        """All shards of one layer, put in order."""
        keys = []
        for shard in self.shards:
            name = self.folder / f"shard-{shard:04}.safetensors"
            found = _read(name, (f"flat {layer}", f"value {layer}"))
            token, neuron = np.divmod(found[f"flat {layer}"], np.uint32(self.neurons))
            token += np.uint32(shard * SHARD * BATCH * LENGTH)
            keys.append(_sortable(neuron, found[f"value {layer}"], token))
        key = np.concatenate(keys)
        key.sort()  # one sort of whole numbers is many times quicker than one by three columns
        feature, bits = key >> np.uint64(47), MOST - (key >> np.uint64(32)) % np.uint64(MOST + 1)
        first = np.searchsorted(feature, np.arange(2 * self.neurons + 1, dtype=np.uint64))
        value = (bits.astype(np.uint32) << 16).view(np.float32)
        return Firing(first, (key & np.uint64(0xFFFFFFFF)).astype(np.int32), value)


def _sortable(
    neuron: NDArray[np.uint32], bits: NDArray[np.uint16], token: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    """Feature, then |activation| downwards, then token, in the bits of one number."""
    feature = 2 * neuron.astype(np.uint64) + (bits >> 15)
    return (feature << np.uint64(47)) | ((MOST - (bits & MOST)).astype(np.uint64) << np.uint64(32)) | token


def _read(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in names}


def gather(
    subject: Subject,
    texts: Iterator[Document],
    folder: Path,
    tokens: int,
    progress: Progress = lambda _done, _note: None,
) -> Evidence:
    """Run the corpus through the subject, or what of it is not yet in `folder`.

    Raises TextError for a corpus that is too small and for a folder that holds another model's evidence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    windows = _windows(subject, texts, folder, tokens, progress)
    sites = [part(block, subject.family.down) for block in subject.blocks]
    limits = folder / "limits.safetensors"
    if not limits.exists():
        progress(0.0, "finding thresholds")
        _save(limits, _limits(subject, sites, windows))
    found = load_file(limits)
    thresholds = torch.from_numpy(found["thresholds"]).to(subject.unembedding.dtype)
    per_shard = SHARD * BATCH
    shards = -(-len(windows.ids) // per_shard)
    done = sum((folder / f"shard-{i:04}.safetensors").exists() for i in range(shards))
    began, before = time.monotonic(), done
    for shard in range(shards):
        path = folder / f"shard-{shard:04}.safetensors"
        if path.exists():
            continue
        chunk = windows.ids[shard * per_shard : (shard + 1) * per_shard]
        _save(path, _shard(subject, sites, chunk, thresholds))
        done += 1
        rate = (done - before) * per_shard * LENGTH / (time.monotonic() - began)
        left = (shards - done) * per_shard * LENGTH / rate
        progress(done / shards, f"{rate:,.0f} tokens a second, about {left / 60:.0f} minutes left")
    return Evidence.of(folder)


def _windows(
    subject: Subject, texts: Iterator[Document], folder: Path, tokens: int, progress: Progress
) -> Windows:
    about, path = folder / "about.json", folder / "windows.safetensors"
    if about.exists():
        known = json.loads(about.read_text(encoding="utf-8"))
        if known.get("format") != FORMAT or known.get("model") != subject.name:
            raise TextError(
                f"The folder {str(folder)!r} holds evidence on {known.get('model')} "
                f"(format {known.get('format')}), not on {subject.name}. Give another folder."
            )
        return Windows.load(path, known["sources"])
    progress(0.0, "tokenising the corpus")
    windows = windows_of(subject, texts, tokens)
    windows.save(path, {"model": subject.name})
    part_file = about.with_suffix(".part")
    known = {
        "format": FORMAT,
        "model": subject.name,
        "layers": subject.layers,
        "neurons": subject.neurons,
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


@contextmanager
def _seen(sites: list[nn.Module], each: Callable[[int, Tensor], None]) -> Iterator[None]:
    """Show `each` what goes into every down projection during the block; leave no hook behind."""

    def hook(layer: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _module, args: each(layer, args[0][:, 1:])

    handles = [site.register_forward_pre_hook(hook(layer)) for layer, site in enumerate(sites)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.inference_mode()
def _run(subject: Subject, ids: NDArray[np.int32]) -> None:
    # Without the output layer: in bfloat16 its product with a few rows took longer than all the blocks.
    subject.model.base_model(torch.from_numpy(ids).long().to(subject.unembedding.device), use_cache=False)


def _limits(subject: Subject, sites: list[nn.Module], windows: Windows) -> dict[str, NDArray[Any]]:
    """The thresholds (layer sign neuron) and histograms (layer feature bin) of a sample of windows."""
    sample = windows.ids[:SAMPLE]
    kept: list[list[Tensor]] = [[] for _ in sites]
    with _seen(sites, lambda layer, acts: kept[layer].append(acts.flatten(0, 1).clone())):
        for start in range(0, len(sample), BATCH):
            _run(subject, sample[start : start + BATCH])
    thresholds, histograms = [], []
    for layer in range(len(sites)):
        acts = torch.cat(kept[layer]).to(torch.bfloat16)  # token neuron
        kept[layer] = []
        own = acts.float().T.contiguous().cpu().numpy()  # neuron token
        rank = max(1, round(FIRING * own.shape[1]))
        edges = np.partition(own, (rank - 1, own.shape[1] - rank), axis=1)
        both = np.stack([edges[:, -rank], -edges[:, rank - 1]])
        thresholds.append(np.maximum(both, 1e-6))
        histograms.append(_histogram(acts))
    return {"thresholds": np.stack(thresholds), "histograms": np.stack(histograms)}


def _histogram(acts: Tensor) -> NDArray[np.int32]:
    """Counts of |activation| by half octaves, a row a signed neuron.

    In bfloat16 the exponent and the first bit of the mantissa tell the half octave (up to 2^1/2 against 1.5).
    """
    neurons = acts.shape[1]
    bits = acts.contiguous().view(torch.int16).to(torch.int32)
    bins = (((bits >> 6) & 0x1FF) - 2 * (127 + LOWEST)).clamp_(0, BINS - 1)
    feature = 2 * torch.arange(neurons, dtype=torch.int32) + (bits < 0)
    flat = torch.bincount((feature * BINS + bins).flatten(), minlength=2 * neurons * BINS)
    counts: NDArray[np.int32] = flat.view(2 * neurons, BINS).to(torch.int32).numpy()
    return counts


def _shard(
    subject: Subject, sites: list[nn.Module], ids: NDArray[np.int32], thresholds: Tensor
) -> dict[str, NDArray[Any]]:
    """A layer's flat indices (token within the shard * neurons + neuron) and bfloat16 bits."""
    flat: list[list[NDArray[np.uint32]]] = [[] for _ in sites]
    value: list[list[NDArray[np.uint16]]] = [[] for _ in sites]
    start = 0

    def keep(layer: int, acts: Tensor) -> None:
        high, low = thresholds[layer, 0], -thresholds[layer, 1]
        beyond = (acts > high) | (acts < low)
        at = np.flatnonzero(beyond.cpu().numpy())
        bits = acts.to(torch.bfloat16).contiguous().view(torch.int16).flatten()[torch.from_numpy(at)]
        neurons = acts.shape[2]
        window, inside = np.divmod(at, (LENGTH - 1) * neurons)
        token = (start + window) * LENGTH + 1 + inside // neurons
        flat[layer].append((token * neurons + inside % neurons).astype(np.uint32))
        value[layer].append(bits.cpu().numpy().view(np.uint16))

    with _seen(sites, keep):
        for start in range(0, len(ids), BATCH):
            _run(subject, ids[start : start + BATCH])
    out: dict[str, NDArray[Any]] = {}
    for layer in range(len(sites)):
        out[f"flat {layer}"] = np.concatenate(flat[layer])
        out[f"value {layer}"] = np.concatenate(value[layer])
    return out
