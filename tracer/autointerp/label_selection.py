"""For every feature of a layer: which short label tells its peaks best, judged by what its words say.

A label names tokens it fires on, the next, the one before, classes of any of these, a kind of text
(tracer.autointerp.label_words). Where none is good enough, what the feature promotes is its label, if
amplifying it does raise that; else it stays unlabelled. Tokens are named from one part of the corpus, words
are chosen on a second, held out documents decide whether the label is kept, and its scores are from other
held out documents that decided nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.autointerp.activation_evidence import Firing
from tracer.autointerp.label_words import NONE, Classes, Sample, Words, choose_words, find_candidates
from tracer.autointerp.max_activations import (
    FITTED,
    JUDGED,
    VIEWS,
    Counts,
    Floats,
    Ints,
    Part,
    Tokens,
    auroc,
    mask_own_peaks,
    pick_peaks,
)
from tracer.autointerp.simulator import Kinds, Reader
from tracer.autointerp.windows import LENGTH

LEARNT = 100  # peaks, and half as many more random tokens, on which words are compared
HOLDS = 0.79  # AUROC that a label must reach where it is chosen, and on the held-out text that decides
FITS = 0.4  # share of the deciding peaks that a label must fit
ALIKE = 0.45  # likeness from which a token fits
SINGLE = 0.5  # share of the peaks that makes one token a label by itself
RAISES = 0.9  # output score that makes what a feature promotes its label
COHERENT = 0.3  # mean nearness of promoted tokens to each other that makes them a theme
NAMES = 4  # promoted tokens a theme names
FIRST = 3  # positions of a text that are its beginning


class Kind(StrEnum):
    """The rule that made a label."""

    POSITION = "position"
    TOKEN = "token"  # one token
    TOKENS = "tokens"
    SAY = "say"  # what comes next
    AFTER = "after"  # what came before
    CLASS = "class"
    CONTEXT = "context"  # several of these
    THEME = "theme"  # what it promotes
    NONE = "unlabelled"


@dataclass(frozen=True, slots=True)
class Findings:
    """One layer's features, in order: 2n is n+, 2n + 1 is n-."""

    kind: NDArray[Any]
    random: Floats  # AUROC on untouched text against random tokens; NaN where the label does not say where
    hard: Floats  # the same against peaks of the nearest features
    shuffled: Floats  # another feature's label on this feature's peaks
    table: Floats  # all token counts in place of a label, for every feature
    output: Floats  # whether amplifying it raises what the label says it promotes; NaN where it says nothing
    output_shuffled: Floats  # the same with another feature's label
    raises: NDArray[np.bool_]  # whether it did so on the texts that decide
    stands: Floats  # share of the deciding peaks at which a word or class of the label stands
    met: Floats  # (view feature) the same for the words named of each view alone
    promotes: Kinds  # feature NAMES: token ids a theme names, -1 = none
    words: Words  # what the labels name; nothing where they are unlabelled


@dataclass(frozen=True, slots=True)
class Output:
    """What features do to the next word: promoted ids (feature k), how much they raise claimed ones.

    `raised`: claims (feature token) -> output score on the texts that decide, on others, shuffled on others.
    """

    promoted: Kinds
    raised: Callable[[Kinds], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True, slots=True)
class HeldOutTokens:
    """The tokens of a held-out part by which a layer's labels are judged (feature JUDGED), -1 = none."""

    peaks: Ints
    random: Ints
    hard: Ints


@dataclass(frozen=True, slots=True)
class LabelCandidates:
    """All there is to decide by, but for what amplifying shows."""

    words: Words
    near: Floats  # AUROC where the words were chosen
    kept: Floats  # AUROC where it is decided
    stands: Floats
    met: Floats
    fits: Floats  # share of the deciding peaks that the label fits
    single: NDArray[np.bool_]  # the first token named holds most of the peaks
    early: NDArray[np.bool_]  # most of its peaks are at the beginning of a text, and nearly only there
    by_words: dict[str, Floats]  # random, hard, shuffled: AUROC on untouched text
    by_place: dict[str, Floats]
    table: Floats
    theme: Kinds
    coherence: Floats


def sample_peaks(firing: Firing, tokens: Tokens, part: Part, peaks: int, random: int) -> Sample:
    """Peaks of each feature in a part, evenly over ranks, and random tokens."""
    found, _ = pick_peaks(firing, tokens, part, peaks)
    return Sample(found, tokens.drawn(part, len(found), random))


def sample_held_out(firing: Firing, tokens: Tokens, part: Part, nearest: Ints) -> HeldOutTokens:
    """Peaks of each feature, random tokens, and `nearest`: tokens on which its neighbours peak."""
    found = sample_peaks(firing, tokens, part, JUDGED, JUDGED)
    return HeldOutTokens(found.peaks, found.random, mask_own_peaks(firing, nearest))


def find_labels(
    firing: Firing, tokens: Tokens, reader: Reader, classes: Classes, hard: Ints, output: Output
) -> Findings:
    """Name words, choose among them, decide, score; `hard` are untouched peaks of the nearest features."""
    return choose_labels(
        find_label_candidates(firing, tokens, reader, classes, hard, output.promoted), output
    )


def find_label_candidates(
    firing: Firing, tokens: Tokens, reader: Reader, classes: Classes, hard: Ints, promoted: Kinds
) -> LabelCandidates:
    """Everything about a layer's labels but the decision."""
    at, value = pick_peaks(firing, tokens, Part.FIT, FITTED)
    every, counts, share = find_candidates(at, value, tokens, reader, classes)
    learn = sample_peaks(firing, tokens, Part.FIT, LEARNT, 3 * LEARNT // 2)
    choose, keep = (sample_peaks(firing, tokens, part, JUDGED, JUDGED) for part in (Part.CHOOSE, Part.KEEP))
    words, near = choose_words(every, learn, choose)
    score = sample_held_out(firing, tokens, Part.SCORE, hard)
    first = np.where(at >= 0, (at % LENGTH <= FIRST) * value, 0).sum(1) / (value.sum(1) + 1e-9)
    early = np.minimum(*(auroc(_place(part.peaks), _place(part.random)) for part in (choose, keep)))
    theme, coherence = reader.theme(promoted, NAMES)
    there, scores = np.maximum(1, (keep.peaks >= 0).sum(1)), words.scores(keep.peaks)
    return LabelCandidates(
        words=words,
        near=near,
        kept=auroc(scores, words.scores(keep.random)),
        stands=(words.literal(keep.peaks).sum(1) / there).astype(np.float32),
        met=(words.met(keep.peaks).sum(2) / there).astype(np.float32),
        fits=((scores >= ALIKE).sum(1) / there).astype(np.float32),
        single=share >= SINGLE,
        early=(first > 0.5) & (early >= HOLDS),
        by_words=_judged(words.scores, score),
        by_place=_judged(_place, score),
        table=_by_counts(counts, tokens, score),
        theme=theme,
        coherence=coherence,
    )


def choose_labels(seen: LabelCandidates, output: Output) -> Findings:
    """The label each feature gets."""
    kind = _kinds(seen)
    said, early = ~np.isin(kind, (Kind.NONE, Kind.POSITION)), kind == Kind.POSITION
    following = np.where(said[:, None], seen.words.ids["next"], NONE)
    hint = (kind == Kind.NONE) & (seen.coherence >= COHERENT)
    claims = np.full((len(kind), max(following.shape[1], NAMES)), NONE, np.int32)
    claims[:, : following.shape[1]] = following
    claims[hint] = NONE
    claims[hint, :NAMES] = seen.theme[hint]
    decides, score, shuffled = output.raised(claims)
    theme = hint & (decides >= RAISES)
    kind = np.where(theme, str(Kind.THEME), kind)
    tells = (said & (following[:, 0] >= 0)) | theme
    scores = {
        name: np.select((said, early), (found, seen.by_place[name]), np.nan).astype(np.float32)
        for name, found in seen.by_words.items()
    }
    return Findings(
        kind=kind,
        **scores,
        table=seen.table,
        output=np.where(tells, score, np.nan).astype(np.float32),
        output_shuffled=np.where(tells, shuffled, np.nan).astype(np.float32),
        raises=tells & (decides >= RAISES),
        stands=np.where(said, seen.stands, np.nan).astype(np.float32),
        met=seen.met,
        promotes=np.where(theme[:, None], seen.theme, NONE),
        words=seen.words.only(said),
    )


def _place(at: Ints) -> Floats:
    """The score of a label that says: at the beginning."""
    return np.where(at >= 0, -(at % LENGTH), np.nan).astype(np.float32)


def _judged(scores: Callable[[Ints], Floats], sample: HeldOutTokens) -> dict[str, Floats]:
    """AUROC against random tokens, against the nearest features' peaks, and of another feature's label."""
    swapped, firing = np.arange(len(sample.peaks)), np.flatnonzero((sample.peaks >= 0).any(1))
    swapped[firing] = np.roll(firing, len(firing) // 3 | 1)
    own, random = scores(sample.peaks), scores(sample.random)
    return {
        "random": auroc(own, random),
        "hard": auroc(own, scores(sample.hard)),
        "shuffled": auroc(scores(sample.peaks[swapped]), random),
    }


def _by_counts(counts: Counts, tokens: Tokens, sample: HeldOutTokens) -> Floats:
    """What the whole table of token counts would score."""
    peaks, random = (
        counts.score(tokens.view["token"][np.maximum(at, 0)]) for at in (sample.peaks, sample.random)
    )
    return auroc(np.where(sample.peaks >= 0, peaks, np.nan).astype(np.float32), random)


def _kinds(seen: LabelCandidates) -> NDArray[Any]:
    """The rule that makes each label; unlabelled where none is good enough."""
    words = seen.words
    said = (np.fmin(seen.near, seen.kept) >= HOLDS) & (seen.fits >= FITS)
    token, following, before = ((words.ids[view] >= 0).sum(1) for view in VIEWS)
    classes = (words.member >= 0).sum(1)
    total = token + following + before + classes
    cases = [
        (seen.early, Kind.POSITION),
        (said & (total == 1) & (token == 1) & seen.single, Kind.TOKEN),
        *(
            (said & (total == some) & (some > 0), kind)
            for some, kind in (
                (token, Kind.TOKENS),
                (following, Kind.SAY),
                (before, Kind.AFTER),
                (classes, Kind.CLASS),
            )
        ),
        (said, Kind.CONTEXT),
    ]
    return np.select([c for c, _ in cases], [str(k) for _, k in cases], str(Kind.NONE)).astype("U12")
