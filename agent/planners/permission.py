"""What the next action would spend, against what the user allowed: what is asked before it is done."""

from typing import NamedTuple

from agent.core import Action, Answer, Search, State, Test
from agent.planners.thresholds import REFUSED, Budget

UNCOUNTED_ACTIONS = (Answer, Search)  # they run no model
FIRST_PASSES = {"combine": 300, "flip": 300, "generalise": 500, "compare": 50}  # until one has been done
PASSES_BESIDE_CONTROLS = 6  # forward passes a test takes beside those of its controls
EXTENDED_FACTOR = 10  # a test that is extended has so many times the controls
LIMITS = {
    "passes": ("forward passes", "ASKCIRCUIT_MAX_PASSES"),
    "seconds": ("seconds", "ASKCIRCUIT_ANSWER_WITHIN"),
}


class PermissionRequest(NamedTuple):
    """What more is asked for, and of which limit."""

    limit: str  # passes, seconds or dollars
    what: str  # as it is shown


def find_needed_permission(
    action: Action, state: State, budget: Budget, controls: int
) -> PermissionRequest | None:
    """What has to be asked before this action; None where it stays within what is allowed.

    An action is taken to cost what the dearest of its kind cost in this question, a test what its
    `controls` do.
    """
    if isinstance(action, UNCOUNTED_ACTIONS):
        return None
    spent = state.get("spent") or {}
    before = {"passes": spent.get("forward_passes", 0), "seconds": spent.get("seconds", 0.0)}
    more = {
        "passes": _estimate_passes(action, spent, controls),
        "seconds": spent.get(f"{action.kind} seconds", 0.0),
    }
    for limit, most in (("passes", budget.passes), ("seconds", budget.seconds)):
        times = count_grants(state, limit)
        if times != REFUSED and before[limit] + more[limit] > most * (1 + times):
            return PermissionRequest(
                limit, _write_request(limit, action.kind, (before[limit], more[limit]), (1 + times, most))
            )
    return None


def _estimate_passes(action: Action, spent: dict[str, float], controls: int) -> float:
    if isinstance(action, Test):
        return PASSES_BESIDE_CONTROLS + controls * (EXTENDED_FACTOR if action.extend else 1)
    return spent.get(f"{action.kind} passes", FIRST_PASSES.get(action.kind, 1))


def count_grants(state: State, limit: str) -> int:
    """How often as much again was allowed; REFUSED where no more was."""
    return (state.get("granted") or {}).get(limit, 0)


def record_reply(state: State, limit: str, *, allowed: bool) -> dict[str, int]:
    """What is granted after this reply."""
    times = count_grants(state, limit) + 1 if allowed else REFUSED
    return {**(state.get("granted") or {}), limit: times}


def _write_request(limit: str, kind: str, cost: tuple[float, float], allowed: tuple[int, float]) -> str:
    (unit, setting), (before, more), (times, most) = LIMITS[limit], cost, allowed
    return (
        f"The next step, {kind}, would take about {more:,.0f} {unit}. This question has taken "
        f"{before:,.0f}, and {times * most:,.0f} are allowed ({setting}). Go on, with {most:,.0f} more "
        "allowed? Yes goes on; no answers with what is known so far."
    )
