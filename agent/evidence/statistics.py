"""Statistics of a test and the verdict they allow. Numbers in, words out; runs nothing."""

import math
import statistics
import zlib
from collections.abc import Sequence
from functools import singledispatch
from typing import TypeVar

from agent.core import (
    BaseClaim,
    Claim,
    ConceptEffectClaim,
    ConceptSwapClaim,
    ControlledClaim,
    Controls,
    HopClaim,
    PlainClaim,
    RateClaim,
    TestedClaim,
    plain_claim,
    round_reported,
)

LEVEL = 0.05
MIN_EFFECT = 0.01  # logits; a smaller effect is none, however quiet the controls are
CARRIED = 0.25  # of a later concept must go with an earlier one for a hop
HALF = 0.5  # a supported effect is at least half as large as predicted
C = TypeVar("C", bound=BaseClaim)


def make_control_seed(*words: str) -> int:
    """The seed of a claim's random controls: the same claim draws the same sets, always."""
    return zlib.crc32("\x1f".join(words).encode())


def p_value(measured: float, controls: Sequence[float]) -> float:
    """p = (1 + #{|d_k| >= |d|}) / (K + 1), the chance of such an effect from a random matched group."""
    return (1 + sum(abs(d) >= abs(measured) for d in controls)) / (len(controls) + 1)


def p_beyond_all(measured: float, *controls: Sequence[float]) -> float:
    """The p-value against every kind of control at once: the largest; a kind not drawn is left out."""
    return max((p_value(measured, kind) for kind in controls if kind), default=1.0)


def rate_p_value(runs: int, held: int) -> float:
    """P(at least `held` of `runs`) if each held by chance alone, at LEVEL; not stated below 0.0001."""
    tail = (math.comb(runs, k) * LEVEL**k * (1 - LEVEL) ** (runs - k) for k in range(held, runs + 1))
    return min(1.0, max(1e-4, math.fsum(tail)))


def summarise_controls(controls: Sequence[float], matched: int, size: int) -> Controls:
    """What is reported of the controls."""
    return Controls(
        n=len(controls),
        mean=round_reported(statistics.fmean(controls) if controls else 0.0),
        sd=round_reported(statistics.stdev(controls) if len(controls) > 1 else 0.0),
        max_abs=round_reported(max(map(abs, controls), default=0.0)),
        matched=round_reported(matched / size if size else 1.0),
        values=round_reported(list(controls)),
    )


def adjust_holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of the p-values of tests run together."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    out, worst = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[i]))
        out[i] = worst
    return out


@singledispatch
def decide_verdict(claim: BaseClaim) -> str:
    """What a claim's numbers allow to be said; a kind with rules of its own registers them here."""
    return claim.verdict


@decide_verdict.register
def _(claim: ControlledClaim) -> str:
    """supported, partly, refuted or inconclusive, by the rules of the design page (ARCHITECTURE.md)."""
    predicted, measured, p, controls = claim.predicted, claim.measured, claim.p_holm, claim.controls
    if predicted is None or measured is None or p is None or controls is None:
        return "graph-only"
    same_sign = (predicted > 0) == (measured > 0)
    if p <= LEVEL + 1e-9 and abs(measured) >= MIN_EFFECT:
        if abs(predicted) < MIN_EFFECT:
            return "partly"  # an effect where none was foreseen: it has no sign to miss
        if not same_sign:
            return "refuted"
        return "supported" if abs(measured) >= HALF * abs(predicted) and _doses_agree(claim) else "partly"
    # not beyond chance, or as good as nothing: refuted if half of what was predicted would have stood out
    # and what was measured does not (with few controls an effect can stand out and p still be too large)
    silence = max(claim.loudest, MIN_EFFECT)
    return "refuted" if HALF * abs(predicted) > silence >= abs(measured) else "inconclusive"


@decide_verdict.register
def _(claim: RateClaim) -> str:
    """supported: most texts hold, more than by chance; refuted: none does, where it would be seen."""
    run = [text for text in claim.texts if text.members]
    p, held = claim.p_holm, sum(text.holds for text in run)
    if p is None or not run:
        return "graph-only"
    if p <= LEVEL + 1e-9:
        return "supported" if held > len(run) / 2 else "partly"
    seen = [t for t in run if t.controls and HALF * abs(t.predicted or 0.0) > t.controls.max_abs]
    return "refuted" if not held and len(seen) > len(run) / 2 else "inconclusive"


@decide_verdict.register
def _(claim: ConceptEffectClaim) -> str:
    """supported: the lead falls, further than by any other words that move the stream as far."""
    if claim.p_holm is None or claim.measured is None:
        return "graph-only"
    if claim.p_holm > LEVEL + 1e-9 or abs(claim.measured) < MIN_EFFECT:
        return "inconclusive"
    foreseen = claim.predicted is None or claim.measured <= HALF * claim.predicted
    return "refuted" if claim.measured > 0 else "supported" if foreseen else "partly"


@decide_verdict.register
def _(claim: ConceptSwapClaim) -> str:
    """supported: the other's answer comes, and hardly ever by other words; partly: the own one only goes."""
    if claim.p_holm is None or claim.first is None:
        return "graph-only"
    if claim.p_holm > LEVEL + 1e-9 or claim.effect > -MIN_EFFECT:
        return "inconclusive"
    return "supported" if claim.first.installed else "partly"


@decide_verdict.register
def _(claim: HopClaim) -> str:
    """supported: a good part of the later concept goes with the earlier one, and more than with others."""
    if claim.p_holm is None:
        return claim.verdict
    if claim.p_holm > LEVEL + 1e-9:
        return "inconclusive"
    return "supported" if claim.effect >= CARRIED else "partly" if claim.effect > 0 else "refuted"


def has_no_effect(claim: TestedClaim) -> bool:
    """Whether a test found nothing that stands out, where the prediction may have been large."""
    predicted, measured = abs(claim.predicted or 0.0), abs(claim.effect)
    return claim.verdict in ("refuted", "inconclusive") and measured < max(MIN_EFFECT, HALF * predicted)


def _doses_agree(claim: ControlledClaim) -> bool:
    """Half the dose moves the answer the same way, the opposite dose further still."""
    return all(value * claim.effect > 0 for value in (claim.doses or {}).values())


def settle_turn(claims: Sequence[Claim], turn: int) -> list[PlainClaim]:
    """The ledger as the state keeps it, the tests of a turn settled together, whenever they were made."""
    settled = {c.id: c for c in settle_verdicts([c for c in claims if c.turn == turn])}
    return [plain_claim(settled.get(claim.id, claim)) for claim in claims]


def settle_verdicts(claims: Sequence[C]) -> list[C]:
    """The tests of one turn with Holm-adjusted p-values and verdicts; other claims as they are."""
    tests = {i: c for i, c in enumerate(claims) if isinstance(c, TestedClaim) and c.p is not None}
    adjusted: dict[int, float] = {}
    for family in {c.FAMILY for c in tests.values()}:
        ps = {i: c.p for i, c in tests.items() if family == c.FAMILY and c.p is not None}
        adjusted |= dict(zip(ps, adjust_holm(list(ps.values())), strict=True))
    out = []
    for i, claim in enumerate(claims):
        if i in adjusted:
            tested = claim.model_copy(update={"p_holm": adjusted[i]})
            claim = tested.model_copy(update={"verdict": decide_verdict(tested)})
        out.append(claim)
    return out
