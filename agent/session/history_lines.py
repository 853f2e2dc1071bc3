"""The lines of a turn in the history: what its sentences cite, and that an answer replaces a stop."""

from typing import Any

from agent.answers import cite_sentences, hash_graph_id
from agent.core import Message, State, escape_md
from agent.questions import asks_again, read_reply

STOPPED = "Stopped."


def drop_stopped_turn(history: list[Message], asked: Message) -> list[Message]:
    """The history without this question at its end, where it was stopped: its answer takes its place."""
    end = [(line["role"], line["content"]) for line in history[-2:]]
    again = [("user", asked["content"]), ("assistant", escape_md(STOPPED))]
    return history[:-2] if end == again else history


def collect_citations(state: State, sentences: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sentences of an answer cite and which parts of the drawing they are about."""
    path = (state.get("flows") or {}).get("path", [])
    found = cite_sentences(sentences, state.get("claims", []), state.get("groups") or [], path)
    return {"cites": found, "circuit": hash_graph_id((state.get("drawing") or {}).get("graph_id", ""))}


def find_last_question(history: list[Message]) -> str:
    """What was asked last, to ask it again; a call for help where nothing was."""
    asked = (line["content"] for line in reversed(history) if line["role"] == "user")
    return next((one for one in asked if not asks_again(one) and read_reply(one) is None), "help")
