"""Suites: what is read and refused, runs that are killed and go on, hypotheses, baselines, the report."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from agent import (
    AgentError,
    Session,
    collect_report,
    open_workspace,
    read_settings,
    read_suite,
    replay_bundles,
    suite_results,
)
from agent.core.claims import GuessClaim
from agent.evidence.ledger import new_claim
from agent.suites.results import adjust_benjamini_hochberg, matches_expectation, rank_values
from agent.suites.runner import SuiteRun, run_in_turn
from ui.base.terminal import render_answer
from ui.reports.suite_markdown import render_markdown
from ui.reports.suite_page import CSP, render_page

ROOT = Path(__file__).parents[1]
MANY = 8  # cases of a run that is ended early
CASES = """
- {id: paris, text: "the red capital of France is", said: Paris, foil: Rome, kind: recall}
- {id: rome, text: "the red capital of Italy is", said: Rome, foil: Paris,
   hypothesis: "<b>Italy</b> carries Rome", group: Italy, expect: lowers}
- {id: madrid, text: "the blue capital of Spain is", said: Madrid, foil: Rome,
   hypothesis: "Spain holds Madrid back", group: Spain, expect: raises}
- {id: nobody, text: "the blue capital of Japan is", hypothesis: "x", group: "no such group", expect: nothing}
- {id: empty, text: " "}
"""


@pytest.fixture(scope="module")
def workspace(planted, tmp_path_factory):
    workspace = open_workspace(
        read_settings(model=str(planted.folder), data_dir=tmp_path_factory.mktemp("data"), controls=19)
    )
    yield workspace
    workspace.close()


@pytest.fixture(scope="module")
def results(workspace, tmp_path_factory):
    """The folder of a suite that ran to its end."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "s.yaml").write_text(CASES, encoding="utf-8")
    run = SuiteRun(read_suite(folder / "s.yaml"), folder / "out", workspace.settings, baselines=True)
    run.folder.mkdir()
    done = list(run_in_turn(run, run.begin(resume=False), workspace))
    assert [one.case for one in done if one.failed] == ["empty"]
    return run


def test_the_cases_of_this_repository_are_a_suite():
    suite = read_suite(ROOT / "tests" / "cases.yaml")
    assert len(suite.cases) >= 20
    assert {case.kind for case in suite.cases} >= {"recall", "failure"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {id: a, text: b}\n- {id: 'a/b', text: c}\n", r"line 2, cases\.1\.id"),
        ("- id: a\n  text: b\n  colour: red\n", r"line 3, cases\.0\.colour"),
        ("- id: a\n", r"line 1, cases\.0\.text: Field required"),
        ("- {id: a, text: b}\n- {id: A, text: c}\n", "the id 'a' is used twice"),
        ("- {id: a, text: b, group: S1}\n", "needs both"),
        ("- {id: a, text: b, group: S1, expect: soars}\n", r"line 1, cases\.0\.expect"),
        ("- {id: a, text: b\n", "not valid YAML: line"),
        ("a: &a [x]\nb: [*a, *a]\n", "aliases"),
        ("[" * 5000, "not valid YAML"),
        ("just words", "no list of cases"),
        ("cases: []\n", r"cases"),
        ("- !!python/object/apply:os.system ['true']\n", "not valid YAML"),
    ],
)
def test_a_bad_suite_is_refused_with_line_and_field(content, told, tmp_path):
    (tmp_path / "s.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(AgentError, match=told):
        read_suite(tmp_path / "s.yaml")


def test_no_suite_at_all_is_refused(tmp_path):
    (tmp_path / "s.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(AgentError, match="not UTF-8"):
        read_suite(tmp_path / "s.yaml")
    with pytest.raises(AgentError, match="cannot be read"):
        read_suite(tmp_path / "missing.yaml")


def test_statistics_over_a_suite():
    assert rank_values([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
    assert adjust_benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx(
        [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    )
    assert adjust_benjamini_hochberg([]) == []


@pytest.mark.parametrize(
    ("expect", "measured", "p", "verdict"),
    [
        ("lowers", -2.0, 0.01, "supported"),
        ("lowers", 2.0, 0.01, "refuted"),
        ("raises", 2.0, 0.01, "supported"),
        ("lowers", 0.001, 0.6, "refuted"),  # as good as nothing
        ("lowers", -0.3, 0.2, "inconclusive"),
        ("nothing", -2.0, 0.01, "refuted"),
        ("nothing", 0.02, 0.6, "supported"),
        ("nothing", -1.0, 0.2, "inconclusive"),  # large, and not told apart from chance
    ],
)
def test_a_hypothesis_is_judged_by_the_data(expect, measured, p, verdict):
    controls = {"n": 1, "mean": 0.0, "sd": 0.0, "max_abs": 0.2, "matched": 1.0, "values": [0.2]}
    claim = new_claim([], 1, GuessClaim, measured=measured, p_holm=p, controls=controls)
    assert matches_expectation(expect, claim, 4.0)[0] == verdict


def test_hypotheses_get_the_verdict_of_the_data(results):
    report = suite_results(results.folder)
    told = {card["id"]: card["hypothesis"] for card in report["cases"] if card["hypothesis"]}
    assert {name: h["verdict"] for name, h in told.items()} == {
        "rome": "supported",
        "madrid": "refuted",
        "nobody": "inconclusive",
    }
    assert report["tests_run"] == sum(len(card["tests"]) for card in report["cases"])
    assert all(test["p_suite"] >= test["p_holm"] for card in report["cases"] for test in card["tests"])


def test_main_hypotheses_are_held_against_more_controls_and_all_of_them(results):
    report = suite_results(results.folder)
    mains = [card["tests"][0] for card in report["cases"] if card["tests"]]
    assert report["main"] == {"of": len(mains), "held": len(mains)}
    for main in mains:
        beaten = abs(main["measured"]) > main["controls"]["max_abs"]
        assert main["controls"]["n"] > 19 if beaten else main["controls"]["n"] <= 199
        assert main["p"] == pytest.approx(1 / (main["controls"]["n"] + 1))
        assert main["p_main"] <= min(1.0, len(mains) * main["p"]) + 1e-12
    others = [test for card in report["cases"] for test in card["tests"][1:]]
    assert all(test["controls"]["n"] <= 19 for test in others)
    assert "main hypotheses that hold, Holm over the suite" in render_markdown(report)


def test_baselines_claim_and_are_scored(results):
    brains = {row["brain"]: row for row in suite_results(results.folder)["brains"]}
    assert set(brains) == {"rules", "one-shot", "text-only"}
    assert brains["rules"]["claimed"] == brains["rules"]["stand"] > 0
    for name in ("one-shot", "text-only"):
        assert brains[name]["claimed"] > 0
        assert brains[name]["stand"] < brains[name]["claimed"]


@pytest.mark.parametrize(("brain", "verdict"), [("one-shot", "graph-only"), ("text-only", "label-only")])
def test_a_baseline_answers_through_the_same_ledger(brain, verdict, workspace, planted):
    session = Session(workspace, f"baseline-{brain}", planner=brain)
    report = collect_report(session.ask("", text=planted.text, said=planted.answer, foil=planted.foil))
    assert report["tests_run"] == 0
    assert {c["verdict"] for c in report["claims"]} <= {"observed", "graph-only", verdict}
    assert "nothing was tested" in report["answer"]["markdown"]
    assert report["answer"]["refused"] == []
    Console(file=io.StringIO()).print(render_answer(report))
    bundle = session.bundle()
    assert bundle.settings["brain"] == brain
    assert bundle.replay() == []


def test_a_brain_that_is_no_brain_is_refused():
    with pytest.raises(AgentError, match="brain"):
        read_settings(brain="oracle")
    with pytest.raises(AgentError, match="needs a server"):
        _ = read_settings(brain="llm").planner_name


def test_the_page_needs_nothing_and_runs_nothing(results):
    made = render_page(suite_results(results.folder))
    assert CSP in unescape(made)
    assert "<script" not in made
    assert "http://" not in made.replace("http-equiv", "")
    assert "https://" not in made
    assert "<b>Italy</b>" not in made
    assert "&lt;b&gt;Italy&lt;/b&gt; carries Rome" in made
    assert made.count("<svg") == 5
    written = render_markdown(suite_results(results.folder))
    assert "\\<b\\>Italy" in written
    assert "| one-shot |" in written


def test_what_was_changed_in_a_results_folder_is_noticed(results, tmp_path):
    import shutil

    folder = shutil.copytree(results.folder, tmp_path / "copy")
    assert replay_bundles(folder) == []
    path = folder / "baselines" / "paris.json"
    claims = json.loads(path.read_text(encoding="utf-8"))
    claims["one-shot"][0]["p"] = 0.001
    path.write_text(json.dumps(claims), encoding="utf-8")
    assert replay_bundles(folder)
    with pytest.raises(AgentError, match="no results"):
        replay_bundles(tmp_path)


def test_results_are_not_mixed(results, workspace):
    with pytest.raises(AgentError, match="--resume"):
        results.begin(resume=False)
    assert [case.id for case in results.begin(resume=True)] == ["empty"]
    other = SuiteRun(results.suite, results.folder, read_settings(model="other", controls=19), baselines=True)
    with pytest.raises(AgentError, match="other settings"):
        other.begin(resume=True)
    with results.claimed(), pytest.raises(AgentError, match="at work"), results.claimed():
        pass


def command(*arguments):
    return [sys.executable, "-m", "ui", *map(str, arguments)]


def bundles(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "bundles").glob("*.gz")}


def begun(arguments, folder, wanted):
    """A suite under way in a process of its own, with at least so many bundles there."""
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT,
        env={**os.environ, "ASKCIRCUIT_DATA_DIR": str(folder / "data"), "ASKCIRCUIT_CONTROLS": "19"},
        text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )  # fmt: skip
    limit = time.monotonic() + 120
    while len(bundles(folder / "out")) < wanted and time.monotonic() < limit:
        time.sleep(0.02)
    assert process.poll() is None, process.stderr.read()
    return process


def test_a_suite_that_was_killed_and_then_stopped_goes_on_where_it_was(planted, workspace, tmp_path):
    cases = [{"id": f"c{i}", "text": planted.text, "said": "Paris", "foil": "Rome"} for i in range(MANY)]
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    arguments = ["investigate", tmp_path / "s.yaml", "-o", tmp_path / "out", "--model", planted.folder]
    process = begun([*arguments, "--no-baselines"], tmp_path, 1)
    process.kill()
    process.communicate()
    killed = bundles(tmp_path / "out")
    process = begun([*arguments, "--no-baselines", "--resume"], tmp_path, len(killed) + 1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert f"{len(killed)} of {MANY} cases are done; {MANY - len(killed)} to do." in told
    assert "go on with --resume" in told
    assert "Traceback" not in told
    assert (tmp_path / "out" / "report.html").exists()
    stopped = bundles(tmp_path / "out")
    run = SuiteRun(read_suite(tmp_path / "s.yaml"), tmp_path / "out", workspace.settings, baselines=False)
    assert len(list(run_in_turn(run, run.begin(resume=True), workspace))) == MANY - len(stopped)
    after = bundles(tmp_path / "out")
    assert len(after) == MANY
    assert {name: after[name] for name in stopped} == stopped  # nothing was done twice
    assert {name: after[name] for name in killed} == killed
    assert replay_bundles(tmp_path / "out") == []


@pytest.mark.slow
def test_workers_share_the_work_and_end_with_their_parent(planted, tmp_path):
    (tmp_path / "s.yaml").write_text(CASES, encoding="utf-8")
    environment = {**os.environ, "ASKCIRCUIT_DATA_DIR": str(tmp_path / "data")}
    arguments = ["investigate", tmp_path / "s.yaml", "-o", tmp_path / "out", "--model", planted.folder]
    done = subprocess.run(
        command(*arguments, "--workers", 2),
        cwd=ROOT,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 process(es) need about" in done.stderr
    assert len(bundles(tmp_path / "out")) == 4
    assert replay_bundles(tmp_path / "out") == []
