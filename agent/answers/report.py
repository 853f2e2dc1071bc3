"""A turn's explanation as the one JSON object of `askcircuit why --json`. Reads the state, adds nothing."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.answers.concept_drawing import concepts_drawn
from agent.answers.drawing_chain import DrawnConcept, Hop
from agent.core import (
    AnyClaim,
    Claim,
    EffectClaim,
    NextToken,
    RateClaim,
    State,
    Supernode,
    TestedClaim,
    claims_of,
    errors_dominate,
    find_joint_group,
    groups_of,
    path_of,
)

REPORTED_PACKAGES = ("askcircuit", "torch", "transformers", "langgraph", "chromadb", "safetensors")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportedQuestion(_Part):
    """What the text is explained for."""

    asked: str | None
    answer: str
    foil: str
    premise: Literal["true", "false"]
    note: str


class ReportedFeature(_Part):
    """A member of a supernode; `effect` on the lead in logits."""

    layer: int
    position: int
    feature: int
    sign: str | int | None
    activation: float
    influence: float
    effect: float
    label: str


class ReportedGroup(_Part):
    """A supernode with its members; `share` of the summed |effect| of the pruned graph."""

    id: str
    name: str
    kind: str
    sign: int
    share: float
    effect: float
    position: int
    layers: list[int]
    raises: list[str]
    lowers: list[str]
    members: list[ReportedFeature]


class ReportedSentence(_Part):
    """A sentence and the claims it rests on."""

    text: str
    claims: list[str]


class ReportedAnswer(_Part):
    """An answer: its markdown, its sentences, and why others were left out."""

    style: str
    markdown: str
    sentences: list[ReportedSentence]
    refused: list[str] = Field(default_factory=list)


class LogLine(_Part):
    """A step that was decided: what, why, and what it found."""

    action: str
    why: str
    found: str


class Report(_Part):
    """What was asked, found, predicted, tested and answered: the object of `askcircuit why --json`."""

    text: str
    model: str
    tokens: list[str]
    predictions: list[NextToken]
    question: ReportedQuestion
    graph: dict[str, int | float | str | None]
    supernodes: list[ReportedGroup]
    path: list[str]
    concepts: list[DrawnConcept] = Field(default_factory=list)
    hops: list[Hop] = Field(default_factory=list)
    concept_path: list[str] = Field(default_factory=list)  # ids of the concepts borne out, first to last
    claims: list[AnyClaim]
    tests_run: int  # of groups, and of how far they carry
    concept_tests_run: int = 0
    answer: ReportedAnswer
    log: list[LogLine] = Field(default_factory=list)
    cost: dict[str, int | float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The same as JSON."""
        return self.model_dump(mode="json")


def _concepts(own: Sequence[Claim]) -> dict[str, Any]:
    """As the drawing has them; its `path` is that of groups in a report."""
    drawn = concepts_drawn(own)
    return {"concepts": drawn["concepts"], "hops": drawn["hops"], "concept_path": drawn["path"]}


def build_report(state: State, model: str, reply: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    """What was asked, found, predicted, tested and answered; the same on every run but for `cost`."""
    case, graph = state.get("case"), state.get("graph") or {}
    assert case is not None
    features = {f["id"]: f for f in state.get("features", [])}
    cited = {name for sentence in reply["sentences"] for name in sentence["claims"]}
    own = [c for c in claims_of(state) if c.turn == state["turn"] or c.id in cited]
    tests = [c for c in own if isinstance(c, TestedClaim) and c.p is not None and c.turn == state["turn"]]
    of_groups = [c for c in tests if isinstance(c, EffectClaim | RateClaim)]
    groups = [_report_supernode(group, features) for group in _report_groups(state, own)] if features else []
    before = state.get("report")
    if before and before["text"] == case["text"] and not features and groups_of(state):
        groups = before["supernodes"]  # a further question about this text: its features were not kept
    whole = {
        "text": case["text"],
        "model": model,
        "tokens": case["tokens"],
        "predictions": case["predictions"],
        "question": {
            "asked": case["asked"],
            "answer": case["answer"],
            "foil": case["foil"],
            "premise": case["premise"],
            "note": case["note"],
        },
        "graph": {name: _number(value) for name, value in graph.items() if not isinstance(value, bool)},
        "supernodes": groups,
        "path": [] if errors_dominate(graph) else path_of(state),
        **_concepts(own),
        "claims": own,
        "tests_run": len(of_groups),
        "concept_tests_run": len(tests) - len(of_groups),
        "answer": reply,
        "log": state.get("log", []),
        "cost": cost,
        "versions": {name: _version(name) for name in REPORTED_PACKAGES},
    }
    return Report.model_validate(whole).plain()


def _report_groups(state: State, claims: Sequence[Claim]) -> list[Supernode]:
    """The supernodes, and those that were tested together as one."""
    groups = groups_of(state)
    names = dict.fromkeys(tuple(claim.groups) for claim in claims if isinstance(claim, TestedClaim))
    both = [find_joint_group(some, groups) for some in names]
    return [*groups, *(group for group in both if group is not None)]


def _number(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _report_supernode(group: Supernode, features: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": group["id"],
        "name": group["name"],
        "kind": group["kind"],
        "sign": group["sign"],
        "share": _number(group["share"]),
        "effect": _number(group["effect"]),
        "position": group["position"],
        "layers": group["layers"],
        "raises": group["raises"],
        "lowers": group["lowers"],
        "members": [
            {
                "layer": features[name]["layer"],
                "position": features[name]["position"],
                "feature": features[name]["neuron"],
                "sign": features[name]["sign"],
                "activation": _number(features[name]["activation"]),
                "influence": _number(features[name]["influence"]),
                "effect": _number(features[name]["effect"]),
                "label": features[name]["label"],
            }
            for name in group["members"]
        ],
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
