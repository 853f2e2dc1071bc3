"""The loop on one screen: listen, decide, act, until a brain chooses to answer."""

import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import GraphRecursionError as WentInCircles
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.core import Brain, State
from agent.session.executor import Harness, Worder
from agent.workspace import Desk

__all__ = ["STEPS", "Deps", "Loop", "WentInCircles", "build_loop", "forget", "forget_past"]

STEPS = 120  # twice the most actions a turn may take


@dataclass(frozen=True)
class Deps:
    """What the steps need and no checkpoint keeps."""

    desk: Desk
    brain: Brain
    cancel: threading.Event
    worder: Worder | None = None  # proposes words for an answer; none: the templates stand


Loop = CompiledStateGraph[State, Deps, Any, Any]


def act(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Ask the brain for the next action, run it, and log both in a line."""
    deps = runtime.context
    decision = deps.brain.decide(state)
    harness = Harness(deps.desk, runtime.stream_writer, deps.cancel, deps.worder)
    harness.tell(decision.notes)
    start, before = time.monotonic(), deps.desk.spent()["forward_passes"]
    update = harness.run(decision.action, state)
    spent = state.get("spent") or {}
    more = {
        "actions": 1,
        "seconds": time.monotonic() - start,
        "forward_passes": deps.desk.spent()["forward_passes"] - before,
    }
    update["spent"] = {name: spent.get(name, 0) + value for name, value in more.items()}
    notes = [*decision.notes, *update.pop("notes", ())]
    line = {
        "action": decision.action.kind,
        "why": decision.why,
        "found": update.pop("found_note", ""),
    }
    told = [{"action": "brain", "why": note, "found": ""} for note in notes]
    return {**update, "log": [*state.get("log", []), *told, line]}


def after(state: State) -> str:
    """On with it until there is an answer."""
    return END if state.get("finished") else "act"


def build_loop(checkpoints: sqlite3.Connection, guard: threading.Lock) -> Loop:
    """The compiled loop; conversations are kept in `checkpoints` by thread id, `guard` is its users' lock."""
    loop = StateGraph(State, context_schema=Deps)
    loop.add_node("act", act)
    loop.add_edge(START, "act")
    loop.add_conditional_edges("act", after)
    saver = SqliteSaver(checkpoints, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    saver.lock = guard  # its own would not keep the savers of other sessions off the connection
    return loop.compile(checkpointer=saver)


def forget(loop: Loop, thread: str) -> None:
    """Delete what is kept of one conversation."""
    assert isinstance(loop.checkpointer, SqliteSaver)
    loop.checkpointer.delete_thread(thread)


def forget_past(loop: Loop, thread: str) -> None:
    """Keep only where a conversation stands: each checkpoint holds it whole, and only the last is read."""
    assert isinstance(loop.checkpointer, SqliteSaver)
    with loop.checkpointer.cursor() as cursor:
        for table in ("writes", "checkpoints"):
            cursor.execute(
                f"delete from {table} where thread_id = ? and checkpoint_id < "
                "(select max(checkpoint_id) from checkpoints where thread_id = ?)",
                (thread, thread),
            )
