"""What the tokens at a feature's peaks have in common, and how well that tells peaks from other tokens.

Three views of a token are counted: itself, the next one, the one before. Whole windows belong to one of
four parts: counts are fitted on the first, a label is chosen on the second, kept or not by the third,
scored on the fourth. The last two are held out and share no document with another part. Makes numbers, no
words.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tracer.autointerp.activation_evidence import Firing
from tracer.autointerp.windows import LENGTH, Windows

FITTED = 1_200  # peaks a feature that are counted, evenly over the ranks
JUDGED = 60  # peaks, and other tokens, that a score compares
PRIOR = 0.1  # peaks added to what was counted and to what chance would give: rare tokens say little
NEAREST = 5  # features whose peaks are hard negatives

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
VIEWS = ("token", "next", "previous")


class Part(IntEnum):
    """A part of the corpus; whole windows belong to one."""

    FIT = 0
    CHOOSE = 1
    KEEP = 2
    SCORE = 3


@dataclass(frozen=True, slots=True)
class Tokens:
    """The corpus token by token: `window * LENGTH + position` is a token's number."""

    types: NDArray[np.int32]  # the ids that occur, sorted
    view: dict[str, NDArray[np.int32]]  # token -> index in `types`, for each view
    part: NDArray[np.int8]  # token -> Part, -1 where a view has nothing to see
    count: dict[str, Floats]  # type -> occurrences among FIT's tokens
    fitted: int  # FIT's tokens
    source: NDArray[np.int32]  # window -> index in `sources`
    sources: tuple[str, ...]

    @classmethod
    def of(cls, windows: Windows, run: NDArray[np.bool_]) -> "Tokens":
        """All tokens but the first and the last of a window, of the windows that were `run`."""
        types, flat = np.unique(windows.ids, return_inverse=True)
        here = flat.reshape(windows.ids.shape).astype(np.int32)
        view = {"token": here, "next": np.roll(here, -1, 1), "previous": np.roll(here, 1, 1)}
        learnt = np.where(np.arange(len(here)) % 8 == 0, Part.CHOOSE, Part.FIT)
        held = np.array([-1, Part.KEEP, Part.SCORE])[windows.half + 1]
        part = np.where(run, np.where(windows.held, held, learnt), -1)
        parts = np.repeat(part[:, None], LENGTH, 1).astype(np.int8)
        parts[:, 0] = parts[:, -1] = -1
        fit = parts == Part.FIT
        count = {
            name: np.bincount(seen[fit], minlength=len(types)).astype(np.float32)
            for name, seen in view.items()
        }
        flat_view = {name: seen.ravel() for name, seen in view.items()}
        return cls(types, flat_view, parts.ravel(), count, int(fit.sum()), windows.source, windows.sources)

    def drawn(self, part: Part, rows: int, count: int = JUDGED) -> Ints:
        """Random tokens of a part (rows count), the same each time."""
        pool = np.flatnonzero(self.part == part)
        dice = np.random.default_rng(int(part))
        return pool[dice.integers(0, len(pool), (rows, count))]


def pick_peaks(firing: Firing, tokens: Tokens, part: Part, count: int) -> tuple[Ints, Floats]:
    """Up to `count` peaks of each feature in a part, evenly over ranks: tokens (-1 = none), activations."""
    where = np.flatnonzero(tokens.part[firing.token] == part)
    first = np.searchsorted(where, firing.first)
    have = np.diff(first)[:, None]
    rank = (np.arange(count)[None] * np.maximum(have, count) / count).astype(np.int64)
    real = rank < have
    at = where[np.minimum(first[:-1, None] + rank, len(where) - 1)] if len(where) else np.zeros_like(rank)
    value = np.where(real, firing.value[at], 0).astype(np.float32)
    return np.where(real, firing.token[at], -1).astype(np.int64), value


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature of a layer fires on each type in one view, weighted by activation.

    A score is the logarithm of the count over what chance would give, both with PRIOR added.
    """

    key: Ints  # feature * types + type, sorted
    weight: Floats
    seen: NDArray[np.int32]  # peaks behind the weight
    share: Floats  # of the feature's activation at its peaks
    rate: Floats  # feature -> share of FIT's tokens that were counted as peaks
    count: Floats  # type -> occurrences in FIT

    @classmethod
    def of(cls, at: Ints, value: Floats, tokens: Tokens, view: str) -> "Counts":
        """Counts at the peaks `at` (feature peak; -1 is none) with these activations."""
        kinds = len(tokens.types)
        row, column = np.nonzero(at >= 0)
        keys = row * kinds + tokens.view[view][at[row, column]]
        have = np.maximum(1, (at >= 0).sum(1))
        relative = value / (value.sum(1) / have + 1e-9)[:, None]
        key, inverse, seen = np.unique(keys, return_inverse=True, return_counts=True)
        weight = np.bincount(inverse, weights=relative[row, column]).astype(np.float32)
        share = (weight / have[key // kinds]).astype(np.float32)
        rate = (have / max(1, tokens.fitted)).astype(np.float32)
        return cls(key, weight, seen.astype(np.int32), share, rate, tokens.count[view])

    def score(self, types: NDArray[np.int32]) -> Floats:
        """Scores of types (feature token); row i is about feature i."""
        features = np.arange(len(types))[:, None]
        key = features * len(self.count) + types
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        counted = np.where(self.key[at] == key, self.weight[at], 0)
        chance = self.count[types] * self.rate[:, None]
        return np.log((counted + PRIOR) / (chance + PRIOR)).astype(np.float32)

    def top(self, features: int, k: int, least: float) -> tuple[NDArray[np.int32], Floats]:
        """The k most telling types of each feature (-1 = none) and the share of its peaks they hold.

        Telling is share times lift; types seen at fewer than three peaks, or below a share, are left out.
        """
        feature, kind = np.divmod(self.key, len(self.count))
        lift = np.log((self.weight + PRIOR) / (self.count[kind] * self.rate[feature] + PRIOR))
        good = np.flatnonzero((self.seen >= 3) & (lift > 0.7) & (self.share >= least))
        order = good[np.lexsort((-(self.share * lift)[good], feature[good]))]
        rank = np.arange(len(order)) - np.searchsorted(feature[order], np.arange(features))[feature[order]]
        order, rank = order[rank < k], rank[rank < k]
        types, shares = np.full((features, k), -1, np.int32), np.zeros((features, k), np.float32)
        types[feature[order], rank] = kind[order]
        shares[feature[order], rank] = self.share[order]
        return types, shares

    def class_shares(self, features: int, members: NDArray[np.bool_]) -> Floats:
        """The share of each feature's peaks that falls on types of a class."""
        feature, kind = np.divmod(self.key, len(self.count))
        inside = members[kind]
        return np.bincount(feature[inside], weights=self.share[inside], minlength=features).astype(np.float32)


def auroc(positive: Floats, negative: Floats) -> Floats:
    """Chance that a peak scores above another token, ties half; NaN entries do not count (one a feature)."""
    out = np.full(len(positive), np.nan, np.float32)
    for start in range(0, len(positive), 128):
        up, down = positive[start : start + 128, :, None], negative[start : start + 128, None, :]
        wins = (up > down).sum((1, 2)) + 0.5 * (up == down).sum((1, 2))
        pairs = (~np.isnan(up)).sum((1, 2)) * (~np.isnan(down)).sum((1, 2))
        out[start : start + 128] = np.where(pairs, wins / np.maximum(pairs, 1), np.nan)
    return out


def mask_own_peaks(firing: Firing, at: Ints) -> Ints:
    """The tokens `at` (feature token), -1 where they are among the feature's own peaks."""
    out = at.copy()
    for feature in range(len(at)):
        out[feature][np.isin(at[feature], firing.of(feature)[0])] = -1
    return out
