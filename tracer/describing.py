"""All features of a subject described from the evidence of a corpus, layer by layer, as plain arrays.

Puts together what other files know: where features fire, what they write, what tells their peaks. No words.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from tracer.directions import Lens, lens, neighbours, output_rows, written
from tracer.evidence import BINS, FIRING, LOWEST, Evidence, Firing
from tracer.findings import Findings, find, sample
from tracer.peaks import JUDGED, NEAREST, Floats, Ints, Part, Tokens, picked
from tracer.subject import Subject
from tracer.tokenclasses import token_classes
from tracer.windows import LENGTH

CONTEXTS = 4  # a feature: the two strongest, and from a third and two thirds down its peaks
BEFORE, AFTER = 11, 4  # tokens around the one a context is about
LENS = 12  # promoted and suppressed tokens kept
WORKERS = 2  # layers at once
HARD = JUDGED // NEAREST  # peaks of each neighbour

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's features (2n is n+, 2n + 1 is n-)."""

    layer: int
    findings: Findings
    peak: Floats  # mean of the four strongest activations
    density: Floats  # share of tokens at which it reaches a quarter of that
    histogram: NDArray[np.int32]  # feature BINS: tokens of a sample by half octaves of |activation|
    contexts: NDArray[np.int32]  # feature CONTEXTS BEFORE+1+AFTER; token ids, -1 beyond the window
    activations: Floats  # feature CONTEXTS
    sources: NDArray[np.int32]  # feature CONTEXTS, index into the corpus' sources
    up: NDArray[np.int32]  # feature LENS: token ids it promotes
    down: NDArray[np.int32]
    nearest: NDArray[np.int32]  # feature NEAREST: numbers of signed neurons over all layers
    cosine: Floats


@dataclass(frozen=True, slots=True)
class Described:
    """What all layers share."""

    classes: tuple[str, ...]
    types: NDArray[np.int32]
    tokens: int  # of the corpus that were run
    layers: Iterator[Layer]


def describe(
    subject: Subject, evidence: Evidence, progress: Progress = lambda _done, _note: None
) -> Described:
    """Describe every signed neuron, one layer at a time."""
    tokens = Tokens.of(evidence.windows, evidence.run)
    groups = token_classes(subject.token_texts(tokens.types.tolist()))
    progress(0.0, "reading promoted tokens off the weights")
    seen = lens(subject, LENS)
    layers = _layers(subject, evidence, tokens, list(groups.values()), seen, progress)
    return Described(tuple(groups), tokens.types, int((tokens.part >= 0).sum()), layers)


def _layers(
    subject: Subject,
    evidence: Evidence,
    tokens: Tokens,
    groups: list[NDArray[np.bool_]],
    seen: Lens,
    progress: Progress,
) -> Iterator[Layer]:
    peaks: dict[Part, list[Ints]] = {Part.CHOOSE: [], Part.SCORE: []}
    for index in range(evidence.layers):
        firing = evidence.firing(index)
        for part, rows in peaks.items():
            rows.append(picked(firing, tokens, part, HARD)[0])
        progress(0.3 * (index + 1) / evidence.layers, "sorting peaks")
    every = {part: np.concatenate(rows) for part, rows in peaks.items()}
    output = output_rows(subject, torch.from_numpy(tokens.types).long()).to(torch.bfloat16)

    def one(index: int) -> Layer:
        firing = evidence.firing(index)
        near, cosine = neighbours(subject, index, NEAREST)
        hard = {part: every[part][near].reshape(len(near), -1) for part in every}
        choose, score = (sample(firing, tokens, part, hard[part]) for part in (Part.CHOOSE, Part.SCORE))
        found = find(firing, tokens, groups, choose, score, _theme(subject, index, output))
        return _layer(index, evidence, tokens, firing, found, seen, (near, cosine))

    with ThreadPoolExecutor(WORKERS) as pool:  # numpy lets go of the interpreter while it sorts
        for layer in pool.map(one, range(evidence.layers)):
            yield layer
            progress(0.3 + 0.7 * (layer.layer + 1) / evidence.layers, f"layer {layer.layer}")


def _theme(
    subject: Subject, layer: int, rows: Float[Tensor, "type d_model"]
) -> Callable[[NDArray[np.int32], Ints], Floats]:
    """The lens' cosine of types with what features write; `rows` are the types' output rows."""
    own = written(subject, layer).repeat_interleave(2, 0)
    own[1::2] *= -1

    def score(types: NDArray[np.int32], features: Ints) -> Floats:
        out = np.empty(types.shape, np.float32)
        for start in range(0, len(types), 256):
            here = slice(start, start + 256)
            chosen = rows[torch.from_numpy(types[here]).long()].float()
            out[here] = torch.einsum("fjd,fd->fj", chosen, own[torch.from_numpy(features[here])]).numpy()
        return out

    return score


def _layer(
    index: int,
    evidence: Evidence,
    tokens: Tokens,
    firing: Firing,
    found: Findings,
    seen: Lens,
    near: tuple[NDArray[np.int32], Floats],
) -> Layer:
    features = len(firing.first) - 1
    peak, density = np.zeros(features, np.float32), np.zeros(features, np.float32)
    at, value = np.full((features, CONTEXTS), -1, np.int64), np.zeros((features, CONTEXTS), np.float32)
    for feature in range(features):
        token, own = firing.of(feature)
        if not len(own):
            continue
        peak[feature] = own[:4].mean()
        density[feature] = (own >= peak[feature] / 4).sum() / max(1, (tokens.part >= 0).sum())
        at[feature], value[feature] = _spread(token, own)
    contexts, sources = _contexts(at, evidence)
    up, down = seen.up[index].repeat(2, 0), seen.down[index].repeat(2, 0)
    flip = (np.arange(features) % 2 == 1)[:, None]
    return Layer(
        index,
        found,
        peak,
        _density(density, peak, evidence.histograms[index]),
        evidence.histograms[index],
        contexts,
        value,
        sources,
        np.where(flip, down, up),
        np.where(flip, up, down),
        *near,
    )


def _density(counted: Floats, peak: Floats, histogram: NDArray[np.int32]) -> Floats:
    """From the peaks where they reach down to a quarter of the largest, else from the histogram."""
    lowest = np.clip(np.floor((np.log2(np.maximum(peak, 1e-6) / 4) - LOWEST) * 2), 0, BINS - 1)
    beyond = histogram * (np.arange(BINS) >= lowest[:, None])
    whole = histogram[0::2].sum(1) + histogram[1::2].sum(1)
    sampled = beyond.sum(1) / np.maximum(1, whole.repeat(2))
    return np.where(counted < 0.8 * FIRING, counted, np.maximum(counted, sampled)).astype(np.float32)


def _spread(token: NDArray[np.int32], value: Floats) -> tuple[Ints, Floats]:
    """The strongest peak, the next one in another window, and those a third and two thirds down."""
    window = token // LENGTH
    second = next(
        (i for i in range(1, min(20, len(token))) if window[i] != window[0]), min(1, len(token) - 1)
    )
    ranks = np.array([0, second, len(token) // 3, 2 * len(token) // 3])
    return token[ranks].astype(np.int64), value[ranks]


def _contexts(at: Ints, evidence: Evidence) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    windows = evidence.windows
    offset = np.arange(-BEFORE, AFTER + 1)
    window, position = np.divmod(np.maximum(at, 0), LENGTH)
    there = position[..., None] + offset
    inside = (there >= 1) & (there < LENGTH) & (at >= 0)[..., None]
    ids = windows.ids[window[..., None], np.clip(there, 0, LENGTH - 1)]
    return np.where(inside, ids, -1).astype(np.int32), windows.source[window].astype(np.int32)
