"""Graphs in and out of files: write a traced text for circuit-tracer and Neuronpedia, read what others wrote.

Knows no format and no network; a file's model is never needed to read it.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import actions
from agent.desk import Desk
from agent.errors import AgentError, QuestionError
from agent.events import Event
from agent.foreign import explain_foreign
from agent.state import State
from agent.tools import Harness, Stopped
from tracer import (
    GraphFile,
    TracerError,
    flow_of,
    graph_file,
    read_graph_file,
    with_error_ids,
    write_graph_file,
)

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")


class FileError(AgentError):
    """A graph file that cannot be read, written or used."""


def export_trace(
    desk: Desk,
    text: str,
    path: Path,
    *,
    said: str | None = None,
    foil: str | None = None,
    slug: str = "",
    scan: str = "",
    old_error_ids: bool = False,
    emit: Callable[[Event], None] = lambda _event: None,
    cancel: threading.Event | None = None,
) -> dict[str, Any]:
    """Trace a text, group its features and write the pruned graph with labels, supernodes and pins.

    Returns what was written, in numbers. Raises AgentError with one sentence.
    """
    for what, name in (("slug", slug), ("scan", scan)):
        if name and not NAME.fullmatch(name):
            raise QuestionError(f"The {what} {name!r} cannot be used: letters, digits, -, _ and . are taken.")
    if not path.parent.is_dir() or path.is_dir():
        raise FileError(
            f"The graph cannot be written to {str(path)!r}: there is no such folder, or it is one."
        )
    harness = Harness(desk, emit, cancel or threading.Event())
    question = {"text": text, "said": said, "foil": foil}
    state = State(turn=1, history=[], question=question, focus=None, claims=[])
    steps = (actions.Predict(), actions.Trace(nodes=desk.settings.nodes), actions.Prune())
    try:
        with desk.busy:
            for step in (*steps, actions.Describe(), actions.Group()):
                state.update(harness.run(step, state))  # type: ignore[typeddict-item]
            graph = _as_file(desk, state, slug, scan)
            if old_error_ids:
                graph = with_error_ids(graph, old=True)
            write_graph_file(graph, path)
    except Stopped as exc:
        raise AgentError("Stopped.") from exc
    except TracerError as exc:
        raise FileError(str(exc)) from exc
    return {
        "path": str(path),
        "slug": graph.slug,
        "scan": graph.scan,
        "nodes": len(graph.nodes),
        "links": len(graph.links),
        "supernodes": len(graph.groups),
        "pinned": len(graph.pinned),
        "bytes": path.stat().st_size,
        "answer": graph.own["answer"],
        "foil": graph.own["foil"],
        **graph.own["scores"],
    }


def _as_file(desk: Desk, state: State, slug: str, scan: str) -> GraphFile:
    case, groups = state.get("case"), state.get("groups") or []
    assert case is not None
    traced = desk.traced(case["text"], case["answer_id"], case["foil_id"], desk.settings.nodes)
    path = (state.get("flows") or {}).get("path", [])
    words = [f"T@{end[1:]}" for end in path if end.startswith("T")]
    members = [member for group in groups for member in group["members"]]
    return graph_file(
        traced,
        groups=[(group["name"], group["members"]) for group in groups],
        labels={f["id"]: f["label"] for f in state.get("features", [])},
        pinned=[*words, *members, "LD"],  # viewers show a supernode only where its members are pinned
        slug=slug,
        scan=scan,
    )


def why_graph(path: Path) -> dict[str, Any]:
    """Explain a graph file; nothing is tested. Raises AgentError with one sentence."""
    try:
        return explain_foreign(flow_of(read_graph_file(path)))
    except TracerError as exc:
        raise FileError(str(exc)) from exc


def show_graph(path: Path) -> dict[str, Any]:
    """What a graph file holds, in numbers and names. Raises AgentError with one sentence."""
    report = why_graph(path)
    graph = read_graph_file(path)
    labels = graph.all_labels()
    return {
        "file": path.name,
        **{name: report[name] for name in ("source", "model", "text", "tokens", "predictions", "graph")},
        "kinds": dict(sorted(Counter(node.kind for node in graph.nodes).items())),
        "labelled": sum(bool(labels[n.id]) for n in graph.nodes if n.kind == "feature"),
        **{name: report[name] for name in ("features", "supernodes", "pinned", "path", "notes")},
    }
