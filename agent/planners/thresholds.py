"""When a graph can carry tests, when a question is settled, when its budget is spent. Reads the state."""

from typing import NamedTuple

from agent.core import (
    HIGH_ERROR_SHARE,
    UNTESTABLE_ERROR_SHARE,
    State,
    Supernode,
    errors_dominate,
    groups_of,
    rows_on,
    terms_of,
)
from agent.evidence import SMALLEST

BARE = 0.25  # completeness below which a graph of neurons tells no story worth a test
FIRST = 3  # groups of both sides that are tested before a mistake's repair is looked for
MATTERS = 0.25  # of the strongest effect: a group foreseen to do less is not looked into
REFUSED = -1  # what is granted of a limit of which no more was allowed
LOOSE = 0.3  # coherence below which a group is split


def rows_of(state: State, nodes: int) -> int:
    """How many neurons the graph of the text at hand is to have at first."""
    return rows_on(len((state.get("case") or {"tokens": ()})["tokens"]), nodes)


class Budget(NamedTuple):
    """What one question may cost before it is answered with what there is."""

    actions: int = 60
    seconds: float = 600.0
    passes: int = 20_000


LONG_TEXT = 128  # tokens from which a graph is made once


def find_overspending(state: State, budget: Budget) -> str:
    """What of the budget is spent, in words; empty while there is some left."""
    spent, granted = state.get("spent") or {}, state.get("granted") or {}
    for limit, unit in (("passes", "forward passes"), ("seconds", "seconds")):
        if granted.get(limit) == REFUSED:
            return f"no more {unit} were allowed"
    if spent.get("actions", 0) >= budget.actions:
        return f"the budget of {budget.actions} actions is spent"
    if spent.get("seconds", 0.0) >= budget.seconds:
        return f"the budget of {budget.seconds:g} seconds is spent"
    if spent.get("forward_passes", 0) >= budget.passes:
        return f"the budget of {budget.passes} forward passes is spent"
    return ""


def find_retrace_reason(state: State, nodes: int) -> str:
    """Why the graph should be made again with more features, in words; empty when it should not.

    Once where more than half of the influence ends in neurons that were not chosen, again only where it
    is more than what a graph can tell a story with. Not for long texts: it would take minutes.
    """
    graph, basis = state.get("graph") or {}, terms_of(state)
    if len((state.get("case") or {"tokens": ()})["tokens"]) > LONG_TEXT:
        return ""
    enough = (
        HIGH_ERROR_SHARE if basis.units == "neurons" and graph["traced"] <= nodes else UNTESTABLE_ERROR_SHARE
    )
    more = graph.get("more", True) and graph["traced"] < basis.larger * nodes
    if graph["unexplored"] <= enough or not more:
        return ""
    return f"{graph['unexplored']:.0%} of the influence is unexplored: trace twice as many {basis.units}"


def find_untestable_reason(state: State) -> str:
    """Why the graph cannot carry tests, in words; empty when it can."""
    graph = state.get("graph") or {}
    if errors_dominate(graph):
        return "errors hold most of the influence: the graph explains too little"
    if graph.get("pruned") and terms_of(state).units == "neurons" and graph["completeness"] < BARE:
        return f"completeness {graph['completeness']:.2f} is below {BARE:g}: the graph explains too little"
    return ""


def select_incoherent_groups(state: State) -> list[Supernode]:
    """The groups worth testing whose members do not act alike."""
    groups = groups_of(state)[: FIRST + 2]
    known = (state.get("flows") or {}).get("coherence", {})
    return [g for g in groups if known.get(g["id"], 1.0) < LOOSE and len(g["members"]) >= 2 * SMALLEST]
