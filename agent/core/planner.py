"""The protocol of a planner: look at the state, choose one action. It runs nothing, states no number."""

from typing import Protocol

from agent.core.actions import Decision
from agent.core.state import State


class Planner(Protocol):
    """What decides the next step: rules here, an LLM elsewhere; both see the same state."""

    @property
    def name(self) -> str:
        """How reports call it."""

    def decide(self, state: State) -> Decision:
        """The next action. Called again after each action until it chooses Answer."""
