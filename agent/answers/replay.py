"""Derives a bundle's conclusions again from its measurements, and says what does not agree. Runs no model."""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from agent.answers.compose import compose_answer
from agent.answers.drawing import add_verdicts
from agent.core import (
    Claim,
    ConceptSwapClaim,
    ControlledClaim,
    RateClaim,
    State,
    TestedClaim,
    claims_of,
    groups_of,
)
from agent.evidence import (
    LEVEL,
    Sentence,
    find_faults,
    p_beyond_all,
    p_value,
    rate_p_value,
    settle_verdicts,
    summarise_controls,
)

if TYPE_CHECKING:
    from agent.answers.bundle import Bundle
    from agent.answers.report import Report


def find_disagreements(bundle: "Bundle") -> list[str]:
    """Every number, verdict, sentence or drawn result that does not follow from what was measured."""
    state = bundle.state
    try:
        claims = claims_of(state)
        return [
            *_check_statistics(claims),
            *_check_verdicts(claims),
            *_check_report(bundle.report, claims),
            *_check_sentences(bundle, state),
            *_check_words(bundle, state),
            *_check_drawing(state),
        ]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError) as exc:
        return [f"the ledger cannot be read: {type(exc).__name__} {exc}"]


def _check_statistics(claims: Iterable[Claim]) -> Iterator[str]:
    for claim in claims:
        if isinstance(claim, RateClaim):
            yield from _check_rate(claim)
        elif isinstance(claim, ControlledClaim) and claim.p is not None and claim.measured is not None:
            yield from _check_controlled(claim, claim.measured, claim.p)


def _check_controlled(claim: ControlledClaim, measured: float, stated: float) -> Iterator[str]:
    """The p-value and the summary of the controls, from the controls."""
    controls = claim.controls
    if controls is None:
        yield f"{claim.id} has a p-value and no controls"
        return
    kinds = [kind for kind in (controls, claim.norm_controls) if kind is not None]
    p = p_beyond_all(measured, *(kind.values for kind in kinds))
    if isinstance(claim, ConceptSwapClaim) and claim.first is not None and claim.first.changed:
        p = (1 + claim.controls_installed) / (1 + controls.n)  # how often others bring the same word
    if not math.isclose(p, stated, abs_tol=1e-6):
        yield f"{claim.id}: p is {stated:g}, and the controls give {p:g}"
    for kind in kinds:
        known, again = kind.model_dump(), summarise_controls(kind.values, 0, 0).model_dump()
        for name in ("n", "mean", "sd", "max_abs"):
            if not math.isclose(again[name], known[name], abs_tol=2e-6):
                yield f"{claim.id}: {name} of the controls is {known[name]:g}, not {again[name]:g}"


def _check_rate(claim: RateClaim) -> Iterator[str]:
    """The same for a rate: every text's p from its own controls, and the rate's from what holds."""
    run = [text for text in claim.texts if text.members and text.p is not None]
    for text in run:
        if text.controls is None or text.measured is None or text.predicted is None or text.p is None:
            yield f"{claim.id}: a p-value and no test on {text.text!r}"
            continue
        p = p_value(text.measured, text.controls.values)
        holds = p <= LEVEL and text.measured * text.predicted > 0
        if not math.isclose(p, text.p, abs_tol=1e-6) or holds != text.holds:
            yield f"{claim.id}: the controls do not give what is said of {text.text!r}"
    if claim.p is not None:
        p = rate_p_value(len(run), sum(text.holds for text in run))
        if not math.isclose(p, claim.p, abs_tol=1e-9):
            yield f"{claim.id}: p is {claim.p:g}, and its texts give {p:g}"


def _check_verdicts(claims: list[Claim]) -> Iterator[str]:
    for turn in sorted({claim.turn for claim in claims}):
        own = [claim for claim in claims if claim.turn == turn]
        for known, again in zip(own, settle_verdicts(own), strict=True):
            if known.verdict != again.verdict:
                yield f"{known.id} is called {known.verdict}, and the test says {again.verdict}"
            if isinstance(known, TestedClaim) and isinstance(again, TestedClaim):
                yield from _check_adjusted(known, again.p_holm)


def _check_adjusted(claim: TestedClaim, p_holm: float | None) -> Iterator[str]:
    """Holm's adjustment, beside what it should be; without a test there must be none."""
    if claim.p is None or p_holm is None or claim.p_holm is None:
        if (claim.p is None) != (claim.p_holm is None):
            yield f"{claim.id}: p after Holm is missing or has no test"
    elif not math.isclose(claim.p_holm, p_holm, abs_tol=1e-6):
        yield f"{claim.id}: p after Holm is {claim.p_holm:g}, not {p_holm:g}"


def _check_report(report: "Report", claims: list[Claim]) -> Iterator[str]:
    known = {claim.id: claim for claim in claims}
    for claim in report.claims:
        if claim.id not in known:
            yield f"{claim.id} is reported and not in the ledger"
        elif known[claim.id] != claim:
            yield f"{claim.id} is reported otherwise than the ledger has it"


def _check_sentences(bundle: "Bundle", state: State) -> Iterator[str]:
    names, claims = [group["id"] for group in groups_of(state)], claims_of(state)
    for answer in (bundle.report.answer, bundle.kept.reply):
        for said in answer.sentences:
            yield from find_faults([Sentence(said.text, tuple(said.claims))], claims, names)


def _check_words(bundle: "Bundle", state: State) -> Iterator[str]:
    """The last answer, written again; an llm planner's wording cannot be, and is only checked above."""
    reply = state["reply"]
    if not reply["sentences"] or bundle.settings.get("brain") == "llm":
        return
    again = compose_answer(reply["style"], state, bundle.report.model)
    if again["sentences"] != reply["sentences"] or again["markdown"] != reply["markdown"]:
        yield "the answer is not what its ledger gives"


def _check_drawing(state: State) -> Iterator[str]:
    drawing = state["drawing"] or {}
    again = add_verdicts(drawing, groups_of(state), state["claims"])
    for then, now in zip(drawing["supernodes"], again["supernodes"], strict=True):
        if then != now:
            yield f"{then.get('id')} is drawn otherwise than it was tested"
