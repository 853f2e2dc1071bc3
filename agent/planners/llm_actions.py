"""An action in a reply of a language model, in the ways that models write one. Checks nothing."""

from typing import Any

from agent.core import Completion, find_json_object
from agent.planners.llm_context import KINDS

GIVEN = ("arguments", "parameters", "args", "input")
NAMED = ("kind", "action", "name", "tool")


def parse_action(turn: Completion) -> dict[str, Any] | None:
    """The first tool call, or the first JSON object of the words, as an action's fields."""
    if turn.calls:
        name, arguments = turn.calls[0]
        given = find_json_object(arguments) if arguments.strip() else {}
        return None if given is None else {**given, "kind": name}
    found = find_json_object(turn.content)
    return None if found is None else _written_action(found)


def _written_action(found: dict[str, Any]) -> dict[str, Any] | None:
    """{"action": name, …}, {"action": {…}}, {"name": name, "arguments": {…}} and the like, {name: {…}}."""
    calls = found.get("tool_calls")
    if isinstance(calls, list) and calls and isinstance(calls[0], dict):
        found = calls[0]
    if isinstance(function := found.get("function"), dict):
        found = function
    elif isinstance(function, str):
        found = {**found, "name": function}
    held = (_as_object(found.get(key)) for key in ("action", *GIVEN))
    inner = next((each for each in held if each is not None), None)
    if inner is not None:
        found = {**{k: v for k, v in found.items() if k in ("why", *NAMED)}, **inner}
    elif len(found) == 1 and (only := next(iter(found))) in KINDS and isinstance(found[only], dict):
        found = {"kind": only, **found[only]}
    name = next((found[key] for key in NAMED if isinstance(found.get(key), str)), None)
    if name is None:
        return None
    return {**{k: v for k, v in found.items() if k not in (*NAMED, *GIVEN, "function")}, "kind": name}


def _as_object(value: Any) -> dict[str, Any] | None:
    """An object, also where it is written as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return find_json_object(value)
    return value if isinstance(value, dict) else None
