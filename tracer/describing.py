"""All features of a subject described from the evidence of a corpus, layer by layer, as plain arrays.

Puts together what other files know: where features fire, what they write, what tells their peaks. No words.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.amplify import Amplifier
from tracer.directions import Lens, lens, neighbours
from tracer.evidence import BINS, LOWEST, Evidence, Firing
from tracer.findings import Classes, Findings, Output, find, sample
from tracer.peaks import JUDGED, NEAREST, VIEWS, Floats, Ints, Part, Tokens, picked
from tracer.reader import Reader
from tracer.subject import Subject
from tracer.tokenclasses import text_classes, token_classes
from tracer.windows import LENGTH

CONTEXTS = 4  # a feature: the two strongest, and from a third and two thirds down its peaks
BEFORE, AFTER = 11, 4  # tokens around the one a context is about
LENS = 12  # promoted and suppressed tokens kept
WORKERS = 2  # layers at once
READER = "reader.safetensors"  # kept beside the evidence, for labels that are judged later
STRONG = 0.0005  # share of tokens: a feature's peaks, which labels are made from and judged by
LEARNT = 100  # peaks a feature from which it is learnt which tokens are alike
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

    classes: tuple[tuple[str, str], ...]  # whose: token, next, previous or text; its name
    tokens: int  # of the corpus that were run
    layers: Iterator[Layer]


def describe(
    subject: Subject, evidence: Evidence, progress: Progress = lambda _done, _note: None
) -> Described:
    """Describe every signed neuron, one layer at a time."""
    tokens = Tokens.of(evidence.windows, evidence.run)
    groups = token_classes(subject.token_texts(tokens.types.tolist()))
    kinds = text_classes(tokens.sources)
    progress(0.0, "reading promoted tokens off the weights")
    seen = lens(subject, LENS)
    classes = Classes(tokens, list(groups.values()), list(kinds.values()))
    layers = _layers(subject, evidence, tokens, classes, seen, progress)
    named = [(view, group) for view in VIEWS for group in groups] + [("text", kind) for kind in kinds]
    return Described((*named, ("text", "")), int((tokens.part >= 0).sum()), layers)


def _layers(
    subject: Subject,
    evidence: Evidence,
    tokens: Tokens,
    classes: Classes,
    seen: Lens,
    progress: Progress,
) -> Iterator[Layer]:
    peaks: dict[Part, list[Ints]] = {Part.CHOOSE: [], Part.SCORE: [], Part.FIT: []}
    strong = strong_peaks(tokens)
    for index in range(evidence.layers):
        firing = evidence.firing(index).strongest(strong)
        for part, rows in peaks.items():
            rows.append(picked(firing, tokens, part, LEARNT if part == Part.FIT else HARD)[0])
        progress(0.3 * (index + 1) / evidence.layers, "sorting peaks")
    reader = Reader.of(subject, tokens, peaks.pop(Part.FIT))
    reader.save(evidence.folder / READER)
    every = {part: np.concatenate(rows) for part, rows in peaks.items()}
    held_out = evidence.windows.ids[evidence.windows.held]
    amplifier = Amplifier(subject, held_out)

    def one(index: int) -> Layer:
        firing = evidence.firing(index).strongest(strong)
        near, cosine = neighbours(subject, index, NEAREST)
        hard = {part: every[part][near].reshape(len(near), -1) for part in every}
        choose, score = (sample(firing, tokens, part, hard[part]) for part in (Part.CHOOSE, Part.SCORE))
        peak = _peaks(firing)
        up, down = promoted(seen, index)
        output = Output(up, lambda claims: amplifier.raised(index, peak, claims))
        found = find(firing, tokens, reader, classes, (choose, score), output)
        return _layer(index, evidence, tokens, firing, found, (up, down), (near, cosine), peak)

    with ThreadPoolExecutor(WORKERS) as pool:  # numpy lets go of the interpreter while it sorts
        for layer in pool.map(one, range(evidence.layers)):
            yield layer
            progress(0.3 + 0.7 * (layer.layer + 1) / evidence.layers, f"layer {layer.layer}")


def strong_peaks(tokens: Tokens) -> int:
    """How many tokens a feature are its peaks."""
    return max(JUDGED, int(STRONG * (tokens.part >= 0).sum()))


def promoted(seen: Lens, layer: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ids that the signed neurons of a layer promote, and those they suppress (feature LENS)."""
    up, down = seen.up[layer].repeat(2, 0), seen.down[layer].repeat(2, 0)
    flip = (np.arange(len(up)) % 2 == 1)[:, None]
    return np.where(flip, down, up), np.where(flip, up, down)


def _peaks(firing: Firing) -> Floats:
    """The mean of each feature's four strongest activations, 0 where it never fires."""
    own = (firing.of(feature)[1][:4] for feature in range(len(firing.first) - 1))
    return np.array([value.mean() if len(value) else 0 for value in own], np.float32)


def _layer(
    index: int,
    evidence: Evidence,
    tokens: Tokens,
    firing: Firing,
    found: Findings,
    output: tuple[NDArray[np.int32], NDArray[np.int32]],
    near: tuple[NDArray[np.int32], Floats],
    peak: Floats,
) -> Layer:
    features = len(firing.first) - 1
    density = np.zeros(features, np.float32)
    at, value = np.full((features, CONTEXTS), -1, np.int64), np.zeros((features, CONTEXTS), np.float32)
    for feature in range(features):
        token, own = firing.of(feature)
        if not len(own):
            continue
        density[feature] = (own >= peak[feature] / 4).sum() / max(1, (tokens.part >= 0).sum())
        at[feature], value[feature] = _spread(token, own)
    contexts, sources = _contexts(at, evidence)
    return Layer(
        index,
        found,
        peak,
        _density(density, peak, evidence.histograms[index]),
        evidence.histograms[index],
        contexts,
        value,
        sources,
        *output,
        *near,
    )


def _density(counted: Floats, peak: Floats, histogram: NDArray[np.int32]) -> Floats:
    """From the peaks where they reach down to a quarter of the largest, else from the histogram."""
    lowest = np.clip(np.floor((np.log2(np.maximum(peak, 1e-6) / 4) - LOWEST) * 2), 0, BINS - 1)
    beyond = histogram * (np.arange(BINS) >= lowest[:, None])
    whole = histogram[0::2].sum(1) + histogram[1::2].sum(1)
    sampled = beyond.sum(1) / np.maximum(1, whole.repeat(2))
    return np.where(counted < 0.8 * STRONG, counted, np.maximum(counted, sampled)).astype(np.float32)


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
