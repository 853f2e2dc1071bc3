"""The verbs for machines: the official client against our server, over real HTTP and real stdio."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters

from agent import read_settings
from tests.tests_support import words_tokenizer
from tests.tolerance import LOGITS, near
from ui.base.model_loading import wrap_workspace
from ui.machines.mcp import check_open, http_app
from ui.server.hosting import Server

TEXAS = {"text": "Texas, whose capital is", "said": " Austin", "rather_than": " Houston"}


@pytest.fixture(scope="module")
def workspace(quick_desk):
    """The desk with a size of graphs of its own: none is in memory, so that each is made, and told."""
    plain = quick_desk.settings
    quick_desk.settings = read_settings(data_dir=plain.data_dir, controls=19, nodes=500)
    yield quick_desk
    assert quick_desk.turns.wait_until_empty(quick_desk.settings.stop_seconds)
    quick_desk.settings = plain


@pytest.fixture(scope="module")
def address(workspace):
    server = Server(http_app(workspace.settings, wrap_workspace(workspace)), "127.0.0.1", 0)
    yield server.start() + "mcp"
    server.close()


def talk(server, work):
    """Run `work(client)` in a session with a server."""

    async def session():
        async with Client(server) as client:
            return await work(client)

    return anyio.run(session)


def words(result):
    return result.content[0].text


def test_why_then_interventions_then_words(address, workspace):
    told = []

    async def progress(done, total, message):
        told.append((done, message))

    async def work(client):
        assert [t.name for t in (await client.list_tools()).tools] == [
            *("why", "concepts", "lens", "swap", "intervene", "ask", "go_on"),
            *("write", "why_token", "trace", "search_features"),
        ]
        why = await client.call_tool("why", TEXAS, progress_callback=progress)
        thread = why.structured_content["thread"]
        features = [m for g in why.structured_content["report"]["supernodes"][:1] for m in g["members"][:2]]
        ids = [f"L{m['layer']}.N{m['feature']}{m['sign']}@{m['position']}" for m in features]
        calls = [
            ("intervene", {"thread": thread, "group": "S1"}),
            ("intervene", {"thread": thread, "kind": "steer", "factor": 2.0, "features": ids}),
            ("intervene", {"thread": thread, "kind": "swap", "group": "Texas", "other": "Colorado"}),
            ("ask", {"thread": thread, "message": "which words mattered?"}),
            ("search_features", {"query": "capital cities", "k": 3}),
        ]
        return why, [await client.call_tool(name, arguments) for name, arguments in calls]

    why, (ablated, steered, swapped, asked, found) = talk(address, work)
    assert not why.is_error
    assert "“\u00a0Austin”" in words(why)
    report = why.structured_content["report"]
    assert report["question"]["answer"] == " Austin"
    assert report["tests_run"] == 5
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert any("Trace" in message for _, message in told)
    for result in (ablated, steered, swapped):
        claim = next(c for c in result.structured_content["claims"] if c.get("p") is not None)
        assert claim["controls"]["n"] == 19
        assert claim["predicted"] is not None
        assert not result.is_error
    first = ablated.structured_content["claims"][-1]
    known = next(c for c in report["claims"] if c.get("groups") == ["S1"])
    assert first["measured"] == near(known["measured"], size=LOGITS)
    assert "Texas" in words(asked)
    assert len(found.structured_content["features"]) == 3
    assert len(workspace.turns) == 0


def test_a_trace_comes_as_words_and_as_a_file(address):
    async def work(client):
        other = await client.call_tool("trace", {**TEXAS, "said": "San Francisco"})
        return other, await client.call_tool("trace", {**TEXAS, "graph": True})

    other, traced = talk(address, work)
    assert "“ San” and “ Francisco”" in words(other).partition("\n\n")[0]  # what is traced instead
    assert not traced.structured_content["note"]
    assert not traced.is_error, words(traced)
    graph = traced.structured_content["graph"]
    assert len(graph["nodes"]) == traced.structured_content["nodes"]
    assert 1000 < len(graph["links"]) == traced.structured_content["links_given"]
    assert len(graph["links"]) < traced.structured_content["links"]  # the strongest, as many as fit
    weights = [abs(link["weight"]) for link in graph["links"]]
    assert weights == sorted(weights, reverse=True)


def test_a_cancelled_call_ends_the_work(address, workspace):
    async def work(client):
        began = anyio.Event()

        async def progress(done, total, message):
            began.set()

        async with anyio.create_task_group() as group:
            arguments = {"text": "Paris is the capital of the country of"}
            group.start_soon(lambda: client.call_tool("why", arguments, progress_callback=progress))
            await began.wait()
            group.cancel_scope.cancel()
        stopped = time.monotonic()
        while len(workspace.turns):
            await anyio.sleep(0.05)
        return time.monotonic() - stopped

    assert talk(address, work) < 10  # within a step


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        (
            "why",
            {},
            "why cannot take this (text: field required). Its arguments are text, said, rather_than, since.",
        ),
        ("why", {"text": "x", "colour": 1}, "colour: extra inputs are not permitted"),
        ("why", {"text": 5}, "text: input should be a valid string"),
        ("why", {"text": "a\x00b"}, "control character U+0000"),
        ("why", {"text": "word " * 4200}, "4,096"),
        ("search_features", {"query": " "}, "query: string should have at least 1 character"),
        ("intervene", {"group": "S1"}, "call `why` first"),
        ("intervene", {"group": "S1", "thread": "../x"}, "not one that `why` gave"),
        ("intervene", {"group": "S1", "thread": "0" * 32}, "There is no conversation of this thread"),
        ("ask", {"message": "how sure are you?", "thread": "0" * 32}, "no conversation of this thread"),
        ("intervene", {"thread": "0" * 32}, "either a `group`, such as S1, or `features`"),
        ("intervene", {"group": "S1", "kind": "steer"}, "steer needs one"),
        ("intervene", {"group": "S1", "other": "x"}, "belongs to swap"),
        ("no_such", {}, "There is no tool 'no_such'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(address, name, arguments, sentence):
    result = talk(address, lambda client: client.call_tool(name, arguments))
    assert sentence in words(result)
    assert result.is_error
    assert "Traceback" not in words(result)
    assert "\n" not in words(result)


def test_strangers_are_refused(address, workspace):
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"accept": "application/json, text/event-stream"}
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}, {"host": ""}):
        assert httpx.post(address, json=hello, headers={**accept, **headers}).status_code == 403
    assert httpx.post(address, content=b" " * 1_000_001).status_code == 413
    guarded = workspace.settings.model_copy(update=dict(read_settings(token="a-long-token", address_rate=3)))
    server = Server(http_app(guarded, wrap_workspace(workspace)), "127.0.0.1", 0)
    closed = server.start() + "mcp"
    for token, status in (("x", 401), ("a-long-tokem", 401), ("a-long-token", 400), ("a-long-token", 429)):
        given = {"authorization": f"Bearer {token}"}
        assert httpx.post(closed, json={}, headers={**accept, **given}).status_code == status
    server.close()
    for there in ({"host": "0.0.0.0"}, {"host": "0.0.0.0", "hosts": "a.example"}, {"proxies": 1}):
        with pytest.raises(Exception, match="set ASKCIRCUIT_TOKEN"):
            check_open(read_settings(**there))
    check_open(read_settings())


def test_so_many_calls_may_wait_and_a_trace_tells_its_place(workspace):
    few = workspace.settings.model_copy(update={"max_waiting": 1})
    server = Server(http_app(few, wrap_workspace(workspace)), "127.0.0.1", 0)
    told = []

    async def progress(done, total, message):
        told.append(message)

    async def work(client):
        ended = {}

        async def call(name, verb):
            ended[name] = await client.call_tool(verb, TEXAS, progress_callback=progress)

        stop = threading.Event()
        with workspace.turns.place(stop):
            async with anyio.create_task_group() as group:
                group.start_soon(call, "first", "trace")
                while not told:
                    await anyio.sleep(0.05)
                group.start_soon(call, "second", "why")
                while len(workspace.turns) < 3:
                    await anyio.sleep(0.05)
                await call("third", "why")
                group.cancel_scope.cancel()
        return ended

    ended = talk(server.start() + "mcp", work)
    server.close()
    assert list(ended) == ["third"]
    assert words(ended["third"]) == "The server has 2 calls under way, its most. Call again in a minute."
    assert "another question is answered before this one" in told[0]


@pytest.fixture
def small(tiny, tmp_path):
    """A folder with a model that loads in no time."""
    folder = tmp_path / "small"
    tiny("llama").float().save_pretrained(folder)
    words_tokenizer().save_pretrained(folder)
    return folder


def test_over_stdio_one_program_talks_and_nothing_else_is_printed(small, tmp_path):
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "ui", "mcp", "--model", str(small)],
        cwd=Path(__file__).parents[1],
        env={"ASKCIRCUIT_DATA_DIR": str(tmp_path / "data"), "ASKCIRCUIT_NODES": "50", "HF_HUB_OFFLINE": "1"},
    )
    told = []

    async def progress(done, total, message):
        told.append(message)

    async def work(client):
        why = await client.call_tool("why", {"text": "w1 w2 w3 w4"}, progress_callback=progress)
        more = await client.call_tool("ask", {"message": "which words mattered?"})
        wrong = await client.call_tool("intervene", {"group": "nothing like it"})
        return why, more, wrong

    why, more, wrong = talk(command, work)
    assert not why.is_error, words(why)
    assert why.structured_content["report"]["model"]
    assert more.structured_content["thread"] == why.structured_content["thread"]  # its last one
    assert wrong.is_error
    assert told


def test_stdio_ends_when_its_input_does(small, tmp_path):
    command = [sys.executable, "-m", "ui", "mcp", "--model", str(small)]
    environment = {**os.environ, "ASKCIRCUIT_DATA_DIR": str(tmp_path)}
    root = Path(__file__).parents[1]
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"},
        },
    }  # fmt: skip
    for end in ("input", "signal"):
        with subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            process.stdin.write(json.dumps(hello).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["result"]["serverInfo"]["name"] == "askcircuit"
            if end == "signal":
                process.send_signal(signal.SIGTERM)
                process.wait(60)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out == b""
