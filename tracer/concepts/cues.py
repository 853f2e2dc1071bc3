"""Why a head looks at a word: what is held at either end of the look that its attention weight hangs on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.cancellation import pulse
from tracer.concepts.change import Change
from tracer.concepts.kinds import HELD_HERE
from tracer.concepts.looks import Look
from tracer.concepts.operations import Held, ablate
from tracer.concepts.pushes import push_controls
from tracer.concepts.table import read_table
from tracer.concepts.words import Words
from tracer.interventions import rows_at_once
from tracer.lens import Lens
from tracer.models import hook_after, part

TRIED = 4  # words at each end that are tried, those the lens reads best there
NEARLY = 0.6  # of what goes with the strongest: of such words the one that is read best is named
KEEPS = 0.8  # of the attention weight: what leaves more of it is no reason for the look


class Cue(NamedTuple):
    """A word read at one end of a look (`position`), and what is left of the attention weight without it.

    `controls` are the weights that are left where the stream is pushed as far along unrelated words; `tried`
    is how many words of that place it was chosen from.
    """

    token: int
    position: int
    attention: float
    controls: tuple[float, ...]
    tried: int


def find_cues(
    frozen: Frozen, lens: Lens, words: Words, look: Look, *, count: int = 99, seed: int = 0
) -> tuple[Cue, ...]:
    """What the look hangs on: at the word that is looked at (the key), and at the one that looks (the query).

    Of the best words the lens reads in what enters the head's block, one without which much of the weight
    goes. None for an end where each leaves most of it, in a block that the lens does not reach, and where
    only the end of a long text is looked at.
    """
    below = look.layer - 1
    if below not in lens.layers or look.source == look.target or frozen.before:
        return ()
    own = float(attention_with(frozen, look, [()])[0])
    found = (
        _cue(frozen, lens, words, look, place, own, (count, seed)) for place in (look.source, look.target)
    )
    return tuple(cue for cue in found if cue is not None)


def _cue(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    look: Look,
    place: int,
    own: float,
    drawn: tuple[int, int],
) -> Cue | None:
    below, held = look.layer - 1, Held((place,), look.layer - 1, look.layer - 1)
    table = read_table(frozen, lens, words, layers=[below], positions=[place], k=TRIED)
    read = zip(table.tokens[0, 0].tolist(), table.score[0, 0].tolist(), strict=True)
    tokens = [token for token, score in read if not score < HELD_HERE]  # NaN without a background: tried
    if not tokens:
        return None
    changes = [ablate(frozen, lens, held, [token]) for token in tokens]
    left = attention_with(frozen, look, changes)
    most = own - float(left.min())
    if most < (1 - KEEPS) * own:
        return None
    best = next(row for row, weight in enumerate(left.tolist()) if own - weight >= NEARLY * most)
    pushed = push_controls(frozen, lens, changes[best], tokens, count=drawn[0], seed=drawn[1])
    others = attention_with(frozen, look, pushed.changes)
    return Cue(tokens[best], place, float(left[best]), tuple(others.tolist()), len(tokens))


@torch.no_grad()
def attention_with(frozen: Frozen, look: Look, changes: Sequence[Change]) -> Float[Tensor, " change"]:
    """The weight a head gives what it looks at when what enters its block is changed.

    Each change clamps coordinates behind the block before; () is no change.
    """
    stream, block = frozen.layers[look.layer].stream, frozen.subject.blocks[look.layer]
    call = {name: value for name, value in frozen.calls[look.layer].items() if name != "hidden_states"}
    attention = part(block, frozen.subject.family.attention_out.rpartition(".")[0])
    weights: list[Tensor] = []

    def keep(_module: nn.Module, _args: Any, out: tuple[Tensor, Tensor]) -> None:
        weights.append(out[1][:, look.head, look.target, look.source])

    handle = hook_after(attention, keep)
    try:
        size = rows_at_once(frozen, 0)
        for first in range(0, len(changes), size):
            pulse()
            block(torch.stack([_changed(stream, change) for change in changes[first : first + size]]), **call)
    finally:
        handle.remove()
    return torch.cat(weights)


def _changed(stream: Float[Tensor, "pos d_model"], change: Change) -> Float[Tensor, "pos d_model"]:
    out = stream.clone()
    for clamp in change:
        held = stream[clamp.position]
        out[clamp.position] = held + (clamp.values - clamp.subspace.coordinates(held)) @ clamp.subspace.write
    return out
