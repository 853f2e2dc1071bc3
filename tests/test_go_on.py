"""A question that was cut off goes on where it stood, and one that would take more than it may asks first."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from agent import (
    AnswerText,
    PermissionNeeded,
    ReportReady,
    Session,
    StepProgress,
    collect_markdown,
    collect_report,
    draw_loop,
    read_settings,
)
from agent.core.conversation_db import open_database
from agent.core.state import State
from agent.features.label_store import Library
from agent.planners.llm_context import KINDS
from agent.questions.replies import read_reply
from agent.workspace.workspace import Workspace
from tests.fake_openai import FakeOpenAI, call

ROOT = Path(__file__).parents[1]
TEXAS = {"text": "Texas, whose capital is", "said": "Austin", "foil": "Houston"}
FRANCE = {"text": "the red capital of France is", "said": "Paris", "foil": "Rome"}  # of the planted model
CHILD = """
import json, os, signal, sys
from agent import Session, StepProgress, open_workspace, read_settings
folder, model, question, step, done = *sys.argv[1:5], float(sys.argv[5])
desk = open_workspace(read_settings(data_dir=folder, model=model, controls=19))
desk.wait_for_lens()
session = Session(desk, "cut")
for event in session.go_on() if session.unfinished() else session.ask("", **json.loads(question)):
    if isinstance(event, StepProgress) and event.step == step and event.done >= done:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def desk_in(folder, subject, **more):
    settings = read_settings(data_dir=folder, controls=19, **more)
    workspace = Workspace(settings, subject, Library.open(folder / "library"))
    workspace.wait_for_lens()  # whether there is one is said in the answer
    return workspace


@pytest.fixture(scope="module")
def workspace(planted_subject, tmp_path_factory):
    """How questions are cut off and go on is the same on any model; here on one that answers at once."""
    workspace = desk_in(tmp_path_factory.mktemp("uncut"), planted_subject)
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def uncut(workspace):
    return collect_report(Session(workspace, "uncut").ask("", **FRANCE))


def same(one, other):
    """Whether two reports say the same; what they cost may differ."""
    first, second = ({name: value for name, value in r.items() if name != "cost"} for r in (one, other))
    return json.dumps(first) == json.dumps(second)


def cut(events, step):
    """Listen until a step begins, and then no more."""
    with closing(events):
        return any(isinstance(event, StepProgress) and event.step == step for event in events)


def kinds(events):
    return [event.step for event in events if isinstance(event, StepProgress) and event.done == 1.0]


def kill_and_go_on(workspace, model, question, kills, uncut):
    """Kill processes that answer a question, each at a node, and hold the rest against an uncut answer."""
    folder = workspace.settings.data_folder
    for step, done in kills:
        asked = [str(folder), str(model), json.dumps(question), step, str(done)]
        words = [sys.executable, "-c", CHILD, *asked]
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=300, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    session = Session(workspace, "cut")
    assert session.unfinished() == (question["text"], "")
    assert session.history() == []
    events = list(session.ask("go on"))
    assert kinds(events) in ([], ["answer"])  # the node may have ended before the process did
    report = next(event.report for event in events if isinstance(event, ReportReady))
    assert same(report, uncut)
    assert report["cost"]["forward_passes"] >= uncut["cost"]["forward_passes"] - 50
    assert session.unfinished() is None
    assert [line["role"] for line in session.history()] == ["user", "assistant"]
    assert list(workspace.conversations.saver.list(None)) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_process_killed_at_several_nodes_leaves_a_question_that_goes_on(
    planted, planted_subject, uncut, tmp_path
):
    with desk_in(tmp_path, planted_subject) as desk:
        kill_and_go_on(desk, planted.folder, FRANCE, (("trace", 0.5), ("answer", 1.0)), uncut)


@pytest.mark.slow  # the same on the real model, whose concepts are tested too
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_process_of_the_real_model_killed_at_many_nodes_goes_on(embedded_subject, tmp_path):
    kills = (("test_concepts", 0.5), ("trace", 0.5), ("hypothesise", 0.0), ("test", 0.5), ("answer", 1.0))
    with desk_in(tmp_path / "cut", embedded_subject) as desk, desk_in(tmp_path, embedded_subject) as other:
        whole = collect_report(Session(other, "uncut").ask("", **TEXAS))
        kill_and_go_on(desk, "embedded", TEXAS, kills, whole)


@pytest.mark.parametrize("step", ["predict", "prune", "describe", "group", "hypothesise"])
def test_whoever_stops_listening_can_have_the_rest(workspace, uncut, step):
    session = Session(workspace, f"left at {step}")
    assert cut(session.ask("", **FRANCE), step)
    assert session.unfinished().message == FRANCE["text"]
    events = list(session.go_on())
    done = [line["action"] for line in uncut["log"]]
    rest = kinds(events)
    assert rest == done[len(done) - len(rest) :]  # the step that ran may have ended
    assert done.index(step) <= len(done) - len(rest) <= done.index(step) + 1
    assert same(next(event.report for event in events if isinstance(event, ReportReady)), uncut)


def test_another_question_drops_the_one_that_was_cut_off(workspace):
    session = Session(workspace, "dropped")
    assert cut(session.ask("", **FRANCE), "trace")
    assert "I did not understand" in collect_markdown(session.ask("colourless green ideas?"))
    assert session.unfinished() is None
    for events in (session.go_on(), session.ask("go on")):
        assert list(events)[-1].why.startswith("There is no question to go on with")


def test_a_question_that_was_stopped_goes_on_too_and_its_answer_takes_its_place(workspace, uncut):
    session = Session(workspace, "stopped")
    for step in ("trace", "test"):
        stop = threading.Event()
        asked = {"message": "Go on."} if session.unfinished() else {"message": "", **FRANCE}
        for event in session.ask(**asked, cancel=stop):
            if isinstance(event, StepProgress) and event.step == step:
                stop.set()
        assert session.unfinished() == (FRANCE["text"], "")
        assert [line["content"] for line in session.history()] == [FRANCE["text"], "Stopped."]
        assert len(list(workspace.conversations.saver.list(session._config))) == 1  # the last step is enough
    assert same(collect_report(session.ask("go on")), uncut)
    assert [line["role"] for line in session.history()] == ["user", "assistant"]
    assert session.history()[1]["content"] != "Stopped."


@pytest.fixture
def narrow(workspace):
    """The workspace with fewer forward passes allowed than a why takes."""
    plain = workspace.settings
    workspace.settings = read_settings(data_dir=plain.data_dir, controls=19, max_passes=20)
    yield workspace
    workspace.settings = plain


def test_it_asks_before_it_takes_more_than_it_may_and_a_yes_goes_on(narrow, uncut):
    session = Session(narrow, "yes", asks=True)
    events = list(session.ask("", **FRANCE))
    assert isinstance(events[-1], PermissionNeeded)
    assert "20 are allowed (ASKCIRCUIT_MAX_PASSES)" in events[-1].what
    assert not any(isinstance(event, AnswerText) for event in events)
    waits = session.unfinished()
    assert waits.asks == events[-1].what
    rounds = 0
    while isinstance(events[-1], PermissionNeeded):
        events, rounds = list(session.ask("yes")), rounds + 1
    assert 1 <= rounds < 20
    report = next(event.report for event in events if isinstance(event, ReportReady))
    assert same(report, uncut)
    said = session.history()
    assert [line["content"] for line in said[:3:2]] == [FRANCE["text"], "yes"]
    assert len(said) == 2 + 2 * rounds


def test_a_no_is_answered_with_what_is_known(narrow, uncut):
    session = Session(narrow, "no", asks=True)
    assert isinstance(list(session.ask("", **FRANCE))[-1], PermissionNeeded)
    report = collect_report(session.ask("No."))
    assert report["tests_run"] < uncut["tests_run"]
    assert report["log"][-1]["why"] == "no more forward passes were allowed"
    assert report["answer"]["refused"] == []


def test_what_was_asked_survives_a_restart(narrow, planted_subject):
    assert isinstance(list(Session(narrow, "later", asks=True).ask("", **FRANCE))[-1], PermissionNeeded)
    later = Workspace(narrow.settings, planted_subject, narrow.library)
    session = Session(later, "later", asks=True)
    assert "ASKCIRCUIT_MAX_PASSES" in session.unfinished().asks
    assert collect_report(session.go_on(allow=False))["text"] == FRANCE["text"]
    later.conversations.close()


def test_whoever_cannot_be_asked_gets_what_there_is(narrow):
    report = collect_report(Session(narrow, "nobody").ask("", **FRANCE))
    assert report["log"][-1]["why"] == "the budget of 20 forward passes is spent"


def test_money_is_asked_for_before_it_is_spent(workspace):
    plain, spent = workspace.settings, []
    try:
        with FakeOpenAI(then=call("prune")) as server:
            more = {"llm_base_url": server.base_url, "llm_model": "m", "llm_api_key": "sk-12345678"}
            more |= {"llm_price": 2.0, "llm_dollars": 0.001}
            workspace.settings = read_settings(data_dir=plain.data_dir, controls=19, **more)
            session = Session(workspace, "money", asks=True)
            events = list(session.ask("", **FRANCE))
            assert isinstance(events[-1], PermissionNeeded)
            assert "ASKCIRCUIT_LLM_DOLLARS" in events[-1].what
            spent.append(len(server.requests))
            report = collect_report(session.ask("no"))
            spent.append(len(server.requests))
    finally:
        workspace.settings = plain
    assert spent[0] == 0  # the first exchange alone would cost more
    assert report["cost"]["llm_dollars"] <= 0.001


def test_conversations_of_earlier_versions_are_taken_over(tmp_path):
    kept = {"turn": 1, "history": [{"role": "user", "content": "help"}], "question": {}, "focus": None}
    old = StateGraph(State)
    old.add_node("act", lambda _state: {"turn": 1})
    old.add_edge(START, "act")
    old.add_edge("act", END)
    connection = open_database(tmp_path)
    saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    config = {"configurable": {"thread_id": "0" * 32}}
    old.compile(checkpointer=saver).update_state(config, kept, as_node="act")
    connection.close()
    workspace = Workspace(read_settings(data_dir=tmp_path), None, Library.open(tmp_path / "library"))
    assert Session(workspace, "0" * 32).history() == kept["history"]
    assert list(workspace.conversations.saver.list(None)) == []
    workspace.close()


@pytest.mark.parametrize(
    ("message", "word"),
    [
        *(("go on", "go on"), ("Please continue.", "go on"), ("carry on from there", "go on")),
        *(("Yes", "yes"), ("ok, go on", "yes"), ("no, thanks", "no"), ("that's enough", "no")),
        *(("why?", None), ("go on about Texas", None), ("no idea", None), ("", None)),
    ],
)
def test_replies_are_told_from_questions(message, word):
    assert read_reply(message) == word


def test_every_action_is_a_node_and_leads_back_to_the_planner():
    drawn = draw_loop()
    for kind in KINDS:
        assert f"planner -.-> {kind};" in drawn
        assert f"{kind} --> {'__end__' if kind == 'answer' else 'planner'};" in drawn
    assert "permission --> planner;" in drawn
