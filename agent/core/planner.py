"""The protocol of a brain: look at the state, choose one action. It runs nothing, states no number."""

from typing import Protocol

from agent.core.actions import Decision
from agent.core.state import State


class Brain(Protocol):
    """What decides the next step: rules here, an LLM elsewhere; both see the same state."""

    @property
    def name(self) -> str:
        """How reports call it."""

    def decide(self, state: State) -> Decision:
        """The next action. Called again after each action until it chooses Answer."""
