"""Where an answer is looked up: which tested concepts, at which word, may stand on the way to it."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.concepts.nodes import NAMED, ConceptNode

LEAST = 0.1  # of the lead that must go with a concept on the path
MATTERS = 0.15  # of the strongest effect at its word that a concept on the path must have
ELSEWHERE = 0.3  # of the strongest effect that an earlier word needs for the path to begin there


class TestedNode(NamedTuple):
    """A concept, and what taking it out does.

    `effect` is the change of the lead in logits, `share` that as part of the lead, `says` the likeliest token
    then; `knock_on[j]` is the relative change of node j's coordinate beside its usual value (-1: all gone;
    0 where j does not come after). `p`: pushes as far along unrelated words that
    take as much from the lead (or, in an exchange, install as much); 1 where none were made. `partner`: what
    brought another answer in an exchange, the first of some that were tried to find one. `installs`: the part
    of a few exchanges, tried to choose between names, that brought another answer.
    """

    node: ConceptNode
    effect: float
    share: float
    says: int
    p_answer: float
    knock_on: tuple[float, ...]
    p: float = 1.0
    partner: int | None = None
    installs: float = 0.0


def that_matter(tested: Sequence[TestedNode], last: int) -> list[int]:
    """The concepts that matter where the answer may be looked up: at earlier words if any does.

    What is read at the last word only behind the blocks that read words is on its way out already: however
    much goes with it, it says nothing against an earlier word.
    """
    able = [
        i
        for i, one in enumerate(tested)
        if one.share <= -LEAST and one.node.role in NAMED and one.node.is_whole
    ]
    if not able:
        return []
    early = [i for i in able if tested[i].node.position < last]
    rivals = [i for i in able if i in early or tested[i].node.changed is not None]
    if early and min(tested[i].effect for i in early) <= ELSEWHERE * min(tested[i].effect for i in rivals):
        able = early
    best = min(tested[i].effect for i in able)
    return [i for i in able if tested[i].effect <= MATTERS * best]


def that_are_held(tested: Sequence[TestedNode], values: Sequence[float], last: int, answer: int) -> list[int]:
    """The concepts at the earlier word where taking one out does most, up or down; the best name first."""
    early = [i for i, one in enumerate(tested) if one.node.position < last]
    if not early:
        return []
    place = tested[max(early, key=lambda i: abs(tested[i].effect))].node.position
    able = [i for i in _that_name(tested, last, answer) if tested[i].node.position == place]
    return sorted(able, key=lambda i: -values[i])


def names_best(
    tested: Sequence[TestedNode], values: Sequence[float], last: int, answer: int, telling: Sequence[bool]
) -> int | None:
    """The concept that names best what is held at an earlier word, not said there and worth telling."""
    able = [i for i in _that_name(tested, last, answer) if tested[i].node.role == "concept"]
    able = [i for i in able if tested[i].node.changed is not None and telling[i]]
    return max(able, key=lambda i: values[i], default=None)


def _that_name(tested: Sequence[TestedNode], last: int, answer: int) -> list[int]:
    """Those at earlier words that may be named and are not the answer."""
    return [
        i
        for i, one in enumerate(tested)
        if one.node.position < last
        and one.node.role in NAMED
        and one.node.is_whole
        and answer not in one.node.tokens
    ]
