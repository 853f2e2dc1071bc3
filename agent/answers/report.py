"""A turn's explanation as the one JSON object of `askcircuit why --json`. Reads the state, adds nothing."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from agent.answers.concept_drawing import concepts_drawn
from agent.core import (
    Claim,
    State,
    Supernode,
    TestedClaim,
    claims_of,
    groups_of,
    joint_group,
    path_of,
    plain_claim,
    unexplained,
)

PACKAGES = ("askcircuit", "torch", "transformers", "langgraph", "chromadb", "safetensors")


def report(state: State, model: str, reply: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    """What was asked, found, predicted, tested and answered; the same on every run but for `cost`."""
    case, graph = state.get("case"), state.get("graph") or {}
    assert case is not None
    features = {f["id"]: f for f in state.get("features", [])}
    cited = {name for sentence in reply["sentences"] for name in sentence["claims"]}
    own = [c for c in claims_of(state) if c.turn == state["turn"] or c.id in cited]
    tests = [c for c in own if isinstance(c, TestedClaim) and c.p is not None and c.turn == state["turn"]]
    groups = [_supernode(group, features) for group in _groups(state, own)] if features else None
    if groups is None:  # a question about a text that was reported before: its features were not kept
        groups = (state.get("report") or {}).get("supernodes", [])
    return {
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
        "path": [] if unexplained(graph) else path_of(state),
        **concepts_drawn(own),
        "claims": [plain_claim(claim) for claim in own],
        "tests_run": len(tests),
        "answer": reply,
        "log": state.get("log", []),
        "cost": cost,
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _groups(state: State, claims: Sequence[Claim]) -> list[Supernode]:
    """The supernodes, and those that were tested together as one."""
    groups = groups_of(state)
    names = dict.fromkeys(tuple(claim.groups) for claim in claims if isinstance(claim, TestedClaim))
    both = [joint_group(some, groups) for some in names]
    return [*groups, *(group for group in both if group is not None)]


def _number(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _supernode(group: Supernode, features: dict[str, dict[str, Any]]) -> dict[str, Any]:
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
