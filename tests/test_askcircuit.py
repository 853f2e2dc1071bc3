"""The door for Python: answers as text, tables and circuits; what it refuses, and in which words."""

import gc
import subprocess
import sys
import weakref
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from tests_support import words_tokenizer

import askcircuit
from agent.workspace.workspace import open_workspace

ROOT = Path(__file__).parents[1]
AUSTIN = ROOT / "ui" / "gallery" / "austin.json.gz"
TEXAS = "Texas, whose capital is"


@contextmanager
def session_on(desk):
    """A session of a workspace that others use too: it stays open when the session is gone."""
    session = askcircuit.Session(desk)
    yield session
    session._end.detach()


@pytest.fixture(scope="module")
def session(quick_desk):
    with session_on(quick_desk) as session:
        yield session


@pytest.fixture(scope="module")
def answer(session):
    return session.why(TEXAS, rather_than=" Houston")


@pytest.fixture(scope="module")
def kept():
    return askcircuit.read(AUSTIN)


def test_importing_it_costs_nothing():
    code = (
        "import sys, time; start = time.perf_counter(); import askcircuit; dir(askcircuit)\n"
        "assert time.perf_counter() - start < 0.2\n"
        "assert not {'torch', 'pandas', 'agent', 'ui', 'gradio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_kept_answer_needs_no_model():
    code = (
        f"import sys, askcircuit; answer = askcircuit.read({str(AUSTIN)!r}); str(answer); answer.graph\n"
        "answer.claims; answer._repr_html_()\n"
        "assert not {'torch', 'gradio', 'chromadb'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_answer_prints_as_text(answer):
    assert str(answer).startswith("What it says. After “Texas, whose capital is”")
    assert "“ Austin”" in str(answer)
    assert not any(mark in str(answer) for mark in ("**", "\\", "\u00a0"))
    assert repr(answer).startswith("<Answer about “Texas, whose capital is”: ")


def test_its_evidence_is_a_table(answer):
    tested = answer.claims.dropna(subset="p")
    assert len(tested) == answer.json["tests_run"] + answer.json["concept_tests_run"]
    tests = tested[tested["kind"] == "effect"]
    assert set(tests["verdict"]) <= {"supported", "partly", "refuted", "inconclusive"}
    assert (tests["controls"] == 19).all()
    said = answer.claims.loc[tests.index[0], "group"]
    assert answer.groups.loc[said, "measured"] == tests["measured"].iloc[0]


def test_its_graph_is_tables(answer):
    groups, features, edges = answer.groups, answer.features, answer.edges
    assert all(isinstance(table, pd.DataFrame) and len(table) for table in (groups, features, edges))
    assert features["group"].value_counts().to_dict() == groups["features"].to_dict()
    assert set(features["token"]) <= set(answer.json["tokens"])
    assert groups["share"].between(0, 1).all()
    named = set(features.index)
    assert {s for s in edges["source"] if ".N" in s} <= named
    assert "LD" in set(edges["target"])


@pytest.fixture(scope="module")
def planted_session(planted_desk):
    with session_on(planted_desk) as session:
        yield session


def test_follow_ups_go_on_with_their_own_answer(planted_session):
    session = planted_session
    answer = session.why("the red capital of France is")
    before = answer.claims
    other = session.why("the blue capital of Spain is")
    removed = answer.ask("what if you double S1?")
    [test] = removed.claims.dropna(subset="p").to_dict("records")
    assert (test["group"], test["factor"]) == ("S1", 2.0)
    assert "France" in repr(removed)
    assert "Spain" in repr(session.ask("how sure are you?"))  # the last conversation of the session
    assert "Spain" in repr(other)
    pd.testing.assert_frame_equal(before, answer.claims)  # an answer is what it was


def test_interventions_without_words(answer):
    doubled = answer.scale("S1", 2.0)
    assert doubled.claims["factor"].dropna().tolist() == [2.0]
    assert (
        answer.remove("S1").claims["measured"].dropna().item()
        < 0
        < doubled.claims["measured"].dropna().item()
    )
    assert answer.swap("Texas", "Colorado").claims["says"].dropna().iloc[-1] == " Denver"


def test_a_trace_tests_nothing_and_is_a_file_for_others(planted_session, tmp_path):
    traced = planted_session.trace("the red capital of France is")
    assert len(traced.groups)
    assert traced.groups["verdict"].isna().all()
    assert "<iframe" in traced._repr_html_()
    from agent import show_graph

    assert show_graph(traced.save(tmp_path / "france.json"))["text"].endswith("the red capital of France is")


def test_an_answer_is_kept_and_opened_again(session, answer, tmp_path):
    for name in ("a.html", "a.md", "a.txt", "a.json", "a.json.gz"):
        assert answer.save(tmp_path / name).stat().st_size > 1000
    again = askcircuit.read(tmp_path / "a.json.gz")
    assert str(again) == str(answer)
    pd.testing.assert_frame_equal(again.claims, answer.claims)
    assert again.bundle.replay() == []
    assert str(session.read(tmp_path / "a.json").ask("how sure are you?"))


def test_what_goes_wrong_is_told_in_a_sentence(session, kept, tmp_path):
    refused = {
        "was read from a file without a model": lambda: kept.ask("why?"),
        "is none of these": lambda: kept.save(tmp_path / "a.pdf"),
        "cannot be written to": lambda: kept.save(tmp_path / "no" / "a.html"),
        "cannot be read": lambda: askcircuit.read(tmp_path / "missing.json"),
        "There is no setting 'colour'": lambda: askcircuit.open(colour="red"),
        "cannot be": lambda: askcircuit.open(model="  "),
        "The text is empty": lambda: session.why(" "),
    }
    for sentence, act in refused.items():
        with pytest.raises(askcircuit.AgentError, match=sentence) as told:
            act()
        assert "\n" not in str(told.value)


def test_words_alone_have_no_graph(session):
    said = session.ask("help")
    with_words = askcircuit.Answer("Hello.", {"claims": []}, askcircuit.Circuit({}))
    assert str(said)
    assert with_words._repr_html_() == "<p>Hello.</p>\n"
    with pytest.raises(askcircuit.AgentError, match="Nothing was traced"):
        _ = with_words.groups


def test_progress_is_silent_unless_asked_for(planted, tmp_path, capfd):
    with askcircuit.open(model=str(planted.folder), data_dir=tmp_path, progress=True, nodes=50) as loud:
        loud.trace(planted.text)
    assert "trace: 50 neurons" in capfd.readouterr().err
    with pytest.raises(askcircuit.AgentError, match="This session is closed"):
        loud.why("One")


def test_a_session_nobody_holds_is_closed(tmp_path):
    from agent import read_settings

    workspace = open_workspace(read_settings(data_dir=tmp_path, read_only=True))
    session = askcircuit.Session(workspace)
    assert workspace.conversations
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    assert workspace._conversations is None


@pytest.mark.browser
def test_the_circuit_is_drawn_in_a_notebook(chromium, kept, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    page_file = tmp_path / "cell.html"
    body = f"<!doctype html><meta charset='utf-8'>{kept.graph._repr_html_()}{kept._repr_html_()}"
    page_file.write_text(body, encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1100, "height": 1400})
        wrong = []
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(page_file.as_uri())
        for frame in page.frames[1:]:
            frame.wait_for_selector(".ac-svg text")
            frame.get_by_role("button", name="show groups").click()
            assert "S1" in frame.locator(".ac-svg").text_content()
        assert "“ Austin”" in page.frames[2].locator("#chat").inner_text().replace("\u00a0", " ")
        browser.close()
    assert wrong == []


def test_a_program_that_ends_with_its_answer_ends_without_a_word(tiny, tmp_path):
    tiny("llama").float().save_pretrained(tmp_path / "small")
    words_tokenizer().save_pretrained(tmp_path / "small")
    code = (
        f"import askcircuit; session = askcircuit.open(model={str(tmp_path / 'small')!r}, nodes=50,"
        f" controls=19, data_dir={str(tmp_path / 'data')!r}); print(session.why('the cat sat on the'))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "What it says." in done.stdout
    assert "Traceback" not in done.stderr
