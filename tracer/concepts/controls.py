"""Displacement-matched controls: the same operation on tokens that have nothing to do with the concept.

An exchange is matched by exchanges of two other tokens that move the stream by the same length, an ablation
by ablations of another token. Never widened: where too few match, there are fewer controls.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Change, stream_behind
from tracer.concepts.kinds import above_random, is_content
from tracer.concepts.operations import Held, exchange
from tracer.lens import Lens, directions, similar
from tracer.models import Model

LEVEL = 0.05
ENOUGH_CONTROLS = round(1 / LEVEL) - 1  # 19: where none of them does as much, p is LEVEL
TOLERANCE = 0.1  # relative difference of the length by which the stream moves
COMMON = 16_384  # the first tokens of a vocabulary are the most frequent
POOL = 1200  # words that controls are drawn from
UNRELATED = 0.3, 1.5  # cosine, or deviations above random tokens', below which words share nothing


class DrawnControls(NamedTuple):
    """Changes that move the stream as far, how many there would have been, and how many were wanted."""

    changes: tuple[Change, ...]
    tokens: tuple[tuple[int, ...], ...]  # the one or two tokens of each
    matched: int
    asked: int


def exchange_controls(
    frozen: Frozen,
    lens: Lens,
    held: Held,
    pair: tuple[int, int],
    *,
    away_from: Sequence[int] = (),
    count: int = 99,
    seed: int = 0,
) -> DrawnControls:
    """Exchanges of two other words that move the stream as far as exchanging this pair does, ± 10 %.

    None of the words is near one of the pair or of `away_from` (the answer, its alternatives).
    """
    own = list(pair)
    pool = unrelated_words(frozen.subject, (*own, *away_from))
    lengths = _exchange_lengths(frozen, lens, held, pool)
    wanted = float(_exchange_lengths(frozen, lens, held, own)[0, 1])
    near = ((lengths / max(wanted, 1e-30) - 1).abs() <= TOLERANCE).triu(1).nonzero()
    chosen = near[_drawn(len(near), count, seed)].tolist()
    tokens = tuple((pool[i], pool[j]) for i, j in chosen)
    changes = tuple(exchange(frozen, lens, held, [one], [other]) for one, other in tokens)
    return DrawnControls(changes, tokens, len(near), count)


def p_value(measured: float, controls: Sequence[float]) -> float:
    """(1 + number of controls at least as large in size) / (1 + number of controls)."""
    return (1 + sum(abs(one) >= abs(measured) for one in controls)) / (1 + len(controls))


def unrelated_words(subject: Model, tokens: Sequence[int]) -> list[int]:
    """Common words whose unembeddings are near none of these tokens'."""
    pool, own, (most, deviations) = _common_words(subject), list(dict.fromkeys(tokens)), UNRELATED
    least = above_random(subject, own, deviations).clamp_max(most)
    far = (similar(subject, pool, own) < least).all(1)
    return [word for word, is_far in zip(pool, far.tolist(), strict=True) if is_far]


def _common_words(subject: Model) -> list[int]:
    """Frequent whole words, spread over the vocabulary; looked for once a model."""
    if not subject.common:
        subject.common.extend(_find_common_words(subject))
    return subject.common


def _find_common_words(subject: Model) -> list[int]:
    size = min(COMMON, len(subject.unembedding))
    texts = subject.token_texts(range(size))
    words = [
        token
        for token, text in enumerate(texts)
        if text[:1].isspace() and text[1:].isalpha() and len(text) > 4 and is_content(text)
    ]
    kept = words or list(range(size))
    return kept[:: max(1, len(kept) // POOL)][:POOL]


def _drawn(available: int, count: int, seed: int) -> Tensor:
    return torch.randperm(available, generator=torch.Generator().manual_seed(seed))[:count]


def _exchange_lengths(
    frozen: Frozen, lens: Lens, held: Held, tokens: Sequence[int]
) -> Float[Tensor, "token other"]:
    """|h' - h| of exchanging each two tokens, summed over places: |c_i - c_j| √(uᵀ K⁻¹ u), u = (1, -1)."""
    total = frozen.final_stream.new_zeros(len(tokens), len(tokens))
    for layer in held.layers:
        read = directions(lens, frozen.subject, layer, tokens).to(total)
        gram = read @ read.T
        own = gram.diagonal()
        inner = own[:, None] + own + 2 * gram
        step = (inner / (own[:, None] * own - gram**2).clamp_min(1e-20)).clamp_min(0).sqrt()
        for position in held.positions:
            c = read @ stream_behind(frozen, layer)[position]
            total += (c[:, None] - c).abs() * step
    return total
