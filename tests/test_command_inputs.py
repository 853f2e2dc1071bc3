"""What is typed on the command line is refused or read before any work is done."""

import json

import pytest
from test_cli import refusal
from tests_support import run_here

from agent import Session, collect_report, open_workspace, read_settings
from agent.suites.schema import read_suite
from tests.planted import circuits
from ui.base.console import Refused, check_new_file, check_no_answer, named_path
from ui.commands.graphs import trace

NOBODY = ("--model", "/no/such/model")  # found out only when it is loaded: what is refused before is not it


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_an_empty_out_is_refused_and_not_taken_for_here(given):
    with pytest.raises(Refused, match="--out is empty: give a name"):
        named_path(given, "--out")
    assert named_path(".", "--out").name == ""


def test_ids_of_cases_may_be_numbers(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text("- id: 7\n  text: one two\n- id: b\n  text: three four\n", encoding="utf-8")
    assert [case.id for case in read_suite(path).cases] == ["7", "b"]


def test_an_answer_that_is_there_is_not_written_over_unasked(tmp_path, capsys, monkeypatch):
    (tmp_path / "report.json").write_text("mine")
    said = refusal(run_here(capsys, monkeypatch, "why", "x", "--out", str(tmp_path), *NOBODY))
    assert "holds an answer already (report.json): give another folder, or --overwrite." in said
    words = ("why", "x", "--out", str(tmp_path), "--overwrite", *NOBODY)
    said = refusal(run_here(capsys, monkeypatch, *words))
    assert "/no/such/model" in said
    assert (tmp_path / "report.json").read_text() == "mine"
    check_no_answer(tmp_path, ["answer.md"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trace", " ", "-o", "graph.json"], "The text is empty"),
        (["concepts", ""], "The text is empty"),
        (["swap", "", "a", "b"], "The text is empty"),
        (["lens", "show", ""], "The text is empty"),
        (["trace", "x", "-o", ""], "--out is empty"),
        (["trace", "x", "-o", "."], "--out is a folder or empty: give the name of a file."),
        (["trace", "x", "-o", "no/where/graph.json"], "cannot be written: there is no such folder."),
        (["trace", "x", "-o", "/proc/graph.json"], "cannot be written ("),
        (["features", "export", ""], "OUT is empty"),
        (["features", "export", "/proc/features.jsonl"], "cannot be written ("),
        (["features", "describe", "--corpus", "x", "--work", ""], "--work is empty"),
        (["features", "describe", "--corpus", "x", "--out", "/proc/nowhere"], "cannot be written"),
        (["lens", "fit", "--corpus", "x", "--work", " "], "--work is empty"),
        (["lens", "fit", "--corpus", "x", "--out", "/proc/lens.safetensors"], "cannot be written ("),
    ],
)
def test_what_is_empty_or_cannot_be_written_is_refused_before_the_work(words, said, capsys, monkeypatch):
    assert said in refusal(run_here(capsys, monkeypatch, *words, *NOBODY))


def test_a_file_that_is_there_is_written_over_only_when_asked(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text("mine")
    with pytest.raises(Refused, match="is there already: give another name, or --overwrite"):
        check_new_file(path, "--out")
    check_new_file(path, "--out", overwrite=True)
    check_new_file(tmp_path / "other.json", "--out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["graph.json"]


def test_a_suite_of_which_a_case_failed_ends_with_1(planted, tmp_path, capsys, monkeypatch):
    path = tmp_path / "suite.yaml"
    path.write_text(json.dumps([{"id": 3, "text": "one " * 4200}]), encoding="utf-8")
    words = ("investigate", str(path), "--out", str(tmp_path / "out"), "--model", str(planted.folder))
    done = run_here(capsys, monkeypatch, *words, ASKCIRCUIT_DATA_DIR=str(tmp_path))
    assert done.returncode == 1, done.stderr.decode()
    assert "1 of 1 cases failed." in done.stderr.decode()
    assert (tmp_path / "out" / "failed" / "3.json").is_file()


def test_what_is_not_taken_as_it_was_typed_is_told_with_a_trace_and_with_an_answer(tmp_path, capsys):
    planted = circuits.lookup(tmp_path / "model", "llama")
    trace(
        "the red capital of France is ", str(tmp_path / "graph.json"), said="paris", model=str(planted.folder)
    )
    told = " ".join(capsys.readouterr().out.split())
    assert "“paris” is taken for “Paris”." in told
    assert "The text ends with a space" in told
    with open_workspace(read_settings(model=str(planted.folder), data_dir=tmp_path)) as workspace:
        report = collect_report(Session(workspace, "x").ask("", text="the red\\ncapital of France is"))
    assert report["answer"]["refused"] == []
    assert "as it stands, sign for sign. If a line break is meant" in report["answer"]["markdown"]
