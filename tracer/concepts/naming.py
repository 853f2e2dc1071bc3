"""How well each word names what is held at a place: many are read there, few say what it is."""

import math
from collections.abc import Sequence

from tracer.attribution import Frozen
from tracer.concepts.nodes import ConceptNode
from tracer.lens import similar

COMMON = 4.0  # logits that a word e times as frequent counts more: the common word names what is held
RARE = 1.0  # logits that a word counts more where it stands at a word that is e times as rare
NEAR_ANSWER = 3.0  # logits that a word as near as can be to the answer counts more
NEAR_WORD = 5.0  # by which it counts less where it is as near as can be to the word it is read at
LATE = 6.0  # by which it counts less where it is read only behind the blocks that read words
EFFECT = 4.0  # logits that a concept counts more without which e times as much of the lead goes
LEAST = 1e-3  # of the strongest effect: less counts as this
FIRST = 1000  # tokens of a vocabulary that are about as common


def name_values(frozen: Frozen, nodes: Sequence[ConceptNode], answer: int) -> list[float]:
    """How well each names what is held, before anything is changed, in logits.

    Many words of one field are read at a word (Leipzig, Berlin, Germany); the common one that is read
    highest names the field, at the rarest word. What means nearly the same as the word itself (a nation at
    "country") adds little. A token's number stands for its frequency: vocabularies are ordered by it.
    """
    if not nodes:
        return []
    subject = frozen.subject
    near = similar(subject, [answer], [node.tokens[0] for node in nodes])[0].tolist()
    words = [int(frozen.ids[node.position]) for node in nodes]
    same = similar(subject, [node.tokens[0] for node in nodes], words).diagonal().tolist()
    return [
        node.reading
        - COMMON * math.log(FIRST + min(node.tokens))
        + RARE * math.log(FIRST + word)
        + NEAR_ANSWER * cosine
        - NEAR_WORD * alike
        - (LATE if node.changed is None else 0.0)
        for node, word, cosine, alike in zip(nodes, words, near, same, strict=True)
    ]


def add_effects(values: Sequence[float], effects: Sequence[float], best: float) -> list[float]:
    """The values with what taking each concept out did to the lead, beside the strongest of these effects."""
    return [
        value + EFFECT * math.log(max(LEAST, effect / best if best else 0.0))
        for value, effect in zip(values, effects, strict=True)
    ]
