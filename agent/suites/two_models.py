"""One question to two models: what each says and how it got there, and whether the other's concepts count.

A concept on the one model's way that is not on the other's is tested there, in the same conversation. What is
compared goes by the words of tokens: two models may cut a text differently.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agent.core import (
    AgentError,
    AnswerText,
    Event,
    Failed,
    ReportReady,
    percent,
    quote_token,
)
from agent.session import Session
from agent.workspace import Workspace

THREAD = "compare-"  # how these conversations are called
MOST = 3  # concepts of the other model that are tested
HEADLINE = "**In one line.**"
Tell = Callable[[str, Event], None]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models with its answer."""

    workspace: Workspace
    session: Session
    report: dict[str, Any]

    @property
    def name(self) -> str:
        """The model."""
        return self.workspace.subject.name

    @property
    def way(self) -> list[str]:
        """The concepts on the way to the answer that were borne out."""
        named = {one["id"]: one["name"] for one in self.report["concepts"] if one["role"] == "concept"}
        return list(dict.fromkeys(named[i] for i in self.report["concept_path"] if i in named))

    @property
    def headline(self) -> str:
        """The answer in one line; empty where it has none."""
        parts = self.report["answer"]["markdown"].split("\n\n")
        return next((part for part in parts if part.startswith(HEADLINE)), "").removeprefix(HEADLINE).strip()


def compare_models(
    workspaces: tuple[Workspace, Workspace],
    question: dict[str, Any],
    tell: Tell = lambda _model, _event: None,
) -> dict[str, Any]:
    """Both answers side by side, and what of the difference was tested; raises AgentError with a sentence."""
    sides = [_ask(workspace, question, tell) for workspace in workspaces]
    try:
        pairs = [(sides[0], sides[1]), (sides[1], sides[0])]
        return {
            "text": question["text"],
            "models": [_side(own, other) for own, other in pairs],
            "tested": [found for own, other in pairs for found in _try_concepts(own, other, tell)],
            "answers": [side.report for side in sides],
        }
    finally:
        for side in sides:
            side.session.forget()


def _ask(workspace: Workspace, question: dict[str, Any], tell: Tell) -> Side:
    session = Session(workspace, f"{THREAD}{uuid.uuid4().hex}")
    report = None
    for event in _events(workspace, session.ask(**question), tell):
        if isinstance(event, ReportReady):
            report = event.report
    if report is None:
        raise AgentError(f"{workspace.subject.name}: the question was answered without an explanation.")
    return Side(workspace, session, report)


def _events(workspace: Workspace, events: Iterator[Event], tell: Tell) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Failed):
            raise AgentError(f"{workspace.subject.name}: {event.why}")
        tell(workspace.subject.name, event)
        yield event


def _side(own: Side, other: Side) -> dict[str, Any]:
    """What one model says, what it gives the other's answer, and its way."""
    asked, study = own.report["question"], own.workspace.study(own.report["text"])
    theirs = other.report["question"]["answer"]
    token = study.token(theirs)
    return {
        "model": own.name,
        "tokens": len(study.ids),
        "says": asked["answer"],
        "p": study.probability(study.token(asked["answer"]).token_id),
        "foil": asked["foil"],
        "other_says": theirs,
        "p_of_other": None if token.rest else study.probability(token.token_id),
        "headline": own.headline,
        "way": own.way,
    }


def _try_concepts(own: Side, other: Side, tell: Tell) -> Iterator[dict[str, Any]]:
    """Whether what is on the other model's way counts here, tested beside controls; or why it cannot be."""
    here = {name.casefold() for name in own.way}
    for name in [name for name in other.way if name.casefold() not in here][:MOST]:
        message = f"Does it think of {quote_token(name)} on the way?"
        words = "".join(
            event.text
            for event in _events(own.workspace, own.session.ask(message), tell)
            if isinstance(event, AnswerText)
        )
        about = [(claim.get("concept") or {}).get("name") for claim in own.session.findings()]
        found = [claim for claim, one in zip(own.session.findings(), about, strict=True) if one == name]
        verdict = found[-1]["verdict"] if found else "not tested"
        yield {"model": own.name, "concept": name, "verdict": verdict, "answer": words.strip()}


def tell_comparison(found: dict[str, Any]) -> str:
    """Both models side by side, as markdown."""
    one, two = found["models"]
    rows = [
        ("", one["model"], two["model"]),
        ("---", "---", "---"),
        ("says", *(f"{quote_token(side['says'])} ({percent(side['p'])})" for side in (one, two))),
        ("compared with", *(quote_token(side["foil"]) for side in (one, two))),
        ("gives what the other says", *(_other(side) for side in (one, two))),
        ("in one line", *(side["headline"] or "nothing that was tested" for side in (one, two))),
        ("concepts on the way", *(" → ".join(side["way"]) or "none borne out" for side in (one, two))),
        ("tokens of the text", *(str(side["tokens"]) for side in (one, two))),
    ]
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    same = one["says"].strip() == two["says"].strip()
    lines += ["", "Both say the same." if same else "They say different words."]
    for test in found["tested"]:
        where = f"{quote_token(test['concept'])}, on the other's way, in {test['model']}"
        lines += ["", f"**{where}: {test['verdict']}.** {test['answer'].split(chr(10) * 2)[0]}"]
    if not found["tested"]:
        lines += ["", "No concept is on one model's way alone, so none was tested in the other."]
    return "\n".join(lines)


def _other(side: dict[str, Any]) -> str:
    if side["p_of_other"] is None:
        return f"{quote_token(side['other_says'])} is several tokens here"
    return f"{quote_token(side['other_says'])} {percent(side['p_of_other'])}"
