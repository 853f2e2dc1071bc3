"""What is done with each input, and what has to hold of what comes out.

A trial gives "refused" where a sentence was all, "read" or "answered" where it was used; it raises Wrong
where what came out is not as it must be. Anything else that is raised is a traceback for somebody.
"""

import json
import os
import shutil
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.benchmarks.fuzz import inputs
from tests.benchmarks.fuzz.model_trials import FOLDERS, KINDS, Wrong, save_models, try_config, try_header

SHARES = {  # of the inputs
    "texts": 2, "questions": 2, "configs": 3, "gguf": 3, "graph files": 4, "suites": 2, "tool calls": 2,
    "replies": 2,
}  # fmt: skip
WHOLE = 20  # one text in so many is answered from end to end, one call is run


@dataclass
class Made:
    """What children start from: small models as files and in memory, graph files, a finished question."""

    folder: Path
    subject: Any
    planted: Any
    graphs: list[Any]
    state: dict[str, Any]


def make_materials(folder: Path) -> Made:
    """Make all of it under a folder."""
    from tests.planted import circuits
    from tests.test_files_in_the_wild import looking, openmoss, with_attention
    from tracer import load

    save_models(folder)
    planted = circuits.lookup(folder / "planted", "llama")
    subject = load(str(planted.folder), cache=folder / "cache")
    child = os.fork()  # an index of labels that was opened here could not be used in children
    if child == 0:
        _answer_first(folder, subject, planted)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the first question could not be answered")
    own, state = (json.loads((folder / name).read_text()) for name in ("own.json", "state.json"))
    return Made(folder, subject, planted, [with_attention(), looking(), openmoss(), own], state)


def _answer_first(folder: Path, subject: Any, planted: Any) -> None:
    """A question answered to its end: the state of its conversation and its graph, as files."""
    from agent import Session, export_trace, read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    try:
        settings = read_settings(data_dir=folder / "data")
        workspace = Workspace(settings, subject, Library.open(folder / "library"))
        session = Session(workspace, "first")
        list(session.ask("", text=planted.text, said="Paris", foil="Rome"))
        export_trace(workspace, planted.text, folder / "own.json")
        (folder / "state.json").write_text(json.dumps(session._state(), default=str))
        workspace.close()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def open_desk(made: Made, room: Path) -> Any:
    """A workspace of a child's own around the small model."""
    from agent import read_settings
    from agent.features.label_store import Library
    from agent.workspace.workspace import Workspace

    settings = read_settings(data_dir=room / "tmp" / "data", controls=19)
    return Workspace(settings, made.subject, Library.open(room / "tmp" / "library"))


def try_text(made: Made, given: tuple[str, str | None, str | None, int], room: Path) -> str:
    """Tokens, and one time in twenty the whole answer."""
    from agent import Failed, ReportReady, Session
    from tracer import TextError

    text, said, foil, dice = given
    if dice != WHOLE - 1:
        try:
            ids = made.subject.encode(text, 64)
        except TextError as exc:
            return _refused(exc)
        if sum(int(i) == made.subject.tokenizer.bos_token_id for i in ids[:2]) > 1 and not text.startswith(
            "<s>"
        ):
            raise Wrong("two begin tokens")
        names = made.subject.token_texts(ids.tolist())
        return "read" if len(names) == len(ids) else "wrong"
    desk = open_desk(made, room)
    try:
        session, outcome = Session(desk, "t"), ""
        for event in session.ask("", text=text, said=said, foil=foil):
            if isinstance(event, Failed):
                outcome = _refused(event.why)
            elif isinstance(event, ReportReady):
                _check_report(event.report)
                outcome = "answered"
        session.forget()
        return outcome or "refused"
    finally:
        desk.close()
        _clear(room)


def try_question(made: Made, given: tuple[str, bool], room: Path) -> str:
    """A message as the chat reads it; what it takes for a text stands in the message."""
    from agent.questions import parse_question, read_reply, read_writing_request

    message, has_graph = given
    read = parse_question(message, has_graph=has_graph, known=("Paris", "S1"))
    read_writing_request(message)
    read_reply(message)
    if read.text is not None and not isinstance(read.text, str):
        raise Wrong("a text that is none")
    return "read"


def try_graph(made: Made, given: bytes, room: Path) -> str:
    """A graph file told, drawn and written again."""
    from agent import AgentError, explain_graph, view_graph
    from tracer import GraphError, parse_graph
    from tracer.graph_files.formats import as_json

    try:
        graph = parse_graph(given)
        report = explain_graph(graph)
    except (GraphError, AgentError) as exc:
        return _refused(exc)
    _check_report(report)
    json.dumps(view_graph(given)["drawing"], allow_nan=False)
    again = parse_graph(as_json(graph))
    if (again.nodes, again.links) != (graph.nodes, graph.links):
        raise Wrong("written and read again it is another graph")
    if len(set(report["path"])) != len(report["path"]):
        raise Wrong("a path that goes through one node twice")
    return "answered"


def try_suite(made: Made, given: bytes, room: Path) -> str:
    """A suite read, its folder claimed."""
    from agent import AgentError, read_settings
    from agent.suites.runner import SuiteRun
    from agent.suites.schema import read_suite

    path = room / "tmp" / "suite.yaml"
    path.write_bytes(given)
    try:
        suite = read_suite(path)
        left = SuiteRun(suite, room / "tmp" / "out", read_settings(), baselines=False).begin(resume=False)
    except AgentError as exc:
        return _refused(exc)
    finally:
        _clear(room)
    if [case.id for case in left] != [case.id for case in suite.cases]:
        raise Wrong("cases were lost")
    return "read"


def try_call(made: Made, given: tuple[tuple[str, Any], int], room: Path) -> str:
    """Arguments of a tool call; one valid call in twenty is run."""
    from agent import AgentError
    from ui.base.console import Refused
    from ui.base.model_loading import wrap_workspace
    from ui.machines.verb_list import validate_arguments
    from ui.machines.verbs import Call, Client

    (name, arguments), dice = given
    try:
        verb = validate_arguments(name, arguments)
    except Refused as exc:
        return _refused(exc)
    if dice != WHOLE - 1:
        return "read"
    desk = open_desk(made, room)
    try:
        call = Call(Client(True, wrap_workspace(desk), 4), str, threading.Event())
        json.dumps(verb.run(call).data, allow_nan=False)
        return "answered"
    except (Refused, AgentError) as exc:
        return _refused(exc)
    finally:
        desk.close()
        _clear(room)


def try_reply(made: Made, given: dict[str, Any], room: Path) -> str:
    """A server's reply, read as a choice of the next action."""
    from agent import read_settings
    from agent.core.llm_client import Endpoint, Unreachable
    from agent.planners.llm_planner import LLMPlanner
    from tests.benchmarks.fuzz.server import Scripted

    with Scripted(**given) as address:
        settings = read_settings(llm_base_url=address, llm_model="m")
        try:
            turn = Endpoint(settings, threading.Event()).converse([{"role": "user", "content": "hi"}])
        except Unreachable as exc:
            return _refused(exc)
        planner = LLMPlanner(settings, threading.Event())
        decision, why = planner._read(turn, made.state)
    if decision is None:
        return _refused(why)
    return "answered"


def _refused(exc: object) -> str:
    """What is refused is refused in one sentence or a few, without the words of a traceback."""
    said = str(exc)
    if not said.strip() or "Traceback" in said or len(said) > 2000 or "object at 0x" in said:
        raise Wrong(f"no sentence: {said[:200]!r}")
    return "refused"


def _check_report(report: dict[str, Any]) -> None:
    json.dumps(report, allow_nan=False)
    if report["answer"].get("refused"):
        raise Wrong(f"sentences were refused: {report['answer']['refused']}")
    if "nan" in report["answer"]["markdown"].split():
        raise Wrong("not a number in a sentence")


def _clear(room: Path) -> None:
    for path in (room / "tmp").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _dice() -> Any:
    return st.integers(0, WHOLE - 1)


INPUTS: dict[str, Callable[[Made], Any]] = {
    "texts": lambda made: st.tuples(
        inputs.TEXTS | st.just(made.planted.text), st.none() | inputs.TEXTS | st.just("Paris"),
        st.none() | inputs.TEXTS | st.just("Rome"), _dice(),
    ),
    "questions": lambda _made: st.tuples(inputs.TEXTS, st.booleans()),
    "configs": lambda _made: inputs.configs(FOLDERS),
    "gguf": lambda _made: inputs.headers(KINDS),
    "graph files": lambda made: inputs.changed_json(made.graphs),
    "suites": lambda _made: inputs.suites(),
    "tool calls": lambda _made: st.tuples(inputs.calls(_verbs()), _dice()),
    "replies": lambda _made: inputs.replies(),
}  # fmt: skip
TRIALS: dict[str, Callable[[Made, Any, Path], str]] = {
    "texts": try_text, "questions": try_question, "configs": try_config, "gguf": try_header,
    "graph files": try_graph, "suites": try_suite, "tool calls": try_call, "replies": try_reply,
}  # fmt: skip


def _verbs() -> list[str]:
    from ui.machines.verb_list import VERBS

    return list(VERBS)
