"""What is in the state of a conversation: the one place that knows where to look."""

from agent.core.errors import Unsupported
from agent.core.state import Case, Claim, State


def case_of(state: State) -> Case:
    """The text being explained; raises Unsupported when there is none."""
    case = state.get("case")
    if case is None:
        raise Unsupported("There is no text to answer about.")
    return case


def tests_of(state: State) -> list[Claim]:
    """The tests run in this turn."""
    own = [c for c in state.get("claims", []) if c["turn"] == state["turn"]]
    return [c for c in own if c["kind"] == "effect" and c["p"] is not None]


def prediction_of(state: State) -> Claim:
    """The claim on what the model says."""
    return next(c for c in state.get("claims", []) if c["kind"] == "prediction")


def graph_claim(state: State) -> Claim | None:
    """The claim on the pruned graph."""
    return next((c for c in state.get("claims", []) if c["kind"] == "graph"), None)


def path_claim(state: State) -> Claim | None:
    """The claim on groups and their path."""
    return next((c for c in state.get("claims", []) if c["kind"] == "path"), None)


def own_claims(state: State, kind: str) -> list[Claim]:
    """This turn's claims of one kind."""
    return [c for c in state.get("claims", []) if c["turn"] == state["turn"] and c["kind"] == kind]
