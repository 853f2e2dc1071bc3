"""From concepts that are read to a chain that is tested: which matter to the answer, and what leads to what.

Every candidate is taken out, and the answer's lead over its alternatives and every other concept's coordinate
are read again. Knows no words for it: a chain is numbers and places.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Effect, Reading, measure, stream_behind
from tracer.concepts.find import ConceptNode
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.operations import ablate, usual_coordinates
from tracer.lens import Lens, directions

CARRIED = 0.25  # of a concept's strength that must go with an earlier one for a hop
NAMED = ("concept", "said before")
MATTERS = 0.2  # of the strongest concept's effect that one on the path must have
COMMON = 2.0  # logits that a word e times as frequent counts more: the common word names what is held
AT_ONCE = (
    1.5  # logits by which the answer itself must be read above all else at a word for a look-up without a hop
)


class TestedNode(NamedTuple):
    """A concept, and what taking it out does.

    `effect` is the change of the lead in logits, `share` that as part of the lead, `says` the likeliest token
    then; `knock_on[j]` is the relative change of node j's coordinate beside its usual value (-1: all gone;
    0 where j does not come after).
    """

    node: ConceptNode
    effect: float
    share: float
    says: int
    p_answer: float
    knock_on: tuple[float, ...]


class Chain(NamedTuple):
    """The lead of the answer over the mean of its alternatives, the tested concepts, and the path of some.

    `path` are indices of `tested`, first to last; () where no concept matters. `start` is the position of the
    word where it begins.
    """

    answer: int
    alternatives: tuple[Alternative, ...]
    lead: float
    tested: tuple[TestedNode, ...]
    path: tuple[int, ...]
    start: int | None


def follow(
    frozen: Frozen,
    lens: Lens,
    nodes: Sequence[ConceptNode],
    answer: int,
    alternatives: Sequence[Alternative],
) -> Chain:
    """Take out each node in one batch and find the path to the answer."""
    lead = float(contrast_direction(frozen.logits.double(), answer, alternatives))
    if not nodes:
        return Chain(answer, tuple(alternatives), lead, (), (), None)
    effect = _without_each(frozen, lens, nodes)
    change = contrast_direction(effect.logits.double(), answer, alternatives) - lead
    knock_on = _knock_on(frozen, lens, nodes, effect.readings)
    p = effect.logits.double().softmax(-1)
    tested = tuple(
        TestedNode(
            node=node,
            effect=float(change[row]),
            share=float(change[row]) / lead if lead else 0.0,
            says=int(effect.logits[row].argmax()),
            p_answer=float(p[row, answer]),
            knock_on=tuple(knock_on[row].tolist()),
        )
        for row, node in enumerate(nodes)
    )
    path = _path(tested, answer)
    start = tested[path[0]].node.position if path else None
    return Chain(answer, tuple(alternatives), lead, tested, path, start)


def _without_each(frozen: Frozen, lens: Lens, nodes: Sequence[ConceptNode]) -> Effect:
    changes = [ablate(frozen, lens, node.held, node.tokens[:1]) for node in nodes]
    return measure(frozen, changes, None, [reading_of(frozen, lens, node) for node in nodes])


def reading_of(frozen: Frozen, lens: Lens, node: ConceptNode) -> Reading:
    """The coordinate of a node's first token where it is strongest."""
    direction = directions(lens, frozen.subject, node.best_layer, node.tokens[:1])[0]
    return Reading(node.best_layer, node.position, direction.to(frozen.final_stream))


def _knock_on(
    frozen: Frozen, lens: Lens, nodes: Sequence[ConceptNode], readings: Float[Tensor, "node other"]
) -> Float[Tensor, "node other"]:
    """Relative change of each node's coordinate beside its usual value when another is taken out."""
    out = torch.zeros_like(readings)
    for column, node in enumerate(nodes):
        layer = node.best_layer
        reading = reading_of(frozen, lens, node)
        clean = stream_behind(frozen, layer)[node.position] @ reading.direction
        usual = usual_coordinates(frozen, lens, layer, node.tokens[:1])[node.position, 0]
        above = clean - usual
        if float(above) > 0:
            out[:, column] = (readings[:, column] - clean) / above
    for row, node in enumerate(nodes):
        for column, other in enumerate(nodes):
            if row == column or not comes_after(other, node):
                out[row, column] = 0.0
    return out


def comes_after(node: ConceptNode, other: ConceptNode) -> bool:
    """Whether a node lies where the other can lead to: a later layer, at its word or a later one."""
    return node.position >= other.position and node.best_layer > other.first


def _path(tested: Sequence[TestedNode], answer: int) -> tuple[int, ...]:
    """The concept that matters and names best what is held, with what leads to it and what it leads to."""
    able = [
        i for i, one in enumerate(tested) if one.effect < 0 and one.node.role in ("concept", "said before")
    ]
    if not able:
        return ()
    best = min(tested[i].effect for i in able)
    able = [i for i in able if tested[i].effect <= MATTERS * best]
    value = {i: prominence(tested[i], best) for i in able}
    hops = [i for i in able if answer not in tested[i].node.tokens]
    said = [i for i in able if i not in hops]
    main = max(hops or said, key=lambda i: value[i])
    if said and max(value[i] for i in said) > value[main] + AT_ONCE:
        main = max(said, key=lambda i: value[i])
    others = [i for i in hops if tested[i].node.name != tested[main].node.name]
    before = [i for i in others if tested[i].knock_on[main] <= -CARRIED and _earlier(tested, i, main)]
    after = [i for i in others if tested[main].knock_on[i] <= -CARRIED and _earlier(tested, main, i)]
    path = [main]
    if before:
        path.insert(0, max(before, key=lambda i: value[i]))
    if after:
        path.append(max(after, key=lambda i: value[i]))
    return tuple(path)


def prominence(one: TestedNode, best: float) -> float:
    """How well a concept names what is held: what the lens reads, how common the word is, what it does.

    Many words of one field are read at a word (Leipzig, Berlin, Germany); of those that matter the common one
    that is read highest names the field. A token's number stands for its frequency: vocabularies are ordered
    by it.
    """
    rare = COMMON * math.log(1000 + min(one.node.tokens))
    return one.node.reading - rare + COMMON * one.effect / min(best, -1e-9)


def _earlier(tested: Sequence[TestedNode], one: int, other: int) -> bool:
    """Whether a node lies at an earlier word than another."""
    return tested[one].node.position < tested[other].node.position
