"""All features of a set described from the evidence of a corpus, layer by layer, as plain arrays.

Puts together what other files know: where features fire, what they write, what tells their peaks. No words.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.autointerp.activation_evidence import BINS, FEATURES, LOWEST, Evidence, Firing
from tracer.autointerp.feature_sets import FeatureSet
from tracer.autointerp.label_selection import Findings, Output, find_labels
from tracer.autointerp.label_words import Classes, Words
from tracer.autointerp.max_activations import JUDGED, NEAREST, VIEWS, Floats, Ints, Part, Tokens, pick_peaks
from tracer.autointerp.simulator import Reader
from tracer.autointerp.steering_score import Amplifier
from tracer.autointerp.token_classes import text_classes, token_classes
from tracer.autointerp.windows import LENGTH
from tracer.autointerp.write_directions import Lens, find_neighbours, make_lens

CONTEXTS = 4  # a feature: the strongest, one of the next, and from a third and two thirds down its peaks
CLOSE = 20  # peaks of which each context but the first is one
BEFORE, AFTER = 11, 4  # tokens around the one a context is about
LENS = 12  # promoted and suppressed tokens kept
WORKERS = 2  # layers at once
READER = "reader.safetensors"  # kept beside the evidence, for labels that are judged later
STRONG = 0.0005  # share of tokens: a feature's peaks, which labels are made from and judged by
LEARNT = 100  # peaks a feature from which it is learnt which tokens are alike
KNOWN = 8_000_000  # the same of all features together
HARD = JUDGED // NEAREST  # peaks of each neighbour

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class FeatureLayer:
    """One layer's features, or a block of them (2n is the block's index n, +, 2n + 1 is -)."""

    layer: int
    indices: range
    findings: Findings
    peak: Floats  # mean of the four strongest activations
    density: Floats  # share of tokens at which it reaches a quarter of that
    histogram: NDArray[np.int32]  # feature BINS: tokens of a sample by half octaves of |activation|
    contexts: NDArray[np.int32]  # feature CONTEXTS BEFORE+1+AFTER; token ids, -1 beyond the window
    activations: Floats  # feature CONTEXTS
    sources: NDArray[np.int32]  # feature CONTEXTS, index into the corpus' sources
    up: NDArray[np.int32]  # feature LENS: token ids it promotes
    down: NDArray[np.int32]
    nearest: NDArray[np.int32]  # feature NEAREST: numbers of features over all layers
    cosine: Floats


@dataclass(frozen=True, slots=True)
class Described:
    """What all layers share."""

    classes: tuple[tuple[str, str], ...]  # whose: token, next, previous or text; its name
    tokens: int  # of the corpus that were run
    parts: dict[str, int]  # tokens labels are learnt from, chosen, kept and scored by
    layers: Iterator[FeatureLayer]


def describe_corpus(
    features: FeatureSet, evidence: Evidence, progress: Progress = lambda _done, _note: None
) -> Described:
    """Describe every feature, a layer (or a block of a wide one) at a time, in order."""
    tokens = Tokens.of(evidence.windows, evidence.run)
    share = tokens.count["token"] / max(1, tokens.fitted)
    groups = token_classes(features.subject.token_texts(tokens.types.tolist()), share)
    kinds = text_classes(tokens.sources)
    progress(0.0, "reading promoted tokens off the weights")
    seen = make_lens(features.subject, features.written, features.width, LENS)
    classes = Classes(tokens, list(groups.values()), list(kinds.values()))
    named = [(view, group) for view in VIEWS for group in groups] + [("text", kind) for kind in kinds]
    parts = {part.name.lower(): int((tokens.part == part).sum()) for part in Part}
    work = _Work(features, evidence, tokens, classes, seen)
    layers = work.layers(progress)
    return Described((*named, ("text", "")), int((tokens.part >= 0).sum()), parts, layers)


@dataclass(frozen=True, slots=True)
class _Work:
    features: FeatureSet
    evidence: Evidence
    tokens: Tokens
    classes: Classes
    seen: Lens

    def layers(self, progress: Progress) -> Iterator[FeatureLayer]:
        """What is known of all features, WORKERS blocks at a time."""
        strong, evidence, width = strong_peaks(self.tokens), self.evidence, self.features.width
        blocks = [
            (layer, range(start, min(start + FEATURES // 2, width)))
            for layer in range(evidence.layers)
            for start in range(0, width, FEATURES // 2)
        ]
        peaks: dict[Part, list[Ints]] = {Part.SCORE: [], Part.FIT: []}
        count = {Part.SCORE: HARD, Part.FIT: max(1, min(LEARNT, KNOWN // (2 * width * evidence.layers)))}
        for done, (layer, indices) in enumerate(blocks, 1):
            firing = evidence.firing(layer, indices).strongest(strong)
            for part, rows in peaks.items():
                rows.append(pick_peaks(firing, self.tokens, part, count[part])[0])
            progress(0.3 * done / len(blocks), "sorting peaks")
        reader = Reader.of(self.features.subject, self.tokens, peaks.pop(Part.FIT))
        reader.save(evidence.folder / READER)
        nearest, turn = np.concatenate(peaks[Part.SCORE]), threading.Lock()
        decides, scores = (
            Amplifier(self.features, evidence.windows.ids[evidence.windows.half == half], turn)
            for half in (0, 1)
        )

        def one(block: tuple[int, range]) -> FeatureLayer:
            return self._block(*block, reader, nearest, (decides, scores))

        with ThreadPoolExecutor(WORKERS) as pool:  # numpy lets go of the interpreter while it sorts
            for done, found in enumerate(pool.map(one, blocks), 1):
                yield found
                progress(0.3 + 0.7 * done / len(blocks), f"layer {found.layer}")

    def _block(
        self,
        layer: int,
        indices: range,
        reader: Reader,
        nearest: Ints,
        amplifiers: tuple[Amplifier, Amplifier],
    ) -> FeatureLayer:
        features, evidence, tokens = self.features, self.evidence, self.tokens
        firing = evidence.firing(layer, indices).strongest(strong_peaks(tokens))
        near, cosine = find_neighbours(features.written, evidence.layers, layer, indices, NEAREST)
        peak = _peaks(firing)
        up, down = promoted(self.seen, layer, indices)
        decides, scores = amplifiers

        def raised(claims: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
            where = (layer, peak, claims, indices.start)
            return decides.raised(*where)[0], *scores.raised(*where)

        hard = nearest[near].reshape(len(near), -1)
        found = find_labels(firing, tokens, reader, self.classes, hard, Output(up, raised))
        at, value = _shown(firing, found.words)
        contexts, sources = _contexts(at, evidence)
        histogram = evidence.histograms[layer, 2 * indices.start : 2 * indices.stop]
        return FeatureLayer(
            layer,
            indices,
            found,
            peak,
            _density(firing, tokens, peak, histogram),
            histogram,
            contexts,
            value,
            sources,
            *(up, down),
            *(near, cosine),
        )


def strong_peaks(tokens: Tokens) -> int:
    """How many tokens a feature are its peaks."""
    return max(JUDGED, int(STRONG * (tokens.part >= 0).sum()))


def promoted(seen: Lens, layer: int, indices: range) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ids that these features of a layer promote, and those they suppress (feature LENS)."""
    some = slice(indices.start, indices.stop)
    up, down = seen.up[layer, some].repeat(2, 0), seen.down[layer, some].repeat(2, 0)
    flip = (np.arange(len(up)) % 2 == 1)[:, None]
    return np.where(flip, down, up), np.where(flip, up, down)


def _peaks(firing: Firing) -> Floats:
    """The mean of each feature's four strongest activations, 0 where it never fires."""
    own = (firing.of(feature)[1][:4] for feature in range(len(firing.first) - 1))
    return np.array([value.mean() if len(value) else 0 for value in own], np.float32)


def _density(firing: Firing, tokens: Tokens, peak: Floats, histogram: NDArray[np.int32]) -> Floats:
    """The share of tokens that reach a quarter of the peak.

    From the peaks where they reach down to there, else from the histogram.
    """
    counted, run = np.zeros(len(peak), np.float32), max(1, int((tokens.part >= 0).sum()))
    for feature in range(len(peak)):
        counted[feature] = (firing.of(feature)[1] >= peak[feature] / 4).sum() / run
    lowest = np.clip(np.floor((np.log2(np.maximum(peak, 1e-6) / 4) - LOWEST) * 2), 0, BINS - 1)
    beyond = histogram * (np.arange(BINS) >= lowest[:, None])
    whole = histogram[0::2].sum(1) + histogram[1::2].sum(1)
    sampled = beyond.sum(1) / np.maximum(1, whole.repeat(2))
    return np.where(counted < 0.8 * STRONG, counted, np.maximum(counted, sampled)).astype(np.float32)


def _shown(firing: Firing, words: Words) -> tuple[Ints, Floats]:
    """The peaks that are a feature's contexts and their activations (feature CONTEXTS), -1 = none.

    The strongest, then one of the CLOSE peaks behind it, one of those a third down and one two thirds down,
    all from different windows if possible. Of each few the first is taken that keeps the share of contexts in
    which a word of the label stands close to its share of all these peaks.
    """
    have, every = np.diff(firing.first)[:, None], np.arange(len(firing.first) - 1)
    starts = np.concatenate([np.ones_like(have), have // 3, 2 * have // 3], 1)[:, :, None]
    ranks = np.concatenate([np.zeros_like(have), (starts + np.arange(CLOSE)).reshape(len(have), -1)], 1)
    place = np.where(ranks < have, firing.first[:-1, None] + ranks, -1)
    at = np.append(firing.token, -1)[place].astype(np.int64)
    fits = words.literal(at)
    wanted = np.round(CONTEXTS * fits.sum(1) / np.maximum(1, (at >= 0).sum(1)))
    columns, shown = [np.zeros_like(every)], fits[:, 0].astype(int)
    for start in range(1, 1 + (CONTEXTS - 1) * CLOSE, CLOSE):
        some = slice(start, start + CLOSE)
        new = np.all([at[:, some] // LENGTH != (at[every, c] // LENGTH)[:, None] for c in columns], 0)
        right = fits[:, some] == (shown < wanted)[:, None]
        columns.append(start + (4 * (at[:, some] >= 0) + 2 * new + right).argmax(1))
        shown += fits[every, columns[-1]]
    picked_at, value = place[every[:, None], np.stack(columns, 1)], np.append(firing.value, np.float32(0))
    return np.append(firing.token, -1)[picked_at].astype(np.int64), value[picked_at]


def _contexts(at: Ints, evidence: Evidence) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    windows = evidence.windows
    offset = np.arange(-BEFORE, AFTER + 1)
    window, position = np.divmod(np.maximum(at, 0), LENGTH)
    there = position[..., None] + offset
    inside = (there >= 1) & (there < LENGTH) & (at >= 0)[..., None]
    ids = windows.ids[window[..., None], np.clip(there, 0, LENGTH - 1)]
    return np.where(inside, ids, -1).astype(np.int32), windows.source[window].astype(np.int32)
