"""What a graph's features are, neurons or a transcoder set's, in words; and when it explains too little."""

from typing import Any, NamedTuple

from agent.core.state import State

UNTESTABLE_ERROR_SHARE = 0.6  # share of influence in errors above which a graph tells no story
HIGH_ERROR_SHARE = (
    0.5  # share of influence in neurons not chosen above which a graph is made once more, twice as large
)


class FeatureTerms(NamedTuple):
    """How sentences speak of the features of one kind of graph."""

    units: str  # what the features are called
    errors: str  # what influence that is not explained ends in
    error_node: str  # one such node in the drawing
    larger: int  # times the configured number of features a graph may have where much is unexplored


NEURONS = FeatureTerms("neurons", "neurons that were not chosen", "neurons that were not chosen", larger=4)
TRANSCODERS = FeatureTerms(
    "features",
    "errors (what the transcoders leave over and features that were not chosen)",
    "what the transcoders leave over, and features that were not chosen",
    larger=2,  # a row has a column for every active feature, and what is left over stays
)


def terms_of(state: State) -> FeatureTerms:
    """The words for the graph of this conversation."""
    return find_terms((state.get("graph") or {}).get("basis"))


def find_terms(basis: str | None) -> FeatureTerms:
    """The words for a kind of graph."""
    return TRANSCODERS if basis == "transcoders" else NEURONS


def errors_dominate(graph: dict[str, Any] | None) -> bool:
    """Whether errors hold most of what reaches a transcoder graph's words and errors together.

    Neurons leave no error but those not chosen, and tests on them hold whatever the graph leaves out.
    """
    if not graph or graph.get("basis") != "transcoders":
        return False
    return 1 - float(graph["replacement"]) > UNTESTABLE_ERROR_SHARE
