"""What an LLM is shown: the state in brief, and the actions, as JSON data and never as instructions."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from agent.core import Action, EffectClaim, State, Supernode, every_claim, groups_of
from agent.evidence import Sentence

LONG = 2_000  # characters of the text; what is longer is shown from its end, where the answer hangs
SHORT = 400
GROUPS = 20

KINDS: dict[str, type[BaseModel]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(Action)[0])
}


def summarise_state(state: State, possible: Sequence[str], tests: int) -> dict[str, Any]:
    """The state without its graph: question, predictions, scores, groups, claims, what was done."""
    case, graph, question = state.get("case"), state.get("graph") or {}, state["question"]
    out: dict[str, Any] = {
        "question": {
            "words": question["raw"][-SHORT:],
            **{name: question[name] for name in ("intent", "said", "foil", "group", "factor", "other")},
            "pointed_at": state["focus"],
        },
        "text": (case["text"] if case else question["text"] or "")[-LONG:],
    }
    if case:
        out["next_tokens"] = [{"token": g["token"], "p": round(g["p"], 3)} for g in case["predictions"][:5]]
        out |= {name: case[name] for name in ("answer", "foil", "premise")}
    if graph:
        out["graph"] = {name: _short(graph[name]) for name in graph if name != "residual"}
    out["groups"] = [_group(group) for group in groups_of(state)[:GROUPS]]
    out["claims"] = [_claim(c) for c in every_claim(state, EffectClaim)]
    out["done"] = [line["action"] for line in state.get("log", []) if line["action"] != "brain"]
    return {**out, "possible_now": list(possible), "tests_a_question": tests}


def _group(group: Supernode) -> dict[str, Any]:
    names = ("id", "name", "kind", "sign", "position", "layers")
    out: dict[str, Any] = {name: group[name] for name in names}  # type: ignore[literal-required]
    shown = {"raises": group["raises"][:3], "lowers": group["lowers"][:3]}
    return {**out, **shown, "share": _short(group["share"]), "features": len(group["members"])}


def _claim(claim: EffectClaim) -> dict[str, Any]:
    numbers = claim.model_dump(include={"predicted", "measured", "p", "p_holm"})
    return {
        **{"id": claim.id, "supernode": claim.name, "verdict": claim.verdict},
        **{name: _short(value) for name, value in numbers.items()},
        **{"intervention": claim.intervention.kind, "factor": claim.intervention.factor},
    }


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def number_sentences(sentences: Iterable[Sentence]) -> dict[str, Any]:
    """Sentences as the one who words them sees them."""
    return {
        "sentences": [{"n": n, "text": s.text, "claims": list(s.claims)} for n, s in enumerate(sentences, 1)]
    }


def action_tools() -> list[dict[str, Any]]:
    """The closed set of actions as tools."""
    return [
        {
            "type": "function",
            "function": {"name": name, "description": kind.__doc__, "parameters": _parameters(kind)},
        }
        for name, kind in KINDS.items()
    ]


def describe_actions() -> str:
    """The same in words, for servers without tools."""
    return "\n".join(
        f"- {name}: {kind.__doc__} Arguments: {json.dumps(_parameters(kind)['properties'])}"
        for name, kind in KINDS.items()
    )


def _parameters(kind: type[BaseModel]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    properties = {
        name: {key: value for key, value in known.items() if key not in ("title", "default")}
        for name, known in schema["properties"].items()
        if name != "kind"
    }
    properties["why"] = {"type": "string", "description": "one short line"}
    needed = [name for name in schema.get("required", []) if name != "kind"]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
