"""The chain of concepts as plain JSON, for the drawing and the report: words, concepts, the answer, hops."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    ANSWER,
    Claim,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    HopClaim,
)

SHOWN = 16  # concepts that are shown, the tested ones first


def concepts_drawn(ledger: Sequence[Claim]) -> dict[str, Any]:
    """`concepts` (id, name, tokens, position, layers, role, strength, and what their tests say) and `hops`.

    A hop goes from a word (T3), or a concept (K2), to a concept or the answer (LD); `strength` is the share
    of what it leads to that goes with it, None where a concept is read at its own word.
    """
    read = [claim for claim in ledger if isinstance(claim, ConceptsClaim)]
    if not read:
        return {"concepts": [], "hops": []}
    effects = {claim.concept.id: claim for claim in ledger if isinstance(claim, ConceptEffectClaim)}
    swaps = {claim.concept.id: claim for claim in ledger if isinstance(claim, ConceptSwapClaim)}
    ranked = sorted(read[-1].concepts, key=lambda one: (one.id not in effects, -one.strength, one.id))
    shown = [one for one in ranked if one.role != "word"][:SHOWN]
    return {
        "concepts": [_node(one, effects.get(one.id), swaps.get(one.id)) for one in shown],
        "hops": _hops([effects[one.id] for one in shown if one.id in effects], ledger),
    }


def _node(one: Concept, effect: ConceptEffectClaim | None, swap: ConceptSwapClaim | None) -> dict[str, Any]:
    first = swap.first if swap else None
    return {
        "id": one.id,
        "name": one.name,
        "tokens": one.tokens,
        "position": one.position,
        "layers": list(one.layers),
        "role": one.role,
        "strength": one.strength,
        "effect": effect.measured if effect else None,
        "verdict": effect.verdict if effect else None,
        "swap": {
            "other": first.other,
            "says": first.says[0].token,
            "p": first.says[0].p,
            "outcome": first.outcome,
            "verdict": swap.verdict,
        }
        if first and swap
        else None,
    }


def _hops(tests: Sequence[ConceptEffectClaim], ledger: Sequence[Claim]) -> list[dict[str, Any]]:
    """Words to concepts, concepts to each other, concepts to the answer."""
    out = []
    for test in tests:
        one = test.concept
        out.append(_hop(f"T{one.position}", one.id, None, [], test.verdict))
        out.append(_hop(one.id, ANSWER, -test.share, [], test.verdict))
    for claim in ledger:
        if isinstance(claim, HopClaim):
            heads = [head.model_dump() for head in claim.heads]
            out.append(_hop(claim.source.id, claim.target.id, claim.effect, heads, claim.verdict))
    return out


def _hop(start: str, end: str, strength: float | None, heads: list[Any], verdict: str) -> dict[str, Any]:
    rounded = None if strength is None else round(strength, 6)
    return {"from": start, "to": end, "strength": rounded, "heads": heads, "verdict": verdict}
