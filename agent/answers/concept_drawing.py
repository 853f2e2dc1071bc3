"""The chain of concepts as plain JSON, for the drawing and the report: words, concepts, the answer, hops."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    ANSWER_ID,
    Claim,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    EffectClaim,
    HeadClaim,
    HopClaim,
    Intent,
    Manipulation,
    NextToken,
    RouteClaim,
    State,
    case_of,
    claims_of,
)
from agent.evidence import HOLDING_VERDICTS, bears_out, held_concepts

SAID = 6  # tokens that are shown before and after a change
SHOWN = 16  # concepts that are shown, the tested ones first


def concepts_drawn(ledger: Sequence[Claim]) -> dict[str, Any]:
    """`concepts` (id, name, position, layers, role, strength, what their tests say), `hops` and `path`.

    A hop goes from a word (T3), or a concept (K2), to a concept or the answer (LD); `share` is how much
    of what it leads to goes with it, None where a concept is read at its own word.
    """
    read = [claim for claim in ledger if isinstance(claim, ConceptsClaim)]
    if not read:
        return {"concepts": [], "hops": [], "path": []}
    held = held_concepts(_tests(ledger))
    effects = {claim.concept.id: claim for claim in ledger if isinstance(claim, ConceptEffectClaim)}
    swaps = {claim.concept.id: claim for claim in ledger if isinstance(claim, ConceptSwapClaim)}
    ranked = sorted(read[-1].concepts, key=lambda one: (one.id not in effects, -one.strength, one.id))
    shown = [one for one in ranked if one.role != "word"][:SHOWN]
    return {
        "concepts": [_node(one, effects.get(one.id), swaps.get(one.id)) for one in shown],
        "hops": _hops([effects[one.id] for one in shown if one.id in effects], ledger),
        "path": [one.id for one in sorted(shown, key=_place) if one.id in held],
    }


def _tests(ledger: Sequence[Claim]) -> list[ConceptEffectClaim | ConceptSwapClaim]:
    return [claim for claim in ledger if isinstance(claim, ConceptEffectClaim | ConceptSwapClaim)]


def _place(one: Concept) -> tuple[int, int, str]:
    return one.position, one.layers[0], one.id


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
    out, heads = [], dict[str, list[Any]]()
    for claim in ledger:
        if isinstance(claim, HeadClaim) and claim.verdict in HOLDING_VERDICTS:
            heads.setdefault(claim.concept.id, []).append({"name": claim.name, "share": -claim.share})
        if isinstance(claim, RouteClaim) and claim.few_take_it:
            places = {one.position for one in claim.words}
            heads |= {
                test.concept.id: _heads_of_route(claim) for test in tests if test.concept.position in places
            }
    for test in tests:
        one = test.concept
        out.append(_hop(f"T{one.position}", one.id, None, [], test.verdict))
        out.append(_hop(one.id, ANSWER_ID, -test.share, heads.get(one.id, []), test.verdict))
    for claim in ledger:
        if isinstance(claim, HopClaim):
            out.append(_hop(claim.source.id, claim.target.id, claim.effect, [], claim.verdict))
    return [*_word_to_answer(tests, ledger), *out]


def _word_to_answer(tests: Sequence[ConceptEffectClaim], ledger: Sequence[Claim]) -> list[dict[str, Any]]:
    """From the word whose way was followed to the answer, where few heads take it and no concept is held."""
    held = {test.concept.position for test in tests if bears_out(test)}
    for claim in reversed(ledger):
        if isinstance(claim, RouteClaim) and claim.few_take_it:
            heads = _heads_of_route(claim)
            return [
                _hop(f"T{one.position}", ANSWER_ID, None, heads, None)
                for one in claim.words
                if one.position not in held
            ]
    return []


def _heads_of_route(claim: RouteClaim) -> list[dict[str, Any]]:
    return [{"name": one.name, "share": one.share} for one in claim.heads]


def _hop(start: str, end: str, share: float | None, heads: list[Any], verdict: str | None) -> dict[str, Any]:
    rounded = None if share is None else round(share, 6)
    return {"source": start, "target": end, "share": rounded, "heads": heads, "verdict": verdict}


def change_drawn(state: State) -> dict[str, Any] | None:
    """What the last question took out or exchanged, and how likely tokens are before and after."""
    if Intent(state["question"]["intent"]) not in (Intent.INTERVENE, Intent.SWAP):
        return None
    own = [claim for claim in claims_of(state) if claim.turn == state["turn"]]
    for claim in reversed(own):
        if isinstance(claim, ConceptSwapClaim) and claim.first:
            answer = {case_of(state)["answer"]: claim.first.p_answer}
            return {
                "kind": "exchanged",
                "about": [claim.concept.id],
                "other": claim.first.other,
                "tokens": _guesses(state, claim.first.says, answer),
            }
        if isinstance(claim, EffectClaim) and claim.says and claim.groups:
            return {
                "kind": _done(claim.intervention),
                "about": claim.groups,
                "tokens": _guesses(state, claim.says, {}),
            }
    return None


def _done(intervention: Manipulation) -> str:
    if intervention.kind == "swap":
        return "exchanged"
    return "taken out" if intervention.factor == 0 else f"× {intervention.factor:g}"


def _guesses(state: State, says: Sequence[NextToken], known: dict[str, float]) -> list[dict[str, Any]]:
    """Tokens before and after, None where one was not among the likeliest."""
    case = case_of(state)
    before = {guess["token"]: guess["p"] for guess in case["predictions"]}
    after = known | {guess.token: guess.p for guess in says}
    tokens = dict.fromkeys([*after, case["answer"]])
    return [{"token": one, "before": before.get(one), "after": after.get(one)} for one in tokens][:SAID]
