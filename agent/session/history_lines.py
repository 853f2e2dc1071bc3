"""The lines of a turn in the history: what its sentences cite, and that an answer replaces a stop."""

from typing import Any

from agent.answers import circuit_id, cites
from agent.core import Message, State, escaped

STOPPED = "Stopped."


def without_stopped(history: list[Message], asked: Message) -> list[Message]:
    """The history without this question at its end, where it was stopped: its answer takes its place."""
    end = [(line["role"], line["content"]) for line in history[-2:]]
    again = [("user", asked["content"]), ("assistant", escaped(STOPPED))]
    return history[:-2] if end == again else history


def marks_of(state: State, sentences: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sentences of an answer cite and which parts of the drawing they are about."""
    path = (state.get("flows") or {}).get("path", [])
    found = cites(sentences, state.get("claims", []), state.get("groups") or [], path)
    return {"cites": found, "circuit": circuit_id((state.get("drawing") or {}).get("graph_id", ""))}
