"""The loop: a planner, and a node for each action, which it goes to and comes back from until it answers.

    planner -> predict | trace | … | compare -> planner -> … -> answer
    planner -> permission (waits for the user's yes or no) -> planner

LangGraph keeps a checkpoint after each node, so a question that was cut off goes on behind the last one.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError as TooManySteps
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agent.core import Decision, Message, Planner, State, escape_md
from agent.planners import (
    Budget,
    LLMPlanner,
    find_needed_permission,
    note_idle,
    record_reply,
    unless_idle,
)
from agent.session.executor import ACTIONS, ActionContext, perform_action
from agent.workspace import Workspace

__all__ = ["MAX_STEPS", "PERMISSION_NODE", "Dependencies", "Loop", "TooManySteps", "build_loop", "draw_loop"]

PERMISSION_NODE = "permission"  # after which the planner does what was decided, or decides
MAX_STEPS = 240  # nodes a question may pass: planner and action, of twice the most actions


@dataclass(frozen=True)
class Dependencies:
    """What the nodes need and no checkpoint keeps."""

    workspace: Workspace
    planner: Planner
    cancel: threading.Event
    asks: Budget | None = None  # beyond which the user is asked; none: nobody can be

    @property
    def llm(self) -> LLMPlanner | None:
        """The planner, where it is a language model: it also proposes words, and costs money."""
        return self.planner if isinstance(self.planner, LLMPlanner) else None


Loop = CompiledStateGraph[State, Dependencies, Any, Any]


def decide_next(state: State, runtime: Runtime[Dependencies]) -> Command[str]:
    """Decide what is next, and go there; ask first where it would spend more than is allowed."""
    deps, context, allowed = runtime.context, _make_context(runtime), state.get("decision")
    context.check()
    if allowed:
        return Command(goto=allowed["action"]["kind"])
    if deps.asks and deps.llm and (asked := deps.llm.asks_for(state)):
        return Command(goto="permission", update={"asks": asked._asdict(), "decision": None})
    decision = unless_idle(deps.planner.decide(state), state)
    context.tell(decision.notes)
    update: dict[str, Any] = {"decision": decision.model_dump(mode="json")}
    if deps.llm:
        update["brain"] = deps.llm.kept()
    if deps.asks and (
        asked := find_needed_permission(decision.action, state, deps.asks, deps.workspace.settings.controls)
    ):
        return Command(goto="permission", update={**update, "asks": asked._asdict()})
    return Command(goto=decision.action.kind, update=update)


def ask_permission(state: State) -> dict[str, Any]:
    """Wait for a yes or a no; what was decided is done after a yes, and decided anew after a no."""
    asked = state.get("asks") or {}
    allowed = bool(interrupt(asked["what"]))
    said = [
        Message(role="assistant", content=escape_md(asked["what"])),
        Message(role="user", content="yes" if allowed else "no"),
    ]
    return {
        "granted": record_reply(state, asked["limit"], allowed=allowed),
        "said": [*state.get("said", []), *said],
        "decision": state.get("decision") if allowed else None,
        "asks": None,
    }


def run_step(state: State, runtime: Runtime[Dependencies]) -> dict[str, Any]:
    """Run the action that was decided, and log it in a line."""
    decision, workspace = Decision.model_validate(state.get("decision")), runtime.context.workspace
    start, before = time.monotonic(), workspace.spent()["forward_passes"]
    update = perform_action(decision.action, state, _make_context(runtime))
    took = {"passes": workspace.spent()["forward_passes"] - before, "seconds": time.monotonic() - start}
    update["spent"] = _add_spent(state.get("spent") or {}, decision.action.kind, took)
    told_idle = note_idle(decision, update, state)
    notes = [*decision.notes, *update.pop("notes", ())]
    told = [{"action": "brain", "why": note, "found": ""} for note in notes]
    line = {"action": decision.action.kind, "why": decision.why, "found": update.pop("found_note", "")}
    return {**update, **told_idle, "decision": None, "log": [*state.get("log", []), *told, line]}


def _add_spent(spent: dict[str, float], kind: str, took: dict[str, float]) -> dict[str, float]:
    """What the question has taken so far, and the most that an action of each kind took."""
    dearest = {f"{kind} {unit}": max(spent.get(f"{kind} {unit}", 0), value) for unit, value in took.items()}
    return {
        **spent,
        **dearest,
        "actions": spent.get("actions", 0) + 1,
        "seconds": spent.get("seconds", 0) + took["seconds"],
        "forward_passes": spent.get("forward_passes", 0) + took["passes"],
    }


def _make_context(runtime: Runtime[Dependencies]) -> ActionContext:
    deps = runtime.context
    return ActionContext(deps.workspace, runtime.stream_writer, deps.cancel, deps.llm)


def build_loop(checkpoints: BaseCheckpointSaver[Any] | None = None) -> Loop:
    """The compiled loop; `checkpoints` keeps where each question stands, by thread id."""
    loop = StateGraph(State, context_schema=Dependencies)
    loop.add_node("planner", decide_next, destinations=(*ACTIONS, "permission"))
    loop.add_node("permission", ask_permission)
    for kind in ACTIONS:
        loop.add_node(kind, run_step)
        loop.add_edge(kind, END if kind == "answer" else "planner")
    loop.add_edge(START, "planner")
    loop.add_edge("permission", "planner")
    return loop.compile(checkpointer=checkpoints)


def draw_loop() -> str:
    """The loop as a mermaid diagram."""
    return build_loop().get_graph().draw_mermaid()
