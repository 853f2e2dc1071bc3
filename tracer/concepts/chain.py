"""From concepts that are read to a chain that is tested: which matter to the answer, and what leads to what.

Every candidate is taken out, and the answer's lead over its alternatives and every other concept's coordinate
are read again. Knows no words for it: a chain is numbers and places.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.concepts.change import Effect, Reading, measure, stream_behind
from tracer.concepts.find import ConceptNode
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.operations import ablate, usual_coordinates
from tracer.frozen import Frozen
from tracer.lens.directions import directions
from tracer.lens.values import Lens

CARRIED = 0.25  # of a concept's strength that must go with an earlier one for a hop
MATTERS = 0.2  # of the strongest concept's effect that a further one on the path must have


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
    """The strongest concept, with what leads to it and what it leads to, where that matters too."""
    able = [
        index
        for index, one in enumerate(tested)
        if one.effect < 0 and one.node.role in ("concept", "said before") and answer not in one.node.tokens
    ]
    if not able:
        able = [i for i, one in enumerate(tested) if one.effect < 0 and one.node.role == "concept"]
    if not able:
        return ()
    main = min(able, key=lambda index: tested[index].effect)
    enough = MATTERS * tested[main].effect
    name = tested[main].node.name
    others = [i for i in able if tested[i].effect <= enough and tested[i].node.name != name]
    before = [i for i in others if tested[i].knock_on[main] <= -CARRIED]
    after = [i for i in others if tested[main].knock_on[i] <= -CARRIED and i not in before]
    path = [main]
    if before:
        path.insert(0, min(before, key=lambda i: tested[i].knock_on[main]))
    if after:
        path.append(min(after, key=lambda i: tested[main].knock_on[i]))
    return tuple(path)
