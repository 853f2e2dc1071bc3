"""Which words the label of a feature names: chosen one after the other, by how much each tells.

A candidate is a token (at a peak, next, or before), a class of tokens at one of these places, or a kind of
text. A text's token fits a place as well as it fits the best of what is named there, and fits of different
places add up. Words are added greedily by what they are worth on FIT's peaks; how many of them stay is
decided on CHOOSE's. They are worth their AUROC, and a little for standing at the peaks themselves: of words
that tell as much a reader is better served with those to be met there. What a label scores is what its
words say and nothing else: the counts that proposed them are not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.autointerp.max_activations import VIEWS, Counts, Floats, Ints, Part, Tokens, auroc
from tracer.autointerp.simulator import Kinds, Reader
from tracer.autointerp.windows import LENGTH

TOP = 16  # candidate tokens a place
LEAST = 0.02  # share of the peaks of a token that may be named
CLASSES = 8  # candidate classes
ITEMS = 6  # words and classes a label may name
SHORTER = 0.005  # worth that a label may lose by naming less
SEEN = 0.1  # worth of naming tokens that are at all of the peaks, in AUROC
TEXT = len(VIEWS)  # the place of a kind of text
FINE = 32  # bins a unit of score, where words are compared
AT_ONCE = 128  # features
NONE = -1


class Classes:
    """Classes of tokens (of the token, the next, the one before) and of texts, as one numbered list."""

    def __init__(
        self, tokens: Tokens, of_tokens: Sequence[NDArray[np.bool_]], of_texts: Sequence[NDArray[np.bool_]]
    ) -> None:
        self._tokens, self._token = tokens, np.stack(of_tokens)
        self._text = np.stack([*of_texts, np.zeros(len(tokens.sources), bool)])
        self._views = np.stack([tokens.view[view] for view in VIEWS])
        everywhere = np.bincount(
            tokens.source[np.flatnonzero(tokens.part == Part.FIT) // LENGTH], minlength=len(tokens.sources)
        )
        self._usual = np.concatenate(
            [
                *(self._token @ tokens.count[view] / tokens.count[view].sum() for view in VIEWS),
                self._text @ everywhere / everywhere.sum(),
            ]
        )

    def place(self, member: Kinds) -> NDArray[np.int8]:
        """The places that classes speak of: 0 the token, 1 the next, 2 the one before, TEXT."""
        found: NDArray[np.int8] = np.minimum(np.maximum(member, 0) // len(self._token), TEXT).astype(np.int8)
        return found

    def holds(self, member: Kinds, at: Ints) -> NDArray[np.bool_]:
        """Whether tokens (feature token) are in the class of their row (-1: in none)."""
        place = self.place(member)
        kind = np.maximum(member, 0) - place.astype(np.int64) * len(self._token)
        of_text = (place == TEXT)[:, None]
        seen = self._views[np.minimum(place, TEXT - 1)[:, None], at]
        token = self._token[np.where(place == TEXT, 0, kind)[:, None], seen]
        text = self._text[np.where(place == TEXT, kind, -1)[:, None], self._tokens.source[at // LENGTH]]
        found: NDArray[np.bool_] = np.where(of_text, text, token) & (member >= 0)[:, None]
        return found

    def best(self, at: Ints, value: Floats, counts: dict[str, Counts]) -> Kinds:
        """The CLASSES whose share of the peaks most exceeds that of all tokens."""
        shares = [counts[view].class_shares(len(at), members) for view in VIEWS for members in self._token]
        weight = value / (value.sum(1, keepdims=True) + 1e-9)
        source = self._tokens.source[np.maximum(at, 0) // LENGTH]
        shares += [(weight * (members[source] & (at >= 0))).sum(1) for members in self._text]
        more = np.stack(shares, 1).astype(np.float32) - self._usual.astype(np.float32)  # feature class
        best = np.argsort(-more, 1)[:, :CLASSES]
        return np.where(np.take_along_axis(more, best, 1) > LEAST, best, NONE).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Words:
    """What the labels of some features name, and how well tokens fit it."""

    tokens: Tokens
    reader: Reader
    classes: Classes
    ids: dict[str, Kinds]  # view -> feature name: token ids, -1 = none
    member: Kinds  # feature name: numbers of classes, -1 = none

    def of(self, rows: NDArray[np.int64]) -> "Words":
        """Those of these features."""
        ids = {view: named[rows] for view, named in self.ids.items()}
        return Words(self.tokens, self.reader, self.classes, ids, self.member[rows])

    def only(self, some: NDArray[np.bool_]) -> "Words":
        """The same, with nothing named by the others."""
        ids = {view: np.where(some[:, None], named, NONE) for view, named in self.ids.items()}
        member = np.where(some[:, None], self.member, NONE)
        return Words(self.tokens, self.reader, self.classes, ids, member)

    def each(self, at: Ints) -> Floats:
        """(name, feature, token): how well tokens (-1: NaN) fit each name: tokens first, then classes."""
        there = np.maximum(at, 0)
        near = [self.reader.each(self._seen(view, there), self.ids[view]) for view in VIEWS]
        near += [self.classes.holds(column, there)[None].astype(np.float32) for column in self.member.T]
        return np.where(at >= 0, np.maximum(np.concatenate(near), 0), np.nan).astype(np.float32)

    def places(self) -> NDArray[np.int8]:
        """(name, feature): which place each name speaks of."""
        own = [np.full(ids.shape[::-1], place, np.int8) for place, ids in enumerate(self.ids.values())]
        return np.concatenate([*own, self.classes.place(self.member).T])

    def there(self) -> NDArray[np.bool_]:
        """(name, feature): whether there is such a name."""
        return np.concatenate([*((self.ids[view] >= 0).T for view in VIEWS), (self.member >= 0).T])

    def scores(self, at: Ints) -> Floats:
        """(feature, token): what the whole label makes of tokens; NaN without a token."""
        out = np.empty(at.shape, np.float32)
        for start in range(0, len(at), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(at)))
            some = self.of(rows)
            each, place, there = some.each(at[rows]), some.places(), some.there()
            each = np.where(there[:, :, None], each, 0)
            fits = [np.where((place == p)[:, :, None], each, 0).max(0) for p in range(TEXT + 1)]
            out[rows] = np.where(at[rows] >= 0, np.sum(fits, 0), np.nan)
        return out

    def exact(self, each: Floats) -> NDArray[np.bool_]:
        """(name, feature, token): where `each` names a token to the letter; classes never do."""
        tokens = sum(self.ids[view].shape[1] for view in VIEWS)
        found: NDArray[np.bool_] = each >= 1
        found[tokens:] = False
        return found

    def met(self, at: Ints) -> NDArray[np.bool_]:
        """(view, feature, token): whether a word named of this view stands there to the letter."""
        there = np.maximum(at, 0)
        found = [self.reader.same(self._seen(view, there), self.ids[view]) for view in VIEWS]
        out: NDArray[np.bool_] = np.stack(found) & (at >= 0)
        return out

    def literal(self, at: Ints) -> NDArray[np.bool_]:
        """(feature, token): whether one of the words, or of a class, stands there to the letter."""
        there = np.maximum(at, 0)
        out: NDArray[np.bool_] = np.any(self.met(at), 0)
        for column in self.member.T:
            out |= self.classes.holds(column, there) & (at >= 0)
        return out

    def _seen(self, view: str, at: Ints) -> NDArray[np.int32]:
        return self.tokens.types[self.tokens.view[view][at]]


@dataclass(frozen=True, slots=True)
class Sample:
    """Peaks of features and random tokens of one part (feature token), -1 = none."""

    peaks: Ints
    random: Ints


def find_candidates(
    at: Ints, value: Floats, tokens: Tokens, reader: Reader, classes: Classes
) -> tuple[Words, Counts, Floats]:
    """What a label may name, judging by counted peaks; the counts of tokens; the share of its first one."""
    counts = {view: Counts.of(at, value, tokens, view) for view in VIEWS}
    ids, first = {}, np.zeros(len(at), np.float32)
    for view in VIEWS:
        types, share = counts[view].top(len(at), 2 * TOP, LEAST)
        named = np.where(types >= 0, tokens.types[np.maximum(types, 0)], NONE).astype(np.int32)
        ids[view], shares = reader.distinct(named, share, TOP)
        first = shares[:, 0] if view == "token" else first
    return Words(tokens, reader, classes, ids, classes.best(at, value, counts)), counts["token"], first


def choose_words(all_words: Words, learn: Sample, choose: Sample) -> tuple[Words, Floats]:
    """The words that labels name (ITEMS a view at most), and their AUROC where their number was chosen."""
    parts = []
    for start in range(0, len(learn.peaks), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(learn.peaks)))
        some = all_words.of(rows)
        order = _path(some, some.each(learn.peaks[rows]), some.each(learn.random[rows]))
        parts.append(_cut(some, order, some.each(choose.peaks[rows]), some.each(choose.random[rows])))
    order, near = (np.concatenate(both) for both in zip(*parts, strict=True))
    return _named(all_words, order), near


def _path(words: Words, up: Floats, down: Floats) -> NDArray[np.int16]:
    """(feature, ITEMS): names (numbers as in Words.each) in the order in which they tell most."""
    place, free = words.places(), words.there()
    every, exact = np.arange(free.shape[1]), words.exact(up)
    have = [np.zeros((TEXT + 1, *scores.shape[1:]), np.float32) for scores in (up, down)]
    met = np.zeros(up.shape[1:], bool)
    order = np.full((free.shape[1], ITEMS), NONE, np.int16)
    for step in range(ITEMS):
        told = [_with(own, scores, place) for own, scores in zip(have, (up, down), strict=True)]
        value = np.where(free, _quick(*told) + SEEN * (exact & ~met).mean(2), 0)
        best = value.argmax(0)
        good = free[best, every]
        order[:, step] = np.where(good, best, NONE)
        free[best, every] = False
        met |= exact[best, every] & good[:, None]
        for own, scores in zip(have, (up, down), strict=True):
            at = (place[best, every], every)
            own[at] = np.where(good[:, None], np.fmax(own[at], scores[best, every]), own[at])
    return order


def _cut(
    words: Words, order: NDArray[np.int16], up: Floats, down: Floats
) -> tuple[NDArray[np.int16], Floats]:
    """The order up to where naming more hardly helps, and the AUROC reached there."""
    place, every, exact = words.places(), np.arange(len(order)), words.exact(up)
    met, share = np.zeros(up.shape[1:], bool), np.zeros((len(order), ITEMS), np.float32)
    have = [np.zeros((TEXT + 1, *scores.shape[1:]), np.float32) for scores in (up, down)]
    reached = np.full((len(order), ITEMS), np.nan, np.float32)
    for step in range(ITEMS):
        item, good = np.maximum(order[:, step], 0), order[:, step] >= 0
        for own, scores in zip(have, (up, down), strict=True):
            at = (place[item, every], every)
            own[at] = np.where(good[:, None], np.maximum(own[at], scores[item, every]), own[at])
        met |= exact[item, every] & good[:, None]
        reached[:, step], share[:, step] = auroc(have[0].sum(0), have[1].sum(0)), met.mean(1)
    worth = np.where(order >= 0, np.nan_to_num(reached, nan=0.0) + SEEN * share, 0)
    enough = (worth >= worth.max(1, keepdims=True) - SHORTER).argmax(1)
    return np.where(np.arange(ITEMS) <= enough[:, None], order, NONE), reached[every, enough]


def _with(have: Floats, scores: Floats, place: NDArray[np.int8]) -> Floats:
    """(name, feature, token): scores of labels that have what they have, and one more name."""
    own = have[place, np.arange(place.shape[1])]  # name feature token
    more: Floats = have.sum(0) + np.maximum(scores - own, 0)
    return more


def _quick(up: Floats, down: Floats) -> Floats:
    """(name, feature): AUROC to within a bin of 1 / FINE."""
    bins = FINE * (TEXT + 1) + 2
    counts = []
    for scores in (up, down):
        at = np.where(np.isnan(scores), bins - 1, np.nan_to_num(scores) * FINE).astype(np.int64)
        rows = np.arange(at.shape[0] * at.shape[1])[:, None] * bins
        flat = np.bincount((at.reshape(len(rows), -1) + rows).ravel(), minlength=len(rows) * bins)
        counts.append(flat.reshape(len(rows), bins)[:, :-1].astype(np.float32))
    below = np.cumsum(counts[1], 1) - counts[1] / 2
    pairs = counts[0].sum(1) * counts[1].sum(1)
    won = (counts[0] * below).sum(1) / np.maximum(pairs, 1)
    found: Floats = won.reshape(up.shape[:2]).astype(np.float32)
    return found


def _named(words: Words, order: NDArray[np.int16]) -> Words:
    """The words with these numbers, in this order."""
    ids, first = {}, 0
    for view in VIEWS:
        ids[view] = _picked(words.ids[view], order - first, order >= first)
        first += words.ids[view].shape[1]
    member = _picked(words.member, order - first, order >= first)
    return Words(words.tokens, words.reader, words.classes, ids, member)


def _picked(table: Kinds, column: NDArray[np.int16], good: NDArray[np.bool_]) -> Kinds:
    """(feature, ITEMS): entries of these columns, those that are there first."""
    good = good & (column >= 0) & (column < table.shape[1])
    found = np.where(good, np.take_along_axis(table, np.where(good, column, 0).astype(np.int64), 1), NONE)
    return np.take_along_axis(found, np.argsort(~good, 1, kind="stable"), 1).astype(np.int32)
