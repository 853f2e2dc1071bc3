"""Controls of an ablation that are matched by construction: other words, pushed as far at the same places.

Taking a strongly held word out moves the stream further than taking any unrelated word out could: none is as
far. Here an unrelated word's coordinate is moved, up or down, by just the same length of stream.
"""

from collections.abc import Sequence

import torch

from tracer.attribution import Frozen
from tracer.concepts.change import Change, Clamp, stream_behind
from tracer.concepts.controls import DrawnControls, unrelated_words
from tracer.concepts.subspace import Subspace
from tracer.lens import Lens, directions


def push_controls(
    frozen: Frozen,
    lens: Lens,
    change: Change,
    tokens: Sequence[int],
    *,
    count: int = 99,
    seed: int = 0,
) -> DrawnControls:
    """Changes that clamp an unrelated word where `change` clamps something, and move the stream as far there.

    `tokens` are what the words must have nothing to do with. At each (layer, position) the length is that by
    which the change moves the unchanged text's stream; the sign is drawn. `matched` is how many words there
    are to draw from.
    """
    pool = unrelated_words(frozen.subject, tokens)
    generator = torch.Generator().manual_seed(seed)
    chosen = [pool[i] for i in torch.randperm(len(pool), generator=generator)[:count].tolist()]
    signs = (2 * torch.randint(2, (len(chosen),), generator=generator) - 1).tolist()
    columns = [_pushed(frozen, lens, clamp, chosen, signs) for clamp in change]
    changes = tuple(tuple(row) for row in zip(*columns, strict=True))
    return DrawnControls(changes, tuple((word,) for word in chosen), len(pool), count)


def _pushed(
    frozen: Frozen, lens: Lens, clamp: Clamp, words: Sequence[int], signs: Sequence[int]
) -> list[Clamp]:
    """For each word a clamp of it that moves the stream as far as another clamp does."""
    held = stream_behind(frozen, clamp.layer)[clamp.position]
    length = ((clamp.values - clamp.subspace.coordinates(held)) @ clamp.subspace.write).norm()
    reads = directions(lens, frozen.subject, clamp.layer, words).to(held)
    sizes = reads.norm(dim=-1, keepdim=True)
    steps = torch.tensor(signs).to(held)[:, None] * length * sizes  # of a coordinate
    values = (reads @ held)[:, None] + steps
    return [
        Clamp(clamp.layer, clamp.position, Subspace(read[None], write[None]), value)
        for read, write, value in zip(reads, reads / sizes**2, values, strict=True)
    ]
