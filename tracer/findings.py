"""For every feature of a layer: which simple detector tells its peaks best, and its score on held-out text.

The detectors are tried in a fixed order: position, one token (or what comes next), a class of tokens, several
tokens, tokens in their context, the theme of what it promotes. What no detector tells stays unlabelled. The
choice is made on text that the counts were not fitted on, the score on text that neither has seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.evidence import Firing
from tracer.peaks import (
    FITTED,
    JUDGED,
    VIEWS,
    Counts,
    Floats,
    Ints,
    Part,
    Tokens,
    auroc,
    picked,
    without_own,
)
from tracer.windows import LENGTH

CHOSEN = 0.82  # AUROC a detector must reach where it is chosen
SHARPER = 0.85  # the same for a class or one token, which claim more
SINGLE = 0.5  # share of the peaks that makes one token the label
CLASS = 0.6  # share of the peaks that makes a class the label
BETTER = 0.02  # by which a wider detector must beat a narrower one to be preferred
TOP = 12  # types kept a view
FIRST = 3  # positions of a text that are its beginning


class Kind(StrEnum):
    """What a label says, in the order they are tried."""

    POSITION = "position"
    TOKEN = "token"  # one token
    SAY = "say"  # what comes next
    CLASS = "class"
    TOKENS = "tokens"
    CONTEXT = "context"  # a token with what stands before and after it
    THEME = "theme"  # what it promotes
    NONE = "unlabelled"


@dataclass(frozen=True, slots=True)
class Findings:
    """One layer's features, in order: 2n is n+, 2n + 1 is n-."""

    kind: NDArray[Any]
    random: Floats  # held-out AUROC against random tokens; NaN where there is nothing to judge
    hard: Floats  # the same against peaks of the nearest features
    shuffled: Floats  # another feature's detector on this feature's peaks
    table: Floats  # the token counts alone, for every feature
    types: dict[str, NDArray[np.int32]]  # view -> feature TOP, -1 = none; indices into Tokens.types
    shares: dict[str, Floats]
    member: NDArray[
        np.int32
    ]  # the best class, an index into the classes given; + len(classes): of the next token
    member_share: Floats


@dataclass(frozen=True, slots=True)
class Sample:
    """The tokens of one part by which a layer's detectors are judged (feature JUDGED), -1 = none."""

    peaks: Ints
    random: Ints
    hard: Ints


def sample(firing: Firing, tokens: Tokens, part: Part, nearest: Ints) -> Sample:
    """Peaks of each feature, random tokens, and `nearest`: tokens on which its neighbours peak."""
    peaks, _ = picked(firing, tokens, part, JUDGED)
    return Sample(peaks, tokens.drawn(part, len(peaks)), without_own(firing, nearest))


def find(
    firing: Firing,
    tokens: Tokens,
    classes: list[NDArray[np.bool_]],
    choose: Sample,
    score: Sample,
    theme: Callable[[NDArray[np.int32], Ints], Floats],
) -> Findings:
    """Fit, choose and score the detectors of a layer; `theme` scores types for some features by the lens."""
    at, value = picked(firing, tokens, Part.FIT, FITTED)
    counts = {view: Counts.of(at, value, tokens, view) for view in VIEWS}
    features = len(at)
    tops = {view: counts[view].top(features, TOP) for view in VIEWS}
    member, member_share = _best_class(counts, classes, features)
    detect = _Detectors(tokens, counts, classes, member)
    peaks, others = detect.scores(choose.peaks), detect.scores(choose.random)
    near = {kind: auroc(peaks[kind], others[kind]) for kind in peaks}
    first = np.where(at >= 0, (at % LENGTH <= FIRST) * value, 0).sum(1) / (value.sum(1) + 1e-9)
    kind = _kinds(near, first, tops, member_share)
    rest = np.flatnonzero(kind == Kind.NONE)
    promoted = _promoted(tokens, theme, rest)
    good = auroc(promoted(choose.peaks[rest]), promoted(choose.random[rest])) >= CHOSEN
    kind[rest[good]] = str(Kind.THEME)

    def chosen(at: Ints, rows: Ints) -> Floats:
        """Scores of tokens by each feature's own detector."""
        out = _of_kind(kind, detect.scores(at))
        out[rows] = promoted(at[rows])
        return out

    swapped = np.roll(np.arange(features), features // 3 | 1)
    own, random = chosen(score.peaks, rest), chosen(score.random, rest)
    table = detect.scores(score.peaks)[Kind.TOKEN], detect.scores(score.random)[Kind.TOKEN]
    return Findings(
        kind=kind,
        random=auroc(own, random),
        hard=auroc(own, chosen(score.hard, rest)),
        shuffled=auroc(chosen(score.peaks[swapped], rest), random),
        table=auroc(*table),
        types={view: types for view, (types, _) in tops.items()},
        shares={view: shares for view, (_, shares) in tops.items()},
        member=member,
        member_share=member_share,
    )


class _Detectors:
    """Scores of tokens by each kind of detector but the theme."""

    def __init__(
        self,
        tokens: Tokens,
        counts: dict[str, Counts],
        classes: list[NDArray[np.bool_]],
        member: NDArray[np.int32],
    ) -> None:
        self._tokens, self._counts, self._member = tokens, counts, member
        self._classes = np.stack([*classes, *classes])

    def scores(self, at: Ints) -> dict[Kind, Floats]:
        """One score a token for each kind; NaN where there is no token."""
        seen = {view: self._tokens.view[view][np.maximum(at, 0)] for view in VIEWS}
        counted = {view: self._counts[view].score(seen[view]) for view in VIEWS}
        following = (self._member >= len(self._classes) // 2)[:, None]
        group = self._classes[self._member[:, None], np.where(following, seen["next"], seen["token"])]
        found = {
            Kind.POSITION: -(np.maximum(at, 0) % LENGTH).astype(np.float32),
            Kind.TOKEN: counted["token"],
            Kind.SAY: counted["next"],
            Kind.CLASS: group.astype(np.float32),
            Kind.CONTEXT: counted["token"] + counted["next"] + counted["previous"],
        }
        return {kind: np.where(at >= 0, scores, np.nan).astype(np.float32) for kind, scores in found.items()}


def _promoted(
    tokens: Tokens, theme: Callable[[NDArray[np.int32], Ints], Floats], rows: Ints
) -> Callable[[Ints], Floats]:
    """The theme's scores of what follows tokens, for these features; NaN where there is no token."""

    def scores(at: Ints) -> Floats:
        found = theme(tokens.view["next"][np.maximum(at, 0)], rows)
        return np.where(at >= 0, found, np.nan).astype(np.float32)

    return scores


def _of_kind(kind: NDArray[Any], found: dict[Kind, Floats]) -> Floats:
    """Each feature's row of the scores of its own kind; NaN where it has none of these."""
    out = np.full(found[Kind.TOKEN].shape, np.nan, np.float32)
    for k, scores in {**found, Kind.TOKENS: found[Kind.TOKEN]}.items():
        same = kind == k
        out[same] = scores[same]
    return out


def _best_class(
    counts: dict[str, Counts], classes: list[NDArray[np.bool_]], features: int
) -> tuple[NDArray[np.int32], Floats]:
    """The class whose share of the peaks most exceeds its share of all tokens, and its share of the peaks."""
    excess, shares = [], []
    for view in ("token", "next"):
        whole = counts[view].count.sum()
        for members in classes:
            share = counts[view].class_shares(features, members)
            shares.append(share)
            excess.append(share - counts[view].count[members].sum() / whole)
    best = np.argmax(np.stack(excess), 0)
    return best.astype(np.int32), np.stack(shares)[best, np.arange(features)].astype(np.float32)


def _kinds(
    near: dict[Kind, Floats],
    first: Floats,
    tops: dict[str, tuple[NDArray[np.int32], Floats]],
    member_share: Floats,
) -> NDArray[Any]:
    """The first kind, in the order they are tried, that is good enough."""
    token, say, context, group = (near[k] for k in (Kind.TOKEN, Kind.SAY, Kind.CONTEXT, Kind.CLASS))
    named = {view: types[:, 0] >= 0 for view, (types, _) in tops.items()}
    leading = {view: shares[:, 0] for view, (_, shares) in tops.items()}
    wider = (context > np.maximum(token, say) + BETTER) & (context >= CHOSEN)
    cases = [
        ((first > 0.5) & (near[Kind.POSITION] >= SHARPER), Kind.POSITION),
        ((leading["token"] >= SINGLE) & (token >= SHARPER), Kind.TOKEN),
        ((leading["next"] >= SINGLE) & (say >= SHARPER), Kind.SAY),
        ((member_share >= CLASS) & (group >= SHARPER), Kind.CLASS),
        (wider & named["token"], Kind.CONTEXT),
        ((token >= CHOSEN) & (token >= say) & named["token"], Kind.TOKENS),
        ((say >= CHOSEN) & named["next"], Kind.SAY),
        ((context >= CHOSEN) & named["token"], Kind.CONTEXT),
    ]
    chosen = np.select([c for c, _ in cases], [str(k) for _, k in cases], str(Kind.NONE))
    return chosen.astype("U12")
