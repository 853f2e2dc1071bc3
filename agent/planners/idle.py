"""An action that changed nothing is not done again: the answer is given with what there is. Runs nothing."""

from collections.abc import Mapping
from typing import Any

from agent.core import Answer, Decision, State
from agent.planners.preconditions import list_styles

BOOKKEEPING = frozenset(("found_note", "notes", "spent", "log", "decision"))


def note_idle(decision: Decision, update: Mapping[str, Any], state: State) -> dict[str, Any]:
    """What is to be remembered of an action: that it left everything as it was; empty where it did not."""
    before: Mapping[str, Any] = dict(state)
    changed = any(before.get(name) != value for name, value in update.items() if name not in BOOKKEEPING)
    if changed or decision.action.kind == "answer":
        return {}
    return {"idle": [*(state.get("idle") or []), decision.action.model_dump(mode="json")]}


def unless_idle(decision: Decision, state: State) -> Decision:
    """The decision, or the answer where it would do again what changed nothing."""
    if decision.action.model_dump(mode="json") not in (state.get("idle") or []):
        return decision
    why = f"{decision.action.kind} was done and changed nothing: doing it again would tell nothing new"
    return Decision(action=Answer(style=list_styles(state)[0]), why=why, notes=decision.notes)
