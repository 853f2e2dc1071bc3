"""What any question about a text needs first, in this order and without a choice: predict, trace, …, group.

The rules walk through it, the guard before a language model takes its preconditions from here, and whoever
writes a graph to a file needs just this.
"""

from collections.abc import Callable

from agent.core import Action, Describe, Group, Predict, Prune, State, Trace
from agent.planners.thresholds import rows_of

FITS: dict[str, Callable[[State], bool]] = {  # a step -> whether it is the one that comes next
    "predict": lambda state: state.get("case") is None,
    "trace": lambda state: state.get("case") is not None and not state.get("graph"),
    "prune": lambda state: bool(state.get("graph")) and not is_pruned(state),
    "describe": lambda state: is_pruned(state) and not is_described(state),
    "group": lambda state: is_described(state) and state.get("groups") is None,
}


def prepare(state: State, nodes: int) -> Action | None:
    """The next step of the preparation, with a graph of this many features; None when all are done."""
    steps: tuple[Action, ...] = (Predict(), Trace(nodes=rows_of(state, nodes)), Prune(), Describe(), Group())
    return next((step for step in steps if FITS[step.kind](state)), None)


def is_pruned(state: State) -> bool:
    """Whether the graph holds only what carries the influence."""
    return bool((state.get("graph") or {}).get("pruned"))


def is_described(state: State) -> bool:
    """Whether its features have labels."""
    return bool((state.get("graph") or {}).get("described"))
