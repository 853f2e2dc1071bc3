"""Derives a bundle's conclusions again from its measurements, and says what does not agree. Runs no model."""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from agent.answers.compose import compose
from agent.answers.drawing import with_tests
from agent.answers.report import CLAIM_FIELDS
from agent.core import Claim, State, rounded
from agent.evidence import LEVEL, Sentence, faults, p_value, rate_p, settle, summary

if TYPE_CHECKING:
    from agent.answers.bundle import Bundle


def disagreements(bundle: "Bundle") -> list[str]:
    """Every number, verdict, sentence or drawn result that does not follow from what was measured."""
    state = bundle.state
    try:
        return [
            *_statistics(state["claims"]),
            *_verdicts(state["claims"]),
            *_reported(bundle.report, state["claims"]),
            *_sentences(bundle.report, state),
            *_words(bundle, state),
            *_drawn(state),
        ]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:
        return [f"the ledger cannot be read: {type(exc).__name__} {exc}"]


def _statistics(claims: Iterable[Claim]) -> Iterator[str]:
    for claim in claims:
        controls, measured = claim["controls"], claim["measured"]
        if claim["kind"] == "rate":
            yield from _rate(claim)
            continue
        if claim["p"] is None or measured is None:
            continue
        if controls is None:
            yield f"{claim['id']} has a p-value and no controls"
            continue
        p = p_value(measured, controls["values"])
        if not math.isclose(p, claim["p"], abs_tol=1e-6):
            yield f"{claim['id']}: p is {claim['p']:g}, and the controls give {p:g}"
        again = rounded(summary(controls["values"], 0, 0))
        for name in ("n", "mean", "sd", "max_abs"):
            if not math.isclose(again[name], controls[name], abs_tol=2e-6):
                yield f"{claim['id']}: {name} of the controls is {controls[name]:g}, not {again[name]:g}"


def _rate(claim: Claim) -> Iterator[str]:
    """The same for a rate: every text's p from its own controls, and the rate's from what holds."""
    rows = [row for row in claim["rows"] or [] if row["members"] and "p" in row]
    for row in rows:
        p = p_value(row["measured"], row["controls"]["values"])
        holds = p <= LEVEL and row["measured"] * row["predicted"] > 0
        if not math.isclose(p, row["p"], abs_tol=1e-6) or holds != row["holds"]:
            yield f"{claim['id']}: the controls do not give what is said of {row['text']!r}"
    if claim["p"] is not None:
        p = rate_p(len(rows), sum(row["holds"] for row in rows))
        if not math.isclose(p, claim["p"], abs_tol=1e-9):
            yield f"{claim['id']}: p is {claim['p']:g}, and its texts give {p:g}"


def _verdicts(claims: list[Claim]) -> Iterator[str]:
    for turn in sorted({claim["turn"] for claim in claims}):
        own = [claim for claim in claims if claim["turn"] == turn]
        for known, again in zip(own, settle(own), strict=True):
            if known["verdict"] != again["verdict"]:
                yield f"{known['id']} is called {known['verdict']}, and the test says {again['verdict']}"
            if known["p_holm"] is not None and again["p_holm"] is not None:
                if not math.isclose(known["p_holm"], again["p_holm"], abs_tol=1e-6):
                    yield f"{known['id']}: p after Holm is {known['p_holm']:g}, not {again['p_holm']:g}"
            elif known["p_holm"] is not again["p_holm"]:
                yield f"{known['id']}: p after Holm is missing or has no test"


def _reported(report: dict[str, Any], claims: list[Claim]) -> Iterator[str]:
    known: dict[str, Any] = {claim["id"]: claim for claim in claims}
    for claim in report["claims"]:
        if claim["id"] not in known:
            yield f"{claim['id']} is reported and not in the ledger"
        elif any(known[claim["id"]][name] != claim.get(name) for name in CLAIM_FIELDS):
            yield f"{claim['id']} is reported otherwise than the ledger has it"


def _sentences(report: dict[str, Any], state: State) -> Iterator[str]:
    names = [group["id"] for group in state.get("groups") or []]
    for answer in (report["answer"], state["reply"]):
        for said in answer["sentences"]:
            yield from faults([Sentence(said["text"], tuple(said["claims"]))], state["claims"], names)


def _words(bundle: "Bundle", state: State) -> Iterator[str]:
    """The last answer, written again; an llm brain's wording cannot be, and is only checked above."""
    reply = state["reply"]
    if not reply["sentences"] or bundle.settings.get("brain") == "llm":
        return
    again = compose(reply["style"], state, bundle.report["model"])
    if again["sentences"] != reply["sentences"] or again["markdown"] != reply["markdown"]:
        yield "the answer is not what its ledger gives"


def _drawn(state: State) -> Iterator[str]:
    drawing = state["drawing"] or {}
    again = with_tests(drawing, state.get("groups") or [], state["claims"])
    for then, now in zip(drawing["supernodes"], again["supernodes"], strict=True):
        if then != now:
            yield f"{then.get('id')} is drawn otherwise than it was tested"
