"""The same text with a token replaced: what the model says then."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.words import Words
from tracer.models import Model, next_logits

Replacement = tuple[tuple[int, int], ...]  # (position, token) pairs


@torch.no_grad()
def logits_with(frozen: Frozen, replacements: Sequence[Replacement]) -> Float[Tensor, "text vocab"]:
    """The next-token logits of the text with tokens replaced: those that begin alike in one batch."""
    ids = frozen.ids.repeat(len(replacements), 1)
    by_first: dict[int, list[int]] = {}
    for row, replacement in enumerate(replacements):
        for position, token in replacement:
            ids[row, position] = token
        by_first.setdefault(min((at for at, _ in replacement), default=frozen.length - 1), []).append(row)
    logits = frozen.logits.new_empty(len(replacements), len(frozen.logits))
    for first, rows in by_first.items():
        logits[rows] = next_logits(frozen.subject, frozen.ids[:first].tolist(), ids[rows, first:])
    return logits


@torch.no_grad()
def says_along(subject: Model, frozen: Frozen) -> list[int]:
    """The likeliest next token at every position of the text."""
    found: list[int] = subject.model(frozen.ids[None], use_cache=False).logits[0].argmax(-1).tolist()
    return found


def drawn_words(frozen: Frozen, words: Words, count: int, seed: int = 0) -> list[int]:
    """Words that are not in the text, always the same ones."""
    generator = torch.Generator().manual_seed(seed)
    held = set(frozen.ids.tolist())
    order = torch.randperm(len(words.tokens), generator=generator)
    chosen = (int(words.tokens[index]) for index in order.tolist())
    return [token for token, _ in zip((t for t in chosen if t not in held), range(count), strict=False)]
