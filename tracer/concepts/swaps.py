"""Exchange a held concept for another of its kind, against matched exchanges of unrelated words."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from tracer.attribution import Frozen
from tracer.concepts.change import measure
from tracer.concepts.controls import ENOUGH_CONTROLS, DrawnControls, exchange_controls, p_value
from tracer.concepts.kinds import (
    HELD_HERE,
    KINDRED,
    Alternative,
    contrast_direction,
    is_content,
    kinship,
    nearness,
    of_one_kind,
    relatedness,
    same_kind,
    stand_alone,
)
from tracer.concepts.nodes import ConceptNode
from tracer.concepts.operations import exchange
from tracer.concepts.pushes import push_controls
from tracer.concepts.words import Words
from tracer.lens import Lens, similar, stands_out, streams, surface
from tracer.models import Model

NEAREST = 24  # words of a kind that partners are chosen from
OF_THE_PARTNER = 0.3  # cosine by which it is nearer to the partner than to the old concept, and then
NEARLY_KINDRED = 0.8  # so much kinship is enough


class Swap(NamedTuple):
    """One exchange: `removed` is the answer's fall (logits, against its alternatives), `says` the token then.

    `installed`: the model says another token of the answer's kind that is nearer to the partner than to the
    concept it replaced. `rank_of_kind` is the old answer's place among itself and its alternatives (0 first).
    """

    partner: int
    removed: float
    says: int
    p_says: float
    p_answer: float
    changed: bool
    installed: bool
    rank_of_kind: int
    top: tuple[tuple[int, float], ...]


class SwapTest(NamedTuple):
    """The swaps tried, first the one that was chosen before anything was run, and its controls.

    `controls` are the controls' changes of the answer's lead (of exchanges of unrelated words that move the
    stream as far, ± 10 %; `pushed`: fewer than ENOUGH_CONTROLS do, and pushes along unrelated words, just as
    far at each place, stand for them), `controls_changed` how many made the model say
    something else, `controls_installed` how many made it say what the chosen swap did.
    """

    swaps: tuple[Swap, ...]
    controls: tuple[float, ...]
    matched: int
    asked: int
    pushed: bool
    controls_changed: int
    controls_installed: int
    p: float


def find_partners(
    frozen: Frozen,
    lens: Lens,
    words: Words,
    node: ConceptNode,
    *,
    count: int = 4,
    not_near: Sequence[int] = (),
) -> tuple[int, ...]:
    """Whole words of the concept's kind that are not held at its place themselves, the commonest first.

    What is read high beside a concept are its relatives (Canada beside Ontario): exchanging them would change
    nothing; of a rare word the model knows little. None is a word of the text or one of `not_near`.
    """
    subject = frozen.subject
    whole = zip(node.tokens, stand_alone(subject, node.tokens), strict=True)
    token = next((token for token, is_whole in whole if is_whole), node.tokens[0])
    texts = {surface(text) for text in frozen.tokens}
    near = [
        partner
        for partner, _ in same_kind(subject, token, words.tokens.tolist())
        if partner not in not_near and surface(subject.token_texts([partner])[0]) not in texts
    ][:NEAREST]
    near = of_one_kind(subject, token, near) or near
    if not near:
        return ()
    stream = streams(frozen)[node.best_layer, node.position][None]
    score = stands_out(lens, subject, node.best_layer, stream, torch.tensor([near]))[0].nan_to_num(0.0)
    held = [z >= HELD_HERE for z in score.tolist()]
    chosen: list[int] = []
    for part in (False, True):
        chosen += _whole_first(
            subject, sorted(n for n, h in zip(near, held, strict=True) if h is part), count
        )
        if len(chosen) >= count:
            break
    return tuple(chosen[:count])


def _whole_first(subject: Model, tokens: Sequence[int], count: int) -> list[int]:
    """So many whole words of these, in their order, then the others; no more are looked at than it takes."""
    whole: list[int] = []
    pieces: list[int] = []
    for first in range(0, len(tokens), 2 * count):
        some = tokens[first : first + 2 * count]
        for token, is_whole in zip(some, stand_alone(subject, some), strict=True):
            (whole if is_whole else pieces).append(token)
        if len(whole) >= count:
            break
    return [*whole, *pieces]


def swap_concepts(
    frozen: Frozen,
    lens: Lens,
    node: ConceptNode,
    partners: Sequence[int],
    answer: int,
    alternatives: Sequence[Alternative],
    *,
    controls: int = 99,
    seed: int = 0,
) -> SwapTest:
    """Exchange the node's first token for each partner; controls are drawn for the first partner."""
    token, held = node.tokens[0], node.held
    changes = [exchange(frozen, lens, held, [token], [partner]) for partner in partners]
    away = [answer, *(one.token_id for one in alternatives)]
    drawn = DrawnControls((), (), 0, controls)
    if controls:
        drawn = exchange_controls(
            frozen, lens, held, (token, partners[0]), away_from=away, count=controls, seed=seed
        )
    pushed = len(drawn.changes) < min(controls, ENOUGH_CONTROLS)
    if pushed:
        drawn = push_controls(
            frozen, lens, changes[0], [token, partners[0], *away], count=controls, seed=seed
        )
    logits = measure(frozen, [*changes, *drawn.changes]).logits
    clean = float(contrast_direction(frozen.logits, answer, alternatives))
    moved = contrast_direction(logits, answer, alternatives) - clean
    swaps = tuple(
        _swap(frozen, token, partner, logits[row], float(moved[row]), answer, alternatives)
        for row, partner in enumerate(partners)
    )
    swaps = own_answers(frozen, swaps)
    says = logits[len(partners) :].argmax(-1)
    values = tuple(moved[len(partners) :].tolist())
    return SwapTest(
        swaps=swaps,
        controls=values,
        matched=drawn.matched,
        asked=controls,
        pushed=pushed,
        controls_changed=int((says != answer).sum()),
        controls_installed=int((says == swaps[0].says).sum()) if swaps[0].changed else 0,
        p=p_value(swaps[0].removed, values),
    )


def _swap(
    frozen: Frozen,
    token: int,
    partner: int,
    logits: torch.Tensor,
    moved: float,
    answer: int,
    alternatives: Sequence[Alternative],
) -> Swap:
    p = logits.double().softmax(-1)
    best = p.topk(5)
    says = int(best.indices[0])
    kind = torch.tensor([answer, *(one.token_id for one in alternatives)])
    installed = says != answer and is_installed(frozen, token, partner, says, answer)
    return Swap(
        partner=partner,
        removed=-moved,
        says=says,
        p_says=float(best.values[0]),
        p_answer=float(p[answer]),
        changed=says != answer,
        installed=installed,
        rank_of_kind=int((logits[kind] > logits[answer]).sum()),
        top=tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True)),
    )


def is_installed(frozen: Frozen, token: int, partner: int, says: int, answer: int) -> bool:
    """Whether what is said is the partner's and not the old concept's: near it, or of the answer's kind."""
    subject = frozen.subject
    if says == partner:
        return True
    to_new, to_old = similar(subject, [says], [partner, token])[0].tolist()
    if to_new <= to_old:
        return False
    least = NEARLY_KINDRED if to_new - to_old >= OF_THE_PARTNER else KINDRED
    return bool(to_new >= nearness(subject, partner)) or _is_kindred(subject, answer, says, least)


def own_answers(frozen: Frozen, swaps: Sequence[Swap]) -> tuple[Swap, ...]:
    """The same, but what several partners bring and is near none of them is nobody's own answer."""
    subject = frozen.subject
    said = [swap.says for swap in swaps if swap.changed]

    def is_own(swap: Swap) -> bool:
        if said.count(swap.says) < 2 or swap.says == swap.partner:
            return True
        to_new = float(similar(subject, [swap.says], [swap.partner])[0, 0])
        return to_new >= nearness(subject, swap.partner)

    return tuple(swap._replace(installed=swap.installed and is_own(swap)) for swap in swaps)


def _is_kindred(subject: Model, answer: int, says: int, least: float) -> bool:
    """Whether what is said is of the answer's own kind: related to it, and gone on with alike."""
    if not is_content(subject.token_texts([says])[0]):
        return False
    related = float(similar(subject, [answer], [says])[0, 0]) >= relatedness(subject, answer)
    return related and float(kinship(subject, answer, [says])[0]) >= least
