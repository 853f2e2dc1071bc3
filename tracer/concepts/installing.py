"""Whether exchanging a concept brings an answer that pushes as far along unrelated words do not bring."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.change import measure
from tracer.concepts.kinds import Alternative
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import exchange
from tracer.concepts.pushes import push_controls
from tracer.concepts.swaps import find_partners, is_installed
from tracer.concepts.words import Words
from tracer.lens import Lens

PARTNERS = 4
EXPLORED = 3  # further partners, by which a name is chosen; the first ones stay for its test


class Installed(NamedTuple):
    """p of exchanges with some partners, and the first of them that brings another answer."""

    p: float
    partner: int | None


def share_that_install(frozen: Frozen, lens: Lens, words: Words, node: ConceptNode, answer: int) -> float:
    """The part of a few partners, other ones than a test exchanges it for, that bring another answer.

    What carries the answer is not only needed for it: with another in its place another answer comes.
    0 where it has no more partners than a test needs.
    """
    known = find_partners(frozen, lens, words, node, count=PARTNERS + EXPLORED, not_near=(answer,))
    partners, token = known[PARTNERS:], node.tokens[0]
    if not partners:
        return 0.0
    swaps = [exchange(frozen, lens, node.held, [token], [partner]) for partner in partners]
    says = measure(frozen, swaps).logits.argmax(-1).tolist()
    brought = sum(
        1
        for partner, said in zip(partners, says, strict=True)
        if said != answer and is_installed(frozen, token, partner, said, answer)
    )
    return brought / len(partners)


def try_installing(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    node: ConceptNode,
    answer: int,
    alternatives: Sequence[Alternative],
    controls: int,
) -> Installed:
    """Exchanges with a few partners, and pushes as far that say what one installs; p = 1 if none does.

    The pushes are as long, place by place, as the exchange with the first partner that installs.
    """
    partners = find_partners(frozen, lens, words, node, count=PARTNERS)
    token, kind = node.tokens[0], [one.token_id for one in alternatives]
    swaps = [exchange(frozen, lens, node.held, [token], [partner]) for partner in partners]
    says = measure(frozen, swaps).logits.argmax(-1).tolist()
    brought = [
        row
        for row, (partner, said) in enumerate(zip(partners, says, strict=True))
        if said != answer and is_installed(frozen, token, partner, said, answer)
    ]
    if not brought:
        return Installed(1.0, None)
    away = [token, answer, *kind, *partners]
    drawn = push_controls(frozen, lens, swaps[brought[0]], away, count=controls)
    said_then = measure(frozen, drawn.changes).logits.argmax(-1).tolist()
    same = {says[row] for row in brought}
    p = (1 + sum(said in same for said in said_then)) / (1 + len(said_then))
    return Installed(p, partners[brought[0]])
