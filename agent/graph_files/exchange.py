"""Graphs in and out of files: write a traced text for circuit-tracer and Neuronpedia, read what others wrote.

Knows no format and no network; a file's model is never needed to read it.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agent.core import AgentError, Event, QuestionError, State, Stopped, case_of, groups_of, path_of
from agent.graph_files.file_answer import explain_flow, write_contents
from agent.planners import prepare
from agent.session import ActionContext, perform_action
from agent.workspace import Workspace, wait_turn
from tracer import (
    GraphFile,
    TracerError,
    flow_of,
    graph_file,
    parse_graph,
    read_graph_file,
    with_error_ids,
    write_graph_file,
)

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")


class FileError(AgentError):
    """A graph file that cannot be read, written or used."""


@dataclass(frozen=True, slots=True)
class GraphNaming:
    """What a written graph is called; made up from the text and the model where it is empty."""

    slug: str = ""
    scan: str = ""  # the model's name at Neuronpedia, such as gemma-2-2b
    old_error_ids: bool = False  # as circuit-tracer up to 0.5.0 wrote them


class CheckedGraph(NamedTuple):
    """A graph file that was checked, as bytes, with what its address needs."""

    slug: str
    scan: str
    pinned: tuple[str, ...]
    groups: list[list[str]]
    labels: tuple[tuple[str, str], ...]
    data: bytes


def export_trace(
    workspace: Workspace,
    text: str,
    path: Path,
    *,
    said: str | None = None,
    foil: str | None = None,
    naming: GraphNaming | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
    cancel: threading.Event | None = None,
) -> dict[str, Any]:
    """Trace a text, group its features and write the pruned graph with labels, supernodes and pins.

    Returns what was written, in numbers. Raises AgentError with one sentence.
    """
    naming = naming or GraphNaming()
    for what, name in (("slug", naming.slug), ("scan", naming.scan)):
        if name and not NAME.fullmatch(name):
            raise QuestionError(f"The {what} {name!r} cannot be used: letters, digits, -, _ and . are taken.")
    if not path.parent.is_dir() or path.is_dir():
        raise FileError(
            f"The graph cannot be written to {str(path)!r}: there is no such folder, or it is one."
        )
    state = _grouped(workspace, {"text": text, "said": said, "foil": foil}, emit, cancel or threading.Event())
    case = case_of(state)
    try:
        graph = _as_file(workspace, state, naming)
        if naming.old_error_ids:
            graph = with_error_ids(graph, old=True)
        write_graph_file(graph, path)
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
        "note": case["note"],  # where something else is traced than was asked for
        **graph.own["scores"],
    }


def draw_trace(
    workspace: Workspace,
    text: str,
    *,
    said: str | None = None,
    foil: str | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
    cancel: threading.Event | None = None,
) -> dict[str, Any]:
    """The drawing of a text's pruned graph with its groups; nothing is tested.

    Raises AgentError with one sentence.
    """
    state = _grouped(workspace, {"text": text, "said": said, "foil": foil}, emit, cancel or threading.Event())
    return state.get("drawing") or {}


def _grouped(
    workspace: Workspace, question: dict[str, Any], emit: Callable[[Event], None], stop: threading.Event
) -> State:
    """The state after the steps that ask nothing of the model but one trace."""
    context = ActionContext(workspace, emit, stop)
    state = State(turn=1, history=[], question=question, focus=None, claims=[])
    try:
        with workspace.turns.place(stop) as place:
            for event in wait_turn(place):
                emit(event)
            if stop.is_set():
                raise Stopped
            while (step := prepare(state, workspace.settings.nodes)) is not None:
                state.update(perform_action(step, state, context))  # type: ignore[typeddict-item]
    except Stopped as exc:
        raise AgentError("Stopped.") from exc
    except TracerError as exc:
        raise FileError(str(exc)) from exc
    return state


def _as_file(workspace: Workspace, state: State, naming: GraphNaming) -> GraphFile:
    case, groups = state.get("case"), groups_of(state)
    assert case is not None
    traced = workspace.traced(case["text"], case["answer_id"], case["foil_id"], workspace.settings.nodes)
    path = path_of(state)
    words = [f"T@{end[1:]}" for end in path if end.startswith("T")]
    members = [member for group in groups for member in group["members"]]
    return graph_file(
        traced,
        groups=[(group["name"], group["members"]) for group in groups],
        labels={f["id"]: f["label"] for f in state.get("features", [])},
        pinned=[*words, *members, "LD"],  # viewers show a supernode only where its members are pinned
        slug=naming.slug,
        scan=naming.scan,
        drawing=state.get("drawing") or {},
    )


def explain_graph(graph: GraphFile) -> dict[str, Any]:
    """What can be said from a graph alone, as `askcircuit why --json` says it. Raises AgentError."""
    try:
        return explain_flow(flow_of(graph))
    except TracerError as exc:
        raise FileError(str(exc)) from exc


def explain_graph_file(path: Path) -> dict[str, Any]:
    """Explain a graph file; nothing is tested. Raises AgentError with one sentence."""
    return explain_graph(_read(path))


def _read(path: Path) -> GraphFile:
    try:
        return read_graph_file(path)
    except TracerError as exc:
        raise FileError(str(exc)) from exc


def show_graph(path: Path) -> dict[str, Any]:
    """What a graph file holds, in numbers, names and (`markdown`) words. Raises AgentError."""
    graph = _read(path)
    report = explain_graph(graph)
    labels = graph.all_labels()
    shown = {
        "file": path.name,
        **{name: report[name] for name in ("source", "model", "text", "tokens", "predictions", "graph")},
        "kinds": dict(sorted(Counter(node.kind for node in graph.nodes).items())),
        "lead": report["question"]["lead"],
        "labelled": sum(bool(labels[n.id]) for n in graph.nodes if n.kind == "feature"),
        **{
            name: report[name]
            for name in ("features", "looks", "supernodes", "pinned", "path", "path_words", "notes")
        },
    }
    return {**shown, "markdown": write_contents(shown)}


def check_graph(path: Path, slug: str = "", scan: str = "") -> CheckedGraph:
    """A graph file ready to be sent elsewhere, under another slug or scan if one is given."""
    graph = _read(path)
    try:
        data = path.read_bytes()
        if slug or scan:
            whole = json.loads(data)
            whole["metadata"] |= {"slug": slug or graph.slug, "scan": scan or graph.scan}
            data = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        graph = parse_graph(data, path.name)  # what is sent, not what was there a moment ago
    except TracerError as exc:
        raise FileError(str(exc)) from exc
    except OSError as exc:
        raise FileError(f"The graph file {str(path)!r} cannot be read.") from exc
    groups = [[group.name, *group.members] for group in graph.groups]
    return CheckedGraph(graph.slug, graph.scan, graph.pinned, groups, graph.labels, data)
