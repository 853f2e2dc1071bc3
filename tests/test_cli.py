"""The command line as a user meets it: a process, its output and its exit code."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent import Session, collect_report, unfolded

ROOT = Path(__file__).parents[1]
TEXAS = "Texas, whose capital is"
FRANCE = "the red capital of France is"  # of the planted model


def command(*words, **environment):
    """One run of the command line: the words, and variables on top of this process's own."""
    return {
        "args": [sys.executable, "-m", "ui", *words],
        "cwd": ROOT,
        "env": {**os.environ, **environment},
    }


def run(*words, **environment):
    return subprocess.run(**command(*words, **environment), capture_output=True, timeout=240, check=False)


def refusal(done):
    """The one sentence on stderr of a command that was refused."""
    assert done.returncode == 2, done.stderr.decode()
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("askcircuit: ")
    return lines[0]


def test_help_is_quick_and_loads_nothing_heavy():
    began = time.perf_counter()
    done = run("--help")
    assert time.perf_counter() - began < 6  # 0.1 s on an idle machine
    assert b"why" in done.stdout
    heavy = (
        "import ui.commands.cli, sys; print({'torch', 'gradio', 'transformers', 'rich'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, capture_output=True, check=True)
    assert loaded.stdout.strip() == b"set()"


@pytest.mark.parametrize("words", [["trace"], ["bogus"], ["why", "x", "--colour"], ["chat", "--port", "x"]])
def test_a_command_line_that_is_wrong_is_refused_in_a_sentence(words):
    assert "Try 'askcircuit --help'." in refusal(run(*words))


def test_a_text_that_is_not_utf8_is_refused():
    done = subprocess.run(**command("why", b"caf\xe9"), capture_output=True, timeout=60, check=False)
    assert "UTF-8" in refusal(done)


def test_a_folder_that_cannot_be_written_is_refused_before_the_work():
    sentence = refusal(run("why", TEXAS, "--out", "/proc/nowhere"))
    assert "/proc/nowhere" in sentence
    assert "cannot be written" in sentence


def test_temporary_files_that_cannot_be_written_are_told(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file, not a folder", encoding="utf-8")
    assert "Set GRADIO_TEMP_DIR" in refusal(run("chat", "--port", "0", GRADIO_TEMP_DIR=str(taken)))


def test_a_port_in_use_is_refused_before_the_model_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} " in refusal(run("chat", "--port", port))


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0:80", "a..b"])
def test_an_address_that_is_not_ours_is_refused(host):
    assert f"The host '{host}' is no address of this machine" in refusal(run("chat", "--host", host))


@pytest.mark.parametrize("words", [("chat",), ("mcp",), ("mcp", "--http")])
def test_a_brain_that_cannot_be_used_is_refused_before_anybody_asks(words):
    assert "set ASKCIRCUIT_LLM_BASE_URL" in refusal(run(*words, ASKCIRCUIT_BRAIN="llm", ASKCIRCUIT_PORT="0"))


@pytest.mark.parametrize(("name", "value"), [("NODES", "many"), ("PORT", "99999"), ("MODEL", " ")])
def test_a_setting_that_cannot_be_used_is_refused_by_its_name(name, value):
    assert f"ASKCIRCUIT_{name}" in refusal(run("doctor", **{f"ASKCIRCUIT_{name}": value}))


def test_a_model_that_is_not_there_is_refused():
    assert "/no/such/folder" in refusal(run("why", TEXAS, "--model", "/no/such/folder"))


def test_the_doctor_says_what_is_there_and_hides_the_key(tmp_path):
    done = run("doctor", ASKCIRCUIT_LLM_API_KEY="s3cr3t", ASKCIRCUIT_DATA_DIR=str(tmp_path / "talks"))
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "s3cr3t" not in text
    assert "ASKCIRCUIT_LLM_API_KEY = set, hidden (from the environment)" in text
    assert f"Talks are kept in {tmp_path / 'talks'}, not made yet." in text
    assert "torch " in text
    assert "only this machine, or a proxy on it, can reach it." in text
    assert "X-Forwarded-For is not believed" in text


def test_control_c_stops_with_a_word_and_130(tmp_path):
    def obey():  # a test run in the background may have been told to ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)

    asked = command("why", TEXAS, ASKCIRCUIT_DATA_DIR=str(tmp_path))
    with subprocess.Popen(
        **asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=obey
    ) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        while "libtorch" not in maps.read_text():  # at work: past reading its arguments
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err.decode()) == (b"", "Stopped.\n")


def answer_in(folder, *words):
    """A why in a process of its own, whose files go into a new folder within `folder`."""
    plain = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "ASKCIRCUIT_CONTROLS": "19"}
    out, data = str(folder / "new"), str(folder / "data")
    done = run("why", *words, "--json", "--out", out, ASKCIRCUIT_DATA_DIR=data, **plain)
    assert done.returncode == 0, done.stderr.decode()
    return done, folder / "new"


@pytest.fixture(scope="module")
def answered(planted, tmp_path_factory):
    """One answer: the process, and the folder it wrote."""
    words = [FRANCE, "--said", "Paris", "--rather-than", "Rome", "--model", str(planted.folder)]
    return answer_in(tmp_path_factory.mktemp("answer"), *words)


def test_json_is_one_object_and_nothing_else(answered):
    done, _ = answered
    report = json.loads(done.stdout.decode("utf-8"), parse_constant=pytest.fail)
    assert done.stdout.count(b"\n") == 1
    assert {
        *("text", "model", "tokens", "predictions", "question", "graph"),
        *("supernodes", "claims", "answer", "cost", "versions"),
    } <= set(report)
    assert report["question"]["answer"] == "Paris"
    assert report["question"]["foil"] == "Rome"
    (lens,) = done.stderr.decode().splitlines()  # of this model there can be none; of others nothing is told
    assert lens.startswith("no concept lens could be fitted: ")


def same_but_for_cost(mine, theirs):
    costs = [one.pop("cost") for one in (mine, theirs)]
    assert all(cost["forward_passes"] for cost in costs)
    return json.dumps(mine) == json.dumps(theirs)


def test_the_same_question_gives_the_same_report_in_another_process(answered, planted_desk):
    asked = Session(planted_desk, "in this process").ask("", text=FRANCE, said="Paris", foil="Rome")
    assert same_but_for_cost(collect_report(asked), json.loads(answered[0].stdout))


@pytest.mark.slow
def test_the_real_model_gives_the_same_report_in_another_process(quick_desk, tmp_path):
    done, _ = answer_in(tmp_path, TEXAS, "--said", " Austin", "--rather-than", " Houston")
    assert done.stderr == b""
    asked = Session(quick_desk, "in this process").ask("", text=TEXAS, said=" Austin", foil=" Houston")
    assert same_but_for_cost(collect_report(asked), json.loads(done.stdout))


def test_out_holds_the_report_the_answer_and_the_drawing(answered):
    done, folder = answered
    assert sorted(path.name for path in folder.iterdir()) == ["answer.md", "drawing.json", "report.json"]
    report = json.loads(done.stdout)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == report
    written = (folder / "answer.md").read_text(encoding="utf-8")
    assert written.strip() == unfolded(report["answer"]["markdown"]).strip()
    drawing = json.loads((folder / "drawing.json").read_text(encoding="utf-8"))
    assert [box["id"] for box in drawing["supernodes"]] == [box["id"] for box in report["supernodes"]]
    assert any(box["verdict"] for box in drawing["supernodes"])


def test_the_report_of_an_answer_can_be_read(answered):
    from rich.console import Console

    from ui.base.terminal import render_answer

    report = json.loads(answered[0].stdout)
    console = Console(record=True, width=110, file=io.StringIO())
    console.print(render_answer(report))
    text = console.export_text()
    assert "“Paris”" in text
    for group in report["supernodes"]:
        assert group["id"] in text
