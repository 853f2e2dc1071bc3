"""What a reader who knows only a label's words makes of a token: one of those named, or like them, or not.

Tokens of the same letters, whatever their case and spaces, are the same. Others are alike as far as the model
treats them alike: the cosine of which features fire on them (positive pointwise mutual information of token
and feature at the peaks of the fitting part, turned onto its DIRECTIONS strongest directions).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tracer.autointerp.max_activations import Floats, Ints, Tokens
from tracer.autointerp.write_directions import FREQUENT
from tracer.errors import TextError
from tracer.models import Model

DIRECTIONS = 128
WORD = re.compile(r" \w{3,}|\s?[\u3040-\u9fff\uac00-\ud7af]{2,}")
WORDS = 3  # of the tokens that make a theme
MORE = 32  # directions tried beyond those
ROUNDS = 2  # of the power iteration (Halko, Martinsson and Tropp 2011)
AT_ONCE = 256  # features compared at a time

Kinds = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Reader:
    """Likeness of token ids."""

    rows: Floats  # vocab direction: unit vectors, zero for tokens that no feature's peak showed
    meaning: Floats  # vocab direction: the subject's own embeddings, centred, unit vectors
    fold: Kinds  # vocab -> a number that tokens of the same letters share
    whole: NDArray[np.bool_]  # vocab -> whether it is a word by itself, not a piece of one

    @classmethod
    def of(cls, subject: Model, tokens: Tokens, peaks: Sequence[Ints]) -> "Reader":
        """The reader of a subject's tokens, from peaks (feature peak; -1 is none) of some layers."""
        embedded = subject.unembedding.float()
        middle = embedded[:FREQUENT].mean(0)
        frequent = torch.nn.functional.normalize(embedded[:FREQUENT] - middle, dim=1)
        basis = torch.linalg.eigh(frequent.T @ frequent).eigenvectors[:, -DIRECTIONS:]
        meaning = torch.nn.functional.normalize((embedded - middle) @ basis, dim=1).cpu().numpy()
        rows = np.zeros((len(meaning), DIRECTIONS), np.float32)
        found = _alike(tokens, peaks)
        rows[tokens.types, : found.shape[1]] = found
        texts = subject.token_texts(range(len(rows)))
        return cls(
            rows,
            meaning,
            number_by_letters(texts),
            np.array([WORD.fullmatch(text) is not None for text in texts]),
        )

    def save(self, path: Path) -> None:
        """Write which tokens are alike, whole or not at all."""
        part = path.with_suffix(".part")
        save_file({name: getattr(self, name) for name in ("rows", "meaning", "fold", "whole")}, part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Reader":
        """Read what `save` wrote; raises TextError where it cannot be read."""
        try:
            found = load_file(path)
            return cls(found["rows"], found["meaning"], found["fold"], found["whole"])
        except (OSError, KeyError, SafetensorError) as exc:
            raise TextError(
                f"{str(path)!r} cannot be read: run `askcircuit features describe` with --work there."
            ) from exc

    def near(self, ids: Kinds, named: Kinds) -> Floats:
        """How like tokens (feature token) are to the likest of those named (feature name; -1 is none)."""
        out = np.empty(ids.shape, np.float32)
        for start in range(0, len(ids), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            out[rows] = self.each(ids[rows], named[rows]).max(0)
        return out

    def each(self, ids: Kinds, named: Kinds) -> Floats:
        """(name, feature, token): how like tokens (feature token) are to each that is named; -1 without."""
        said = np.maximum(named, 0)
        cosine = np.matmul(self.rows[said], self.rows[ids].transpose(0, 2, 1))  # feature name token
        same = self.fold[said][:, :, None] == self.fold[ids][:, None]
        found = np.where((named >= 0)[:, :, None], np.where(same, 1, np.minimum(cosine, 0.99)), -1)
        return found.transpose(1, 0, 2).astype(np.float32)

    def same(self, ids: Kinds, named: Kinds) -> NDArray[np.bool_]:
        """Whether tokens (feature token) are of the letters of one that is named (feature name)."""
        out = np.zeros(ids.shape, bool)
        for column in named.T:
            out |= (self.fold[ids] == self.fold[np.maximum(column, 0)][:, None]) & (column >= 0)[:, None]
        return out

    def theme(self, promoted: Kinds, k: int) -> tuple[Kinds, Floats]:
        """The k whole words of each row (-1 is none) that mean most nearly the same, and how nearly.

        Nearness is the mean cosine of their own embeddings with each other; 0 for fewer than WORDS words:
        pieces of words are alike, and mean nothing to a reader.
        """
        ids, _ = self.distinct(promoted, np.zeros(promoted.shape, np.float32), promoted.shape[1])
        good = (ids >= 0) & self.whole[np.maximum(ids, 0)]
        rows = self.meaning[np.maximum(ids, 0)] * good[:, :, None]
        cosine = np.matmul(rows, rows.transpose(0, 2, 1))  # feature word word
        both = good[:, :, None] & good[:, None]
        near = np.sort(np.where(both, cosine, -1), 2)[:, :, ::-1][:, :, :k]  # its own cosine, 1, comes first
        middle = near.sum(2).argmax(1)  # the word with the nearest others
        every = np.arange(len(ids))
        order = np.argsort(-np.where(both, cosine, -1)[every, middle], 1, kind="stable")[:, :k]
        order.sort(1)  # what is promoted most comes first
        kept = np.take_along_axis(good, order, 1)
        told = np.where(kept, np.take_along_axis(ids, order, 1), -1)
        told = np.take_along_axis(told, np.argsort(~kept, 1, kind="stable"), 1).astype(np.int32)
        return told, self.coherence(told)

    def coherence(self, named: Kinds) -> Floats:
        """Mean cosine of the named tokens' own embeddings (feature name; -1 is none) with each other.

        0 where fewer than WORDS of them are words: pieces of words are alike, and mean nothing to a reader.
        """
        rows = self.meaning[np.maximum(named, 0)] * (named >= 0)[:, :, None]
        have = (named >= 0).sum(1)
        whole = (rows.sum(1) ** 2).sum(1) - have
        words = (self.whole[np.maximum(named, 0)] & (named >= 0)).sum(1)
        found = np.where(words >= WORDS, whole / np.maximum(1, have * (have - 1)), 0)
        return found.astype(np.float32)

    def distinct(self, ids: Kinds, shares: Floats, k: int) -> tuple[Kinds, Floats]:
        """The first k of different letters in each row (-1 is none), the shares of those alike added up."""
        fold = np.where(ids >= 0, self.fold[np.maximum(ids, 0)], -1 - np.arange(ids.shape[1]))
        same = fold[:, :, None] == fold[:, None]
        first = same.argmax(2) == np.arange(ids.shape[1])  # the first of its letters
        added = np.where(same, shares[:, None], 0).sum(2)
        order = np.argsort(~(first & (ids >= 0)), 1, kind="stable")[:, :k]
        kept = np.take_along_axis(first & (ids >= 0), order, 1)
        return (
            np.where(kept, np.take_along_axis(ids, order, 1), -1).astype(np.int32),
            np.where(kept, np.take_along_axis(added, order, 1), 0).astype(np.float32),
        )


def number_by_letters(texts: Sequence[str]) -> Kinds:
    """A number for each text that those with the same letters share."""
    number: dict[str, int] = {}
    return np.array([number.setdefault(t.strip().casefold() or t, len(number)) for t in texts], np.int32)


def _alike(tokens: Tokens, peaks: Sequence[Ints]) -> Floats:
    """Unit vectors of the types by the features that fire on them (type direction)."""
    every = np.concatenate(list(peaks))
    feature, column = np.nonzero(every >= 0)
    kinds = tokens.view["token"][every[feature, column]]
    place = torch.from_numpy(np.stack([kinds, feature]).astype(np.int64))
    size = (len(tokens.types), len(every))
    seen = torch.sparse_coo_tensor(place, torch.ones(len(kinds)), size, check_invariants=True).coalesce()
    (kind, feature_of), count = seen.indices(), seen.values()
    by_type, by_feature = (torch.bincount(rows, weights=count) for rows in (kind, feature_of))
    lift = (count * count.sum() / (by_type[kind] * by_feature[feature_of])).log().clamp_min(0).float()
    told = torch.sparse_coo_tensor(seen.indices(), lift, size, check_invariants=True).coalesce()
    back = told.t().coalesce()
    k = min(DIRECTIONS + MORE, *size)
    turned = torch.sparse.mm(told, torch.randn(size[1], k, generator=torch.Generator().manual_seed(0)))
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(turned).Q
        turned = torch.sparse.mm(told, torch.sparse.mm(back, basis))
    basis = torch.linalg.qr(turned).Q
    left, strength, _ = torch.linalg.svd(torch.sparse.mm(back, basis).T, full_matrices=False)
    rows = (basis @ left)[:, :DIRECTIONS] * strength[:DIRECTIONS].sqrt()
    found: Floats = torch.nn.functional.normalize(rows, dim=1).numpy()
    return found
