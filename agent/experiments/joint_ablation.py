"""Groups that do nothing alone and much together: the fewest of them, looked for and then registered.

The search tries every combination without controls and says so; what it finds is predicted and tested beside
controls like any other claim.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

from agent.core import (
    Combination,
    JointClaim,
    PlainClaim,
    State,
    Supernode,
    enter_claims,
    join_words,
    round_reported,
    show_change,
    show_size,
)
from agent.evidence import HALF, MIN_EFFECT, new_claim
from tracer import Contrast, Intervention, try_groups

APART = 3.0  # times what any part of it does that a set must do


class JointRemoval(NamedTuple):
    """A set of groups and what removing it was seen to do; `part` is the most that a part of it does."""

    names: tuple[str, ...]
    moved: float
    part: float


def find_smallest_set(names: Sequence[str], moved: Callable[[Sequence[str]], float]) -> JointRemoval | None:
    """The fewest that do half of what all of them do, and far more than any part of them; None without.

    `moved` says what removing a set does to the answer's lead.
    """
    whole = abs(moved(names))
    for size in range(2, len(names) + 1):
        found = []
        for some in combinations(names, size):
            parts = [part for n in range(1, size) for part in combinations(some, n)]
            most = max(abs(moved(part)) for part in parts)
            does = moved(some)
            if abs(does) >= max(MIN_EFFECT, HALF * whole, APART * most):
                found.append(JointRemoval(some, does, most))
        if found:
            return max(found, key=lambda one: (abs(one.moved), one.names))
    return None


def search_joint_set(
    contrast: Contrast,
    groups: Sequence[Supernode],
    state: State,
    worth: float,
    progress: Callable[[float], None],
) -> list[PlainClaim]:
    """The ledger with what was tried, and the set that was found as the claim's groups.

    All of them are removed first; where that changes the lead by less than `worth`, no part is tried.
    """
    names = tuple(g["id"] for g in groups)
    did = _measure_removals(contrast, [names], groups, lambda _done: None)
    if whole := abs(did[names]) >= worth:
        parts = [some for n in range(1, len(names)) for some in combinations(names, n)]
        did |= _measure_removals(contrast, parts, groups, progress)
    found = find_smallest_set(names, lambda some: did[tuple(some)]) if whole else None
    told = (
        f"Removing {join_words(list(names))} at once changes the lead by "
        f"{show_change(round_reported(did[names]))}"
    )
    if found is not None:
        does, part = show_change(round_reported(found.moved)), show_size(round_reported(found.part))
        told = (
            f"{len(did)} combinations of {join_words(list(names))} were removed at once, "
            "without controls; the "
            f"fewest that matter together are {join_words(list(found.names))}, by {does}, "
            "where a part of them "
            f"does at most {part}."
        )
    elif whole:
        told += f"; of the {len(did)} combinations of them none does far more than its parts."
    else:
        told += ": too little to look at parts of them."
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        JointClaim,
        groups=list(found.names) if found else [],
        text=told,
        verdict="observed",
        tried=[Combination(groups=list(some), moved=round_reported(moved)) for some, moved in did.items()],
    )
    return enter_claims(state, claim)


def _measure_removals(
    contrast: Contrast,
    sets: Sequence[tuple[str, ...]],
    groups: Sequence[Supernode],
    progress: Callable[[float], None],
) -> dict[tuple[str, ...], float]:
    """By how much removing all groups of each set changes the lead, everything free."""
    members = {g["id"]: g["members"] for g in groups}
    features = [[m for name in some for m in members[name]] for some in sets]
    tried = try_groups(contrast, features, Intervention("ablate"), progress)
    return {some: one.moved for some, one in zip(sets, tried, strict=True)}
