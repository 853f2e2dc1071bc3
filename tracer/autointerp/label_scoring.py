"""How well words that somebody says of a feature tell its peaks on held-out text. Knows no labels.

The same reader, the same tokens and the same AUROC as for the labels that are made without anybody.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tracer.autointerp.activation_evidence import Evidence
from tracer.autointerp.feature_sets import FeatureSet
from tracer.autointerp.label_selection import sample_held_out
from tracer.autointerp.max_activations import NEAREST, VIEWS, Floats, Ints, Part, Tokens, auroc, pick_peaks
from tracer.autointerp.pipeline import HARD, READER, strong_peaks
from tracer.autointerp.simulator import Kinds, Reader
from tracer.autointerp.write_directions import find_neighbours
from tracer.models import Model

NamedWords = Mapping[str, Sequence[str]]  # view -> words


def open_evidence(folder: Path) -> Evidence:
    """What a folder holds of a corpus; raises TextError where that is nothing."""
    return Evidence.of(folder)


def judge_words(
    features: FeatureSet, evidence: Evidence, places: Sequence[tuple[int, int]], said: Sequence[NamedWords]
) -> list[dict[str, float | None]]:
    """AUROC of what is said of features (layer, 2n or 2n + 1): random, hard, shuffled; None without words.

    Shuffled is what is said of the feature before, on this one's peaks.
    """
    tokens, reader = Tokens.of(evidence.windows, evidence.run), Reader.load(evidence.folder / READER)
    others = [said[i - 1] for i in range(len(said))]
    random, hard, shuffled = (np.full(len(places), np.nan, np.float32) for _ in range(3))
    subject, peaks = features.subject, _Peaks(features, evidence, tokens)
    for layer in sorted({layer for layer, _ in places}):
        rows = [i for i, (own, _) in enumerate(places) if own == layer]
        own, drawn, near = peaks.of(layer, [places[i][1] for i in rows])
        told = _named(subject, [said[i] for i in rows])
        scores = [_scores(tokens, reader, told, at) for at in (own, drawn, near)]
        random[rows], hard[rows] = auroc(scores[0], scores[1]), auroc(scores[0], scores[2])
        swapped = _named(subject, [others[i] for i in rows])
        if len(places) > 1:
            wrong = (_scores(tokens, reader, swapped, at) for at in (own, drawn))
            shuffled[rows] = auroc(*wrong)
    names = ("random", "hard", "shuffled")
    return [
        {name: None if np.isnan(value) else float(value) for name, value in zip(names, row, strict=True)}
        for row in zip(random, hard, shuffled, strict=True)
    ]


class _Peaks:
    """Held-out peaks of features and of their nearest, a layer's evidence read once."""

    def __init__(self, features: FeatureSet, evidence: Evidence, tokens: Tokens) -> None:
        self._features, self._evidence, self._tokens = features, evidence, tokens
        self._picked: dict[int, Ints] = {}

    def of(self, layer: int, features: Sequence[int]) -> tuple[Ints, Ints, Ints]:
        """Peaks, random tokens, the nearest features' peaks of some features of a layer (feature token)."""
        firing = self._evidence.firing(layer).strongest(strong_peaks(self._tokens))
        every = range(self._evidence.neurons)
        near, _ = find_neighbours(self._features.written, self._evidence.layers, layer, every, NEAREST)
        hard = np.full((len(firing.first) - 1, NEAREST * HARD), -1, np.int64)
        hard[list(features)] = np.stack(
            [np.concatenate([self._nearest(int(n)) for n in near[f]]) for f in features]
        )
        found = sample_held_out(firing, self._tokens, Part.SCORE, hard)
        rows = list(features)
        return found.peaks[rows], found.random[rows], found.hard[rows]

    def _nearest(self, number: int) -> Ints:
        layer, feature = divmod(number, 2 * self._evidence.neurons)
        if layer not in self._picked:
            firing = self._evidence.firing(layer).strongest(strong_peaks(self._tokens))
            self._picked[layer] = pick_peaks(firing, self._tokens, Part.SCORE, HARD)[0]
        peaks: Ints = self._picked[layer][feature]
        return peaks


def _named(subject: Model, said: Sequence[NamedWords]) -> dict[str, Kinds]:
    """The tokens that words begin with, after a space and without one (feature token; -1 is none)."""
    out = {}
    for view in VIEWS:
        rows = [
            [subject.pieces(start + word.strip())[:1] for word in words.get(view, ()) for start in (" ", "")]
            for words in said
        ]
        flat = [[ids[0] for ids in row if ids] for row in rows]
        width = max(1, *map(len, flat))
        out[view] = np.array([row + [-1] * (width - len(row)) for row in flat], np.int32)
    return out


def _scores(tokens: Tokens, reader: Reader, named: dict[str, Kinds], at: Ints) -> Floats:
    """The sum of the likenesses to what is said of each view; NaN where nothing is said or no token is."""
    total, any_said = np.zeros(at.shape, np.float32), np.zeros(len(at), bool)
    for view in VIEWS:
        says = np.asarray((named[view] >= 0).any(1))
        seen = tokens.types[tokens.view[view][np.maximum(at, 0)]]
        total += np.where(says[:, None], reader.near(seen, named[view]), 0)
        any_said |= says
    return np.where((at >= 0) & any_said[:, None], total, np.nan).astype(np.float32)
