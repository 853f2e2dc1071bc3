"""What a change of a concept does to texts that have nothing to do with it: is it specific?."""

from typing import NamedTuple

from tracer.concepts.change import measure
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import Held, ablate
from tracer.concepts.other_texts import OtherTexts
from tracer.lens import Lens

TEXTS = 6  # of the other texts


class Elsewhere(NamedTuple):
    """Of so many other texts: those whose likeliest next token changes, and the mean KL divergence (nats)."""

    texts: int
    changed: int
    divergence: float


def change_elsewhere(lens: Lens, node: ConceptNode, others: OtherTexts) -> Elsewhere:
    """Take the node's concept out of every word of other texts, behind the same blocks."""
    first, last = node.changed or (node.first, node.last)
    changed, divergence, runs = 0, 0.0, others.frozen[:TEXTS]
    for frozen in runs:
        held = Held(tuple(range(int(frozen.bos), frozen.length)), first, last)
        after = measure(frozen, [ablate(frozen, lens, held, node.tokens[:1])]).logits[0].double()
        before = frozen.logits.double()
        changed += int(after.argmax() != before.argmax())
        log_p, log_q = before.log_softmax(-1), after.log_softmax(-1)
        divergence += float((log_p.exp() * (log_p - log_q)).sum())
    return Elsewhere(len(runs), changed, divergence / max(1, len(runs)))
