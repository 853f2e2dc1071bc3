"""For every feature of a layer: which short label tells its peaks best, judged by what its words say.

A label has up to PARTS parts: the token it fires on (one, or some), the next, the one before, a class of any
of these, a kind of text. Where none is good enough, what the feature promotes is its label, if amplifying it
does raise that; else it stays unlabelled. Tokens are named from one part of the corpus, the label is chosen
on a second, its score is from a third that neither has seen. A score knows only what the label says
(tracer.reader), not the counts it was made from.
"""

from collections.abc import Callable, Sequence
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
from tracer.reader import Kinds, Reader
from tracer.windows import LENGTH

CHOSEN = 0.80  # AUROC a label must reach where it is chosen
PARTS = 3  # of a label
BETTER = 0.02  # by which a label with another part must beat one without
SINGLE = 0.5  # share of the peaks that makes one token a label by itself
FITS = 0.4  # share of the peaks that the first part of a label must fit
ADDS = 0.25  # the same for a further part
ALIKE = 0.45  # likeness from which a token fits those named
CLASSES = 8  # classes tried a feature
HOLDS = 0.75  # AUROC on held-out text below which a label is taken back
RAISES = 0.9  # output score that makes what a feature promotes its label
COHERENT = 0.25  # mean nearness of promoted tokens to each other that makes them a theme
TOP = 16  # types looked at a view
NAMES = 4  # tokens a part names
LEAST = 0.02  # share of the peaks of a token that is named
FIRST = 3  # positions of a text that are its beginning
NONE = -1
ONE, TOKEN, NEXT, PREVIOUS, CLASS = range(5)  # parts; CLASS + n is the feature's n-th class


class Kind(StrEnum):
    """The rule that made a label."""

    POSITION = "position"
    TOKEN = "token"  # one token
    TOKENS = "tokens"
    SAY = "say"  # what comes next
    AFTER = "after"  # what came before
    CLASS = "class"
    CONTEXT = "context"  # several parts
    THEME = "theme"  # what it promotes
    NONE = "unlabelled"


@dataclass(frozen=True, slots=True)
class Findings:
    """One layer's features, in order: 2n is n+, 2n + 1 is n-."""

    kind: NDArray[Any]
    random: Floats  # held-out AUROC against random tokens; NaN where the label does not say where it fires
    hard: Floats  # the same against peaks of the nearest features
    shuffled: Floats  # another feature's label on this feature's peaks
    table: Floats  # all token counts in place of a label, for every feature
    output: Floats  # whether amplifying it raises what the label says it promotes; NaN where it says nothing
    output_shuffled: Floats  # the same with another feature's label
    named: dict[str, Kinds]  # view -> feature NAMES: token ids the label names, -1 = none
    classes: Kinds  # feature PARTS: classes the label names, by their number in Classes, -1 = none


@dataclass(frozen=True, slots=True)
class Sample:
    """The tokens of one part by which a layer's labels are judged (feature JUDGED), -1 = none."""

    peaks: Ints
    random: Ints
    hard: Ints


@dataclass(frozen=True, slots=True)
class Output:
    """What features do to the next word: promoted ids (feature k), how much they raise claimed ones."""

    promoted: Kinds
    raised: Callable[[Kinds], tuple[Floats, Floats]]  # claims (feature NAMES) -> score, shuffled score


class Classes:
    """Classes of tokens (of the token, the next, the one before) and of texts, as one numbered list."""

    def __init__(
        self, tokens: Tokens, of_tokens: Sequence[NDArray[np.bool_]], of_texts: Sequence[NDArray[np.bool_]]
    ) -> None:
        self._tokens, self._token = tokens, np.stack(of_tokens)
        self._text = np.stack([*of_texts, np.zeros(len(tokens.sources), bool)])
        everywhere = np.bincount(
            tokens.source[np.flatnonzero(tokens.part == Part.FIT) // LENGTH], minlength=len(tokens.sources)
        )
        self._usual = np.concatenate(
            [
                *(self._token @ tokens.count[view] / tokens.count[view].sum() for view in VIEWS),
                self._text @ everywhere / everywhere.sum(),
            ]
        )

    def holds(self, member: Kinds, at: Ints) -> NDArray[np.bool_]:
        """Whether tokens (feature token) are in the class of their row (-1: in none)."""
        out = np.zeros(at.shape, bool)
        for number in np.unique(member[member >= 0]).tolist():
            rows = member == number
            view, kind = divmod(number, len(self._token))
            if view < len(VIEWS):
                out[rows] = self._token[kind][self._tokens.view[VIEWS[view]][at[rows]]]
            else:
                text = self._text[number - len(VIEWS) * len(self._token)]
                out[rows] = text[self._tokens.source[at[rows] // LENGTH]]
        return out

    def best(self, at: Ints, value: Floats, counts: dict[str, Counts]) -> tuple[Kinds, Floats]:
        """The CLASSES whose share of the peaks most exceeds that of all tokens, and these shares."""
        shares = [counts[view].class_shares(len(at), members) for view in VIEWS for members in self._token]
        weight = value / (value.sum(1, keepdims=True) + 1e-9)
        source = self._tokens.source[np.maximum(at, 0) // LENGTH]
        shares += [(weight * (members[source] & (at >= 0))).sum(1) for members in self._text]
        table = np.stack(shares, 1).astype(np.float32)  # feature class
        best = np.argsort(self._usual.astype(np.float32) - table, 1)[:, :CLASSES].astype(np.int32)
        return best, np.take_along_axis(table, best, 1)


def sample(firing: Firing, tokens: Tokens, part: Part, nearest: Ints) -> Sample:
    """Peaks of each feature, random tokens, and `nearest`: tokens on which its neighbours peak."""
    peaks, _ = picked(firing, tokens, part, JUDGED)
    return Sample(peaks, tokens.drawn(part, len(peaks)), without_own(firing, nearest))


def find(
    firing: Firing,
    tokens: Tokens,
    reader: Reader,
    classes: Classes,
    samples: tuple[Sample, Sample],
    output: Output,
) -> Findings:
    """Name tokens, choose a label, score it; `samples` are those to choose by and to score by."""
    return settled(looked_at(firing, tokens, reader, classes, samples, output))


@dataclass(frozen=True, slots=True)
class Looked:
    """All there is to decide by: each feature's best label of parts, what it promotes, and how both do."""

    parts: NDArray[np.int8]  # feature PARTS
    near: Floats  # AUROC where the parts were chosen
    early: NDArray[np.bool_]  # most of its peaks are at the beginning of a text, and nearly only there
    by_parts: dict[str, Floats]  # random, hard, shuffled: AUROC on held-out text
    by_place: dict[str, Floats]
    table: Floats
    said: tuple[Floats, Floats]  # output score of the next tokens it names, and shuffled
    raised: tuple[Floats, Floats]  # of what it promotes
    coherence: Floats
    named: dict[str, Kinds]
    promoted: Kinds
    member: Kinds


def looked_at(
    firing: Firing,
    tokens: Tokens,
    reader: Reader,
    classes: Classes,
    samples: tuple[Sample, Sample],
    output: Output,
) -> Looked:
    """Everything about a layer's labels but the decision."""
    choose, score = samples
    at, value = picked(firing, tokens, Part.FIT, FITTED)
    counts = {view: Counts.of(at, value, tokens, view) for view in VIEWS}
    named, shares = _named(counts, len(at), tokens, reader)
    member, member_share = classes.best(at, value, counts)
    says = Sayings(tokens, reader, classes, named, member)
    peaks = says.scores(choose.peaks)
    fits = _fits(peaks, named, shares, member_share)
    parts, near = _chosen(peaks, says.scores(choose.random), fits)
    first = np.where(at >= 0, (at % LENGTH <= FIRST) * value, 0).sum(1) / (value.sum(1) + 1e-9)
    early = auroc(_place(choose.peaks), _place(choose.random))
    promoted, _ = reader.distinct(output.promoted, np.zeros(output.promoted.shape, np.float32), NAMES)
    following = np.where((parts == NEXT).any(1)[:, None], named["next"], -1)
    return Looked(
        parts=parts,
        near=near,
        early=(first > 0.5) & (early >= CHOSEN),
        by_parts=_judged(lambda at: _added(says.scores(at), parts), score),
        by_place=_judged(_place, score),
        table=_by_counts(counts["token"], tokens, score),
        said=output.raised(following),
        raised=output.raised(promoted),
        coherence=reader.coherence(promoted),
        named=named,
        promoted=promoted,
        member=member,
    )


def settled(seen: Looked) -> Findings:
    """The label each feature gets; one that does not hold on held-out text is taken back."""
    kind = _kinds(seen)
    on_parts = ~np.isin(kind, (Kind.NONE, Kind.THEME, Kind.POSITION))
    early, theme = kind == Kind.POSITION, kind == Kind.THEME
    scores = {
        name: np.select((on_parts, early), (found, seen.by_place[name]), np.nan).astype(np.float32)
        for name, found in seen.by_parts.items()
    }
    output, shuffled = (
        np.select((on_parts, theme), pair, np.nan).astype(np.float32)
        for pair in zip(seen.said, seen.raised, strict=True)
    )
    fails = scores["random"] < HOLDS
    parts = np.where((on_parts & ~fails)[:, None], seen.parts, NONE)
    return Findings(
        kind=np.where(fails, str(Kind.NONE), kind),
        **scores,
        table=seen.table,
        output=output,
        output_shuffled=shuffled,
        named=_told(parts, seen.named, seen.promoted, theme),
        classes=np.where(
            parts >= CLASS, np.take_along_axis(seen.member, np.maximum(parts - CLASS, 0), 1), -1
        ),
    )


def _place(at: Ints) -> Floats:
    """The score of a label that says: at the beginning."""
    return np.where(at >= 0, -(at % LENGTH), np.nan).astype(np.float32)


def _judged(scores: Callable[[Ints], Floats], sample: Sample) -> dict[str, Floats]:
    """AUROC against random tokens, against the nearest features' peaks, and of another feature's label."""
    features = len(sample.peaks)
    swapped = np.roll(np.arange(features), features // 3 | 1)
    own, random = scores(sample.peaks), scores(sample.random)
    return {
        "random": auroc(own, random),
        "hard": auroc(own, scores(sample.hard)),
        "shuffled": auroc(scores(sample.peaks[swapped]), random),
    }


def _by_counts(counts: Counts, tokens: Tokens, sample: Sample) -> Floats:
    """What the whole table of token counts would score."""
    peaks, random = (
        counts.score(tokens.view["token"][np.maximum(at, 0)]) for at in (sample.peaks, sample.random)
    )
    return auroc(np.where(sample.peaks >= 0, peaks, np.nan).astype(np.float32), random)


def _named(
    counts: dict[str, Counts], features: int, tokens: Tokens, reader: Reader
) -> tuple[dict[str, Kinds], dict[str, Floats]]:
    """The tokens that a label of each view would name, and the shares of the peaks they hold."""
    named, shares = {}, {}
    for view in VIEWS:
        types, share = counts[view].top(features, TOP, LEAST)
        ids = np.where(types >= 0, tokens.types[np.maximum(types, 0)], -1).astype(np.int32)
        named[view], shares[view] = reader.distinct(ids, share, NAMES)
    return named, shares


class Sayings:
    """How well tokens fit each part that a label may have."""

    def __init__(
        self, tokens: Tokens, reader: Reader, classes: Classes, named: dict[str, Kinds], member: Kinds
    ) -> None:
        self._tokens, self._reader, self._classes = tokens, reader, classes
        self._named, self._member = named, member

    def scores(self, at: Ints) -> Floats:
        """(part, feature, token): likeness to what is named, 1 or 0 for a class; NaN without a token."""
        there = np.maximum(at, 0)
        seen = {view: self._tokens.types[self._tokens.view[view][there]] for view in VIEWS}
        near = [self._reader.near(seen["token"], self._named["token"][:, :1])]
        near += [self._reader.near(seen[view], self._named[view]) for view in VIEWS]
        near += [
            self._classes.holds(self._member[:, n], there).astype(np.float32)
            for n in range(self._member.shape[1])
        ]
        return np.where(at >= 0, np.stack(near), np.nan).astype(np.float32)


def _fits(peaks: Floats, named: dict[str, Kinds], shares: dict[str, Floats], member_share: Floats) -> Floats:
    """(part, feature): the share of the peaks of which a part is true; 0 where it cannot be said."""
    fits: Floats = ((peaks >= ALIKE).sum(2) / np.maximum(1, (~np.isnan(peaks)).sum(2))).astype(np.float32)
    fits[ONE] = np.where(shares["token"][:, 0] >= SINGLE, fits[ONE], 0)
    for part, view in zip((TOKEN, NEXT, PREVIOUS), VIEWS, strict=True):
        fits[part] = np.where(named[view][:, 0] >= 0, fits[part], 0)
    fits[CLASS:] = np.minimum(fits[CLASS:], member_share.T)
    return fits


def _chosen(peaks: Floats, others: Floats, fits: Floats) -> tuple[NDArray[np.int8], Floats]:
    """The parts of each feature's label (feature PARTS, -1 = none), added greedily, and its AUROC."""
    count, features = fits.shape
    parts = np.full((features, PARTS), NONE, np.int8)
    own, other = np.zeros(peaks.shape[1:], np.float32), np.zeros(others.shape[1:], np.float32)
    best, free = np.full(features, 0.5, np.float32), np.ones_like(fits, bool)
    for step in range(PARTS):
        found = np.stack([auroc(own + peaks[c], other + others[c]) for c in range(count)])
        found = np.where(free & (fits >= (ADDS if step else FITS)), np.nan_to_num(found, nan=0), 0)
        found[ONE] += BETTER * (found[ONE] > 0)  # one token is the clearest label
        choice = found.argmax(0)
        value = found[choice, np.arange(features)] - BETTER * (choice == ONE)
        take = np.flatnonzero(value > best + BETTER * (step > 0))
        parts[take, step] = choice[take]
        own[take] += peaks[choice[take], take]
        other[take] += others[choice[take], take]
        best[take] = value[take]
        free[choice[take], take] = False
        free[np.ix_((ONE, TOKEN), take[choice[take] <= TOKEN])] = False
        free[:, np.setdiff1d(np.arange(features), take)] = False
    return parts, best


def _kinds(seen: Looked) -> NDArray[Any]:
    """The rule that makes each label; unlabelled where none is good enough."""
    said, alone = seen.near >= CHOSEN, seen.parts[:, 1] == NONE
    cases = [
        (seen.early, Kind.POSITION),
        (said & ~alone, Kind.CONTEXT),
        *(
            (said & (seen.parts[:, 0] == part), kind)
            for part, kind in (
                (ONE, Kind.TOKEN),
                (TOKEN, Kind.TOKENS),
                (NEXT, Kind.SAY),
                (PREVIOUS, Kind.AFTER),
            )
        ),
        (said & (seen.parts[:, 0] >= CLASS), Kind.CLASS),
        ((seen.raised[0] >= RAISES) & (seen.coherence >= COHERENT), Kind.THEME),
    ]
    return np.select([c for c, _ in cases], [str(k) for _, k in cases], str(Kind.NONE)).astype("U12")


def _added(scores: Floats, parts: NDArray[np.int8]) -> Floats:
    """The sum of the scores of each feature's own parts; NaN where it has none."""
    out = np.full(scores.shape[1:], np.nan, np.float32)
    has = np.flatnonzero(parts[:, 0] != NONE)
    out[has] = scores[parts[has, 0], has]
    for step in range(1, PARTS):
        more = np.flatnonzero(parts[:, step] != NONE)
        out[more] += scores[parts[more, step], more]
    return out


def _told(
    parts: NDArray[np.int8], named: dict[str, Kinds], promoted: Kinds, theme: NDArray[np.bool_]
) -> dict[str, Kinds]:
    """The token ids that each feature's own label names, by view."""
    out = {}
    for part, view in zip((TOKEN, NEXT, PREVIOUS), VIEWS, strict=True):
        out[view] = np.where((parts == part).any(1)[:, None], named[view], -1)
    out["token"][:, 0] = np.where((parts == ONE).any(1), named["token"][:, 0], out["token"][:, 0])
    out["promotes"] = np.where(theme[:, None], promoted, -1)
    return {view: ids.astype(np.int32) for view, ids in out.items()}
