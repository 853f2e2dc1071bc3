"""Which concepts a test bears out as being on the way to the answer."""

from collections.abc import Sequence
from typing import Any

from agent.core import Case, Concept, ConceptEffectClaim, ConceptSwapClaim
from agent.evidence.overclaims import HOLDING_VERDICTS

TWICE = 2  # exchanges that bring another's answer, where the answer does not go without the concept
MUCH = 0.25  # of the lead that goes with a concept which decides something
LEFT = 0.6  # of its probability at most, where much of a small lead goes
HALVED = 0.5  # of the answer's probability: what it says then is no mere tie turned


def bears_out(claim: ConceptEffectClaim | ConceptSwapClaim) -> bool:
    """Whether a test shows that the answer comes by way of its concept.

    Without it the lead falls (where that says enough: see `needs_exchange`), or with another in its place
    that one's answer comes. That the answer only goes with an exchange, which any disturbance may do, is not
    enough, nor that the word is said which was put in.
    """
    if isinstance(claim, ConceptSwapClaim):
        return claim.verdict == "supported" and not _says_partner(claim)
    return claim.verdict in HOLDING_VERDICTS and not claim.needs_exchange


def held_concepts(claims: Sequence[Any]) -> dict[str, Concept]:
    """The concepts that the tests bear out, by id.

    Where taking one out shows nothing, one exchange of several that brings another's answer may be luck: it
    takes two, or all that were tried.
    """
    held = dict[str, Concept]()
    for test in claims:
        if not isinstance(test, ConceptEffectClaim | ConceptSwapClaim) or not bears_out(test):
            continue
        by_luck = isinstance(test, ConceptSwapClaim) and len(test.installed) < min(TWICE, len(test.swaps))
        if not by_luck:
            held.setdefault(test.concept.id, test.concept)
    return held


def decides_much(claims: Sequence[Any], way: Sequence[Concept], case: Case) -> bool:
    """Whether a concept on the way decides the answer, or much of it.

    Of those that a test bears out: an exchange is supported, a fair part of the lead goes with it and much of
    the probability, or without it the model says something else and the answer has lost half of its own.
    """
    tests = [c for c in claims if isinstance(c, ConceptEffectClaim | ConceptSwapClaim) and c.concept in way]
    held = held_concepts(tests)
    return any(_decides(test, case) for test in tests if test.concept.id in held)


def installs(claims: Sequence[Any], way: Sequence[Concept]) -> bool:
    """Whether an exchange on the way makes the model say another's answer: no other example is needed."""
    swaps = [claim for claim in claims if isinstance(claim, ConceptSwapClaim) and claim.concept in way]
    held = held_concepts(claims)
    return any(bears_out(claim) and claim.concept.id in held for claim in swaps)


def _decides(test: ConceptEffectClaim | ConceptSwapClaim, case: Case) -> bool:
    if isinstance(test, ConceptSwapClaim):
        return test.verdict == "supported"
    turned = test.says[0].token != case["answer"] and test.p_answer is not None
    before = case["predictions"][0]["p"]
    halved = turned and (test.p_answer or 0.0) <= HALVED * before
    falls = turned or test.p_answer is None or test.p_answer <= LEFT * before
    return (falls and test.effect <= -MUCH * abs(test.lead)) or halved


def _says_partner(claim: ConceptSwapClaim) -> bool:
    first = claim.first
    return first is not None and first.says[0].token.strip().casefold() == first.other.strip().casefold()
