"""Take a concept out and test it: against matched words, and for what it does to unrelated texts."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import Frozen
from tracer.concepts.change import Change, measure
from tracer.concepts.controls import p_value
from tracer.concepts.kinds import Alternative, contrast_direction
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import ablate, scale
from tracer.concepts.pushes import push_controls
from tracer.lens import Lens

DOSES = (0.5, 0.0, -1.0)


class AblationTest(NamedTuple):
    """What taking a concept out does to the answer's lead, beside its controls.

    `doses`: the change of the lead at factors 0.5, 0 and -1. `controls` are the changes by words that move
    the stream as far at every place; `matched` of them exist, `asked` were wanted.
    """

    effect: float
    doses: tuple[tuple[float, float], ...]
    says: int
    p_answer: float
    controls: tuple[float, ...]
    matched: int
    asked: int
    controls_changed: int
    p: float


class Specificity(NamedTuple):
    """KL(unchanged ‖ changed) of the next token in nats: on the text itself, and on unrelated texts.

    On an unrelated text the same coordinates are taken out at each of its positions, one change a position;
    `elsewhere` is the mean.
    """

    here: float
    elsewhere: float
    places: int


def try_ablation(
    frozen: Frozen,
    lens: Lens,
    node: ConceptNode,
    answer: int,
    alternatives: Sequence[Alternative],
    *,
    controls: int = 99,
    seed: int = 0,
) -> AblationTest:
    """Take out the node's first token over its run, with doses and controls.

    A control pushes the stream as far at each place along an unrelated word: matched by construction.
    """
    token, held = node.tokens[0], node.held
    away = [answer, *(one.token_id for one in alternatives)]
    own = [scale(frozen, lens, held, [token], factor) for factor in DOSES]
    out = DOSES.index(0.0)
    drawn = push_controls(frozen, lens, own[out], [token, *away], count=controls, seed=seed)
    logits = measure(frozen, [*own, *drawn.changes]).logits.double()
    lead = contrast_direction(frozen.logits.double(), answer, alternatives)
    moved = (contrast_direction(logits, answer, alternatives) - lead).tolist()
    values = moved[len(DOSES) :]
    return AblationTest(
        effect=moved[out],
        doses=tuple(zip(DOSES, moved, strict=False)),
        says=int(logits[out].argmax()),
        p_answer=float(logits[out].softmax(-1)[answer]),
        controls=tuple(values),
        matched=drawn.matched,
        asked=controls,
        controls_changed=int((logits[len(DOSES) :].argmax(-1) != answer).sum()),
        p=p_value(moved[out], values),
    )


def measure_specificity(
    frozen: Frozen, lens: Lens, node: ConceptNode, others: Sequence[Frozen]
) -> Specificity:
    """How much more taking the concept out changes this text than texts that are not about it."""
    here = _divergence(frozen, [ablate(frozen, lens, node.held, node.tokens[:1])])
    elsewhere = []
    for other in others:
        changes = [
            ablate(other, lens, node.held._replace(positions=(position,)), node.tokens[:1])
            for position in range(int(other.bos), other.length)
        ]
        elsewhere.append(_divergence(other, changes))
    rest = torch.cat(elsewhere) if elsewhere else here.new_zeros(0)
    return Specificity(float(here[0]), float(rest.mean()) if len(rest) else 0.0, len(rest))


def _divergence(frozen: Frozen, changes: Sequence[Change]) -> Float[Tensor, " change"]:
    """KL of the next token's distribution, unchanged from changed, in nats."""
    before = frozen.logits.double().log_softmax(-1)
    after = measure(frozen, changes).logits.double().log_softmax(-1)
    return (before.exp() * (before - after)).sum(-1)
