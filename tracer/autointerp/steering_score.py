"""Whether amplifying a feature raises the tokens it is said to promote, on the real model. Knows no labels.

A feature is set to its peak at the last token of a text that has nothing to do with it, and the model runs on
from there. The output score is the chance that a claimed token's logit moved up further than that of a token
drawn at random among the frequent ones: 0.5 is chance; what another feature's claims get is told beside it.
"""

import threading

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from tracer.attribution import Frozen, freeze
from tracer.autointerp.feature_sets import FeatureSet
from tracer.autointerp.write_directions import FREQUENT
from tracer.interventions import Start, remember_prefix, rerun
from tracer.models import part

TEXTS = 3  # in which a feature is amplified
LENGTH = 24  # tokens of such a text
DRAWN = 256  # random tokens that claimed ones are compared with
BATCH = 512  # features amplified at once

Floats = NDArray[np.float32]
Kinds = NDArray[np.int32]


class Amplifier:
    """Texts of a subject, ready to be run again with one feature changed.

    Calls wait for each other, and for those of other amplifiers with the same lock `turn`: a change is a hook
    on the one model.
    """

    def __init__(
        self, features: FeatureSet, windows: NDArray[np.int32], turn: "threading.Lock | None" = None
    ) -> None:
        subject = features.subject
        self._features, self._subject, self._turn = features, subject, turn or threading.Lock()
        self._texts = [freeze(subject, torch.from_numpy(ids[:LENGTH]).long()) for ids in windows[:TEXTS]]
        self._drawn = np.random.default_rng(0).choice(min(FREQUENT, len(subject.unembedding)), DRAWN)

    def raised(self, layer: int, peak: Floats, claims: Kinds, first: int = 0) -> tuple[Floats, Floats]:
        """Output scores of claims (feature token; -1 is none) about some features of a layer, and shuffled.

        Feature 2n is index n, positive, 2n + 1 negative, the first index being `first`; `peak` is what each
        is set to. NaN where nothing is claimed.
        """
        own, other = (np.full(len(claims), np.nan, np.float32) for _ in range(2))
        rows = np.flatnonzero((claims[:, 0] >= 0) & (peak > 0))
        shuffled = claims[np.roll(rows, len(rows) // 3 | 1)]
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            ids = np.concatenate([claims[some], shuffled[start : start + BATCH]], 1)
            with self._turn:
                where = some + 2 * first
                told = [self._scores(text, layer, where, peak[some], ids) for text in self._texts]
            own[some], other[some] = np.mean(told, 0)
        return own, other

    def _scores(
        self, text: Frozen, layer: int, features: NDArray[np.int64], peak: Floats, ids: Kinds
    ) -> Floats:
        """(2, feature): the score of the first half of `ids` (feature token) and of the second."""
        value = torch.from_numpy(np.where(features % 2 == 0, peak, -peak).astype(np.float32))
        index = torch.from_numpy(features // 2)
        start = Start(layer, text.length - 1)
        remember_prefix(text, start)
        with torch.inference_mode():
            before = self._read(rerun(text, 1, start)[:, -1])
            with self._features.held(layer, index, value):
                after = self._read(rerun(text, len(features), start)[:, -1])
            moved = after - before  # feature d_model, as logits will read it
            table = self._subject.unembedding
            drawn = (moved @ table[torch.from_numpy(self._drawn)].float().T).numpy()
            claimed = table[torch.from_numpy(np.maximum(ids, 0)).long()].float()
            told = torch.einsum("fd,ftd->ft", moved, claimed).numpy()
        wins = (told[:, :, None] > drawn[:, None]).mean(2)
        wins = np.where(ids >= 0, wins, np.nan)
        half = ids.shape[1] // 2
        both = np.stack([np.nanmean(wins[:, :half], 1), np.nanmean(wins[:, half:], 1)])
        return both.astype(np.float32)

    def _read(self, stream: Float[Tensor, "feature d_model"]) -> Float[Tensor, "feature d_model"]:
        read: Tensor = part(self._subject.model, self._subject.family.final_norm)(stream)
        return read.float()
