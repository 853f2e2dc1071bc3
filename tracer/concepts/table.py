"""What the lens reads on a whole text: the words that are read best behind each block, at each word."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution import Frozen
from tracer.cancellation import pulse
from tracer.concepts.words import Words, word_places
from tracer.lens import Lens, check_fits, normalised, stands_out, streams

AT_ONCE = 128  # places read together: each is a row as long as there are words


@dataclass(frozen=True, slots=True)
class WordTable:
    """The best words at each layer and position, best first.

    `score` says how many standard deviations each stands out against what is read there for other texts, NaN
    where the lens has no background.
    """

    layers: tuple[int, ...]
    positions: tuple[int, ...]
    tokens: Int[Tensor, "layer pos k"]
    score: Float[Tensor, "layer pos k"]


def read_table(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    *,
    layers: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    k: int = 3,
) -> WordTable:
    """The k best nameable words behind each block that was fitted, at every word of the text.

    `layers` and `positions` choose some. Raises LensError where the lens does not fit the model.
    """
    subject, stream = frozen.subject, streams(frozen)
    check_fits(lens, subject)
    chosen = tuple(lens.layers if layers is None else layers)
    places = tuple(word_places(frozen) if positions is None else positions)
    shape = (len(chosen), len(places), min(k, len(words.tokens)))
    if not chosen or not places:
        return WordTable(chosen, places, torch.zeros(shape, dtype=torch.long), torch.zeros(shape))
    here = [stream[layer, list(places)] for layer in chosen]
    moved = torch.cat(
        [
            normalised(subject, lens.transport(layer, some.float()))
            for layer, some in zip(chosen, here, strict=True)
        ]
    )
    best = []
    for some in moved.split(AT_ONCE):  # of all layers: the rows of the words are the most to go through
        pulse()
        best.append((some @ words.rows.T).topk(shape[2]).indices.cpu())
    tokens = words.tokens[torch.cat(best)].reshape(shape)
    score = [
        stands_out(lens, subject, layer, some, row)
        for layer, some, row in zip(chosen, here, tokens, strict=True)
    ]
    return WordTable(chosen, places, tokens, torch.stack(score).cpu())
