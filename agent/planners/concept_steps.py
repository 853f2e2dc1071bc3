"""When concepts are read and tested: before any graph, for all that asks how an answer comes about."""

from agent.core import ConceptsClaim, State, every_claim
from agent.questions import Intent

ABOUT = {Intent.WHY, Intent.WHY_NOT, Intent.TEXT, Intent.MISTAKE, Intent.USES}


def concepts_missing(state: State) -> str:
    """Why concepts are to be read now; empty where they were, or cannot be."""
    if state.get("concepts") is not None or not _asks(state):
        return ""
    return "see what it has in mind at each word"


def untested_concepts(state: State) -> str:
    """Why the concepts are to be tested now; empty where they were, or there are none."""
    known = state.get("concepts") or {}
    if known.get("tested") or not every_claim(state, ConceptsClaim) or not _asks(state):
        return ""
    return "take each concept out, and put others in its place"


def _asks(state: State) -> bool:
    return Intent(state["question"]["intent"]) in ABOUT
