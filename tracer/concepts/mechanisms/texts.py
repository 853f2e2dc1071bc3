"""The same text with a token replaced: what the model says then."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.words import Words
from tracer.interventions import Start, remember_prefix, rows_at_once
from tracer.models import Model, next_logits, part

AT_ONCE = 64  # positions whose logits over the whole vocabulary are held at once
WASTED = 96  # positions run in vain that cost about what a batch of its own does
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
    for first, rows in _together(by_first):
        logits[rows] = logits_behind(frozen, first, ids[rows, first:])
    return logits


def _together(by_first: Mapping[int, list[int]]) -> list[tuple[int, list[int]]]:
    """Texts that part near each other as one batch, which runs from where the first of them does."""
    found: list[tuple[int, list[int]]] = []
    for first in sorted(by_first, reverse=True):
        if found and len(found[-1][1]) * (found[-1][0] - first) <= WASTED:
            found[-1] = first, [*found[-1][1], *by_first[first]]
        else:
            found.append((first, by_first[first]))
    return found


def logits_behind(frozen: Frozen, first: int, tails: Int[Tensor, "text pos"]) -> Float[Tensor, "text vocab"]:
    """Of tails behind the text's first positions, whose keys and values are known: they are not run again."""
    begin = frozen.whole_ids[: frozen.before + first].tolist()
    if not begin:
        return next_logits(frozen.subject, begin, tails)
    remember_prefix(frozen, Start(0, 1))
    known = [frozen.keys_values[index] for index in range(len(frozen.layers))]
    size = rows_at_once(frozen, first)
    return torch.cat([next_logits(frozen.subject, begin, some, known) for some in tails.split(size)])


@torch.no_grad()
def says_along(subject: Model, frozen: Frozen) -> list[int]:
    """The likeliest next token at every position of the text."""
    seen = part(subject.model, subject.family.final_norm)(frozen.final_stream)
    head, found = subject.model.get_output_embeddings(), list[int]()
    for rows in seen.split(AT_ONCE):
        found += head(rows).argmax(-1).tolist()
    return found


def drawn_words(frozen: Frozen, words: Words, count: int, seed: int = 0) -> list[int]:
    """Words that are not in the text, always the same ones."""
    generator = torch.Generator().manual_seed(seed)
    held = set(frozen.ids.tolist())
    order = torch.randperm(len(words.tokens), generator=generator)
    chosen = (int(words.tokens[index]) for index in order.tolist())
    return [token for token, _ in zip((t for t in chosen if t not in held), range(count), strict=False)]
