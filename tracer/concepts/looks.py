"""Take away what one attention head brings from a word to a later one, live, and see what follows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tracer.attribution import Frozen
from tracer.concepts.carry import find_carriers
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.nodes import ConceptNode
from tracer.interventions import (
    FREE,
    Start,
    attention_patterns,
    final_logits,
    remember_prefix,
    rerun,
    rows_at_once,
)
from tracer.lens import Lens
from tracer.models import hook_after, part


class Look(NamedTuple):
    """One head's view of a word (`source`) from a later one (`target`), both positions."""

    layer: int
    head: int
    source: int
    target: int


class LookTest(NamedTuple):
    """What the answer's lead loses without a look, as foreseen and measured, and without each other head's.

    `attention` is the weight the head gives the source at the target; `others` are the changes of the lead
    when another head of any layer no longer sees the same word from the same place.
    """

    look: Look
    attention: float
    foreseen: float
    measured: float
    others: tuple[float, ...]


def try_carrier(
    frozen: Frozen, lens: Lens, node: ConceptNode, answer: int, alternatives: Sequence[Alternative]
) -> LookTest | None:
    """Test the head that should carry most of a concept from its word on; None where none should.

    It is chosen in the frozen model (`find_carriers`), before anything is run.
    """
    carried = find_carriers(frozen, lens, node, answer, alternatives)
    found = [one for one in carried.carriers if one.source == node.position and one.amount > 0]
    if not found:
        return None
    best = found[0]
    look = Look(best.layer, best.head, best.source, best.target)
    looks = [look, *(one for one in _every_head(frozen, look) if one != look)]
    patterns = attention_patterns(frozen)
    moved = change_without_looks(frozen, looks, answer, alternatives, patterns).tolist()
    attention = float(patterns[look.layer][look.head, look.target, look.source])
    return LookTest(look, attention, -best.amount, moved[0], tuple(moved[1:]))


def _every_head(frozen: Frozen, look: Look) -> list[Look]:
    """The same places seen by every head of every layer."""
    return [
        Look(layer, head, look.source, look.target)
        for layer in range(len(frozen.layers))
        for head in range(len(frozen.layers[layer].pattern))
    ]


@torch.no_grad()
def change_without_looks(
    frozen: Frozen,
    looks: Sequence[Look],
    answer: int,
    alternatives: Sequence[Alternative],
    patterns: tuple[Float[Tensor, "head query key"], ...] | None = None,
) -> Float[Tensor, " look"]:
    """The change of the answer's lead (logits) when each look brings nothing, all else free to follow.

    What a head brings is its attention weight times what it reads of the source, moved through its output
    (pattern · W_O W_V x, as in Elhage et al. 2021); the other weights of its softmax stay.
    """
    patterns = attention_patterns(frozen) if patterns is None else patterns
    tokens = [answer, *(one.token_id for one in alternatives)] if alternatives else None
    clean = contrast_direction(frozen.logits, answer, alternatives)
    size = rows_at_once(frozen, min(look.target for look in looks))
    parts = []
    for first in range(0, len(looks), size):
        logits = _run(frozen, looks[first : first + size], tokens, patterns).double()
        if tokens is None:
            parts.append(contrast_direction(logits, answer, ()) - clean)
        else:
            parts.append(logits[:, 0] - logits[:, 1:].mean(-1) - clean)
    return torch.cat(parts)


def _run(
    frozen: Frozen, looks: Sequence[Look], tokens: list[int] | None, patterns: tuple[Tensor, ...]
) -> Float[Tensor, "look token"]:
    start = Start(min(look.layer for look in looks), min(look.target for look in looks))
    remember_prefix(frozen, start)
    with _blind(frozen, looks, start.position, patterns):
        stream = rerun(frozen, len(looks), start)
    return final_logits(frozen, stream[:, -1], FREE, tokens)


@contextmanager
def _blind(frozen: Frozen, looks: Sequence[Look], first: int, patterns: tuple[Tensor, ...]) -> Iterator[None]:
    """Within the block each row's head brings nothing of its look (positions from `first` on)."""
    family, handles = frozen.subject.family, []
    for layer in {look.layer for look in looks}:
        rows = [row for row, look in enumerate(looks) if look.layer == layer]
        brought = torch.stack([_brought(frozen, looks[row], patterns[layer]) for row in rows])
        at = torch.tensor([looks[row].target - first for row in rows], device=brought.device)
        hook = _take_away(torch.tensor(rows, device=brought.device), at, brought)
        handles.append(hook_after(part(frozen.subject.blocks[layer], family.attention_out), hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _brought(
    frozen: Frozen, look: Look, pattern: Float[Tensor, "head query key"]
) -> Float[Tensor, " d_model"]:
    """What a head adds to attention's output at the target for what it sees at the source."""
    layer, subject = frozen.layers[look.layer], frozen.subject
    seen = part(subject.blocks[look.layer], subject.family.pre_attention)(layer.stream[look.source])
    weights, group = layer.weights, look.head * len(layer.weights.value) // len(layer.weights.output)
    value = weights.value[group] @ seen
    if weights.value_bias is not None:
        value = value + weights.value_bias[group]
    moved: Tensor = pattern[look.head, look.target, look.source] * (weights.output[look.head] @ value)
    return moved


def _take_away(rows: Tensor, at: Tensor, brought: Tensor) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
        out = out.clone()
        out[rows, at] -= brought.to(out)
        return out

    return hook
