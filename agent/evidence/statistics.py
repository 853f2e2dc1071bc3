"""Statistics of a test and the verdict they allow. Numbers in, words out; runs nothing."""

import math
import statistics
import zlib
from collections.abc import Sequence
from typing import Any

from agent.core import Claim

LEVEL = 0.05
LEAST = 0.01  # logits; a smaller effect is none, however quiet the controls are
HALF = 0.5  # a supported effect is at least half as large as predicted


def seed_of(*words: str) -> int:
    """The seed of a claim's random controls: the same claim draws the same sets, always."""
    return zlib.crc32("\x1f".join(words).encode())


def p_value(measured: float, controls: Sequence[float]) -> float:
    """p = (1 + #{|d_k| >= |d|}) / (K + 1), the chance of such an effect from a random matched group."""
    return (1 + sum(abs(d) >= abs(measured) for d in controls)) / (len(controls) + 1)


def rate_p(runs: int, held: int) -> float:
    """P(at least `held` of `runs`) if each held by chance alone, at LEVEL; not stated below 0.0001."""
    tail = (math.comb(runs, k) * LEVEL**k * (1 - LEVEL) ** (runs - k) for k in range(held, runs + 1))
    return min(1.0, max(1e-4, math.fsum(tail)))


def summary(controls: Sequence[float], matched: int, size: int) -> dict[str, Any]:
    """What is reported of the controls."""
    return {
        "n": len(controls),
        "mean": statistics.fmean(controls) if controls else 0.0,
        "sd": statistics.stdev(controls) if len(controls) > 1 else 0.0,
        "max_abs": max(map(abs, controls), default=0.0),
        "matched": matched / size if size else 1.0,
        "values": list(controls),
    }


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of the p-values of tests run together."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    out, worst = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[i]))
        out[i] = worst
    return out


def verdict(claim: Claim) -> str:
    """supported, partly, refuted or inconclusive, by the rules of the design page (ARCHITECTURE.md)."""
    if claim["kind"] == "rate":
        return _verdict_of_a_rate(claim)
    predicted, measured, p = claim["predicted"], claim["measured"], claim["p_holm"]
    controls = claim["controls"]
    if predicted is None or measured is None or p is None or controls is None:
        return "graph-only"
    same_sign = (predicted > 0) == (measured > 0)
    if p <= LEVEL + 1e-9 and abs(measured) >= LEAST:
        if abs(predicted) < LEAST:
            return "partly"  # an effect where none was foreseen: it has no sign to miss
        if not same_sign:
            return "refuted"
        return "supported" if abs(measured) >= HALF * abs(predicted) and _doses_agree(claim) else "partly"
    # not beyond chance, or as good as nothing: refuted if half of what was predicted would have stood out
    # and what was measured does not (with few controls an effect can stand out and p still be too large)
    silence = max(controls["max_abs"], LEAST)
    return "refuted" if HALF * abs(predicted) > silence >= abs(measured) else "inconclusive"


def without_effect(claim: Claim) -> bool:
    """Whether a test found nothing that stands out, where the prediction may have been large."""
    predicted, measured = abs(claim["predicted"] or 0.0), abs(claim["measured"] or 0.0)
    return claim["verdict"] in ("refuted", "inconclusive") and measured < max(LEAST, HALF * predicted)


def _verdict_of_a_rate(claim: Claim) -> str:
    """supported: most texts hold, more than by chance; refuted: none does, where it would be seen."""
    rows = [row for row in claim["rows"] or [] if row["members"]]
    p, held = claim["p_holm"], sum(row["holds"] for row in rows)
    if p is None or not rows:
        return "graph-only"
    if p <= LEVEL + 1e-9:
        return "supported" if held > len(rows) / 2 else "partly"
    seen = [row for row in rows if HALF * abs(row["predicted"]) > row["controls"]["max_abs"]]
    return "refuted" if not held and len(seen) > len(rows) / 2 else "inconclusive"


def _doses_agree(claim: Claim) -> bool:
    """Half the dose moves the answer the same way, the opposite dose further still."""
    doses, measured = claim["doses"], claim["measured"]
    if not doses or measured is None:
        return True
    return all(value * measured > 0 for value in doses.values())


def settle(claims: Sequence[Claim]) -> list[Claim]:
    """The tests of one turn with Holm-adjusted p-values and verdicts; other claims as they are."""
    tested = [i for i, claim in enumerate(claims) if claim["p"] is not None]
    adjusted = dict(zip(tested, holm([claims[i]["p"] or 0.0 for i in tested]), strict=True))
    out = []
    for i, claim in enumerate(claims):
        if i in adjusted:
            claim = Claim(**{**claim, "p_holm": adjusted[i]})
            claim["verdict"] = verdict(claim)
        out.append(claim)
    return out
