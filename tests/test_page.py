"""What the page is made of, without a browser: lists, links, worked examples, sentences, a late workspace."""

import asyncio
import html
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from agent import AgentError, ConversationIndex
from agent.answers.drawing import Drawing
from ui.base import chat_messages
from ui.base.model_loading import ModelLoader, WaitCancelled
from ui.page import owners, shared_bundles, suggestions
from ui.page.app import UncachedBlocks, draw_circuit
from ui.page.open_conversations import (
    OpenConversation,
    OpenConversations,
    read_factor,
    stream_answer,
    write_action,
)
from ui.reports import explanation_file

THREAD = "0123456789abcdef" * 2


class Click:
    """What a browser sent."""

    def __init__(self, **what):
        vars(self).update(what)


@pytest.fixture(scope="module")
def bundles():
    return {
        line["name"]: shared_bundles.find_bundle(line["name"], Path())
        for line in shared_bundles.read_gallery()
    }


def test_every_worked_example_follows_from_its_own_measurements(bundles):
    assert len(bundles) >= 12
    assert {name: bundle.replay() for name, bundle in bundles.items() if bundle.replay()} == {}
    for bundle in bundles.values():
        assert any(message.get("cites") for message in bundle.history)
        assert bundle.drawing.supernodes


def test_the_worked_examples_are_small():
    folder = Path(shared_bundles.__file__).parents[1] / "gallery"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6_000_000


@pytest.mark.parametrize("name", ["", "..", "../talks", "austin.json", "A" * 32, "0" * 32, "0" * 31 + "/"])
def test_a_link_leads_nowhere_else(name, tmp_path):
    with pytest.raises(AgentError, match="nothing under this link"):
        shared_bundles.find_bundle(name, tmp_path)


def test_a_shared_bundle_is_found_by_its_content(bundles, tmp_path):
    other = bundles["austin"].model_copy(update={"settings": {"model": "gemma-3-270m", "nodes": 1}})
    name = shared_bundles.save_bundle(other, tmp_path)
    assert name == other.id
    assert shared_bundles.find_bundle(name, tmp_path).title == other.title
    assert shared_bundles.save_bundle(bundles["austin"], tmp_path) == "austin"  # an example keeps its name
    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def roster(tmp_path):
    opened_ = ConversationIndex(tmp_path)
    yield opened_
    opened_.close()


def test_everybody_sees_only_their_own_conversations(roster):
    ann, bob = owners.owner_of("ann", THREAD), owners.owner_of("bob", THREAD)
    here, there = owners.owner_of(None, THREAD), owners.owner_of(None, "f" * 32)
    assert len({ann, bob, here, there, owners.owner_of(THREAD, None)}) == 5
    assert owners.owner_of(None, "x") != owners.owner_of(None, "x")  # nobody's key is anybody's
    for owner in (ann, here):
        owners.list_conversation(roster, owner, owner.encode().hex()[:32].ljust(32, "0"), "why\n\u202ethis?")
    assert [entry["title"] for entry in roster.list_conversations(ann)] == ["why ‹202e›this?"]
    thread = roster.list_conversations(ann)[0]["thread"]
    assert roster.owns(ann, thread)
    assert not roster.owns(bob, thread)
    assert roster.list_conversations(bob) == roster.list_conversations(there) == []
    owners.list_conversation(roster, bob, thread, "mine now?")  # what is taken stays its owner's
    roster.drop(bob, thread)
    assert roster.list_conversations(ann)[0]["title"] == "why ‹202e›this?"
    roster.drop(ann, thread)
    assert roster.list_conversations(ann) == []


def test_a_list_is_kept_and_two_tabs_add_to_the_same(roster, tmp_path):
    other = ConversationIndex(tmp_path)  # another tab, another thread of the server: the same folder
    for n, each in enumerate((roster, other, roster)):
        owners.list_conversation(each, "browser a", f"{n:032x}", f"question {n}")
    owners.list_conversation(other, "browser a", f"{0:032x}", "and that?")
    assert [entry["title"] for entry in roster.list_conversations("browser a")] == [
        "question 0",
        "question 2",
        "question 1",
    ]
    other.close()


def test_a_sentence_is_marked_and_nothing_else_becomes_markup():
    cites = [
        {"text": "One.", "claims": ["C1"], "about": ["S1", "S1>LD"]},
        {"text": "Two\\<b>.", "claims": ['C2" onclick="x'], "about": ["LD"]},
        {"text": "absent", "claims": ["C3"], "about": ["LD"]},
        {"text": "Bare.", "claims": ["C4"], "about": []},
    ]
    marked = chat_messages.mark_sentences("One. Two\\<b>. Bare.", cites, "00ff00ff")
    assert marked.count("<span") == marked.count("</span>") == 2
    assert 'class="ac-said of-00ff00ff by-C1 on-S1 on-S1&gt;LD"' in marked
    assert 'onclick="x' not in marked


def test_a_report_carries_its_scripts_and_may_load_nothing(bundles):
    evil = "</script><script>window.x=1</script>"
    drawing = {**bundles["austin"].drawing.plain(), "text": evil}
    page = explanation_file.render_bundle_html(
        bundles["austin"].model_copy(update={"drawing": Drawing.model_validate(drawing), "title": evil})
    )
    assert evil not in page
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_markdown_tells_the_evidence(bundles):
    text = explanation_file.render_bundle_markdown(bundles["austin"])
    assert "| claim | what |" in text
    assert "supported" in text


def test_questions_fit_what_is_pinned():
    drawing = {"supernodes": [{"id": "S1", "measured": 1.0}, {"id": "S6", "measured": None}]}
    assert "What happens if you remove S6?" in suggestions.suggest_questions(drawing, None)
    assert "Remove this group" in suggestions.suggest_questions(drawing, {"kind": "supernode", "id": "S1"})
    assert "Remove this feature" in suggestions.suggest_questions(
        drawing, {"kind": "node", "id": "L11.N441-@5"}
    )
    assert "How does this reach the answer?" in suggestions.suggest_questions(
        drawing, {"kind": "node", "id": "T@1"}
    )
    assert suggestions.suggest_questions(
        drawing, {"kind": "node", "id": "E11@5"}
    ) == suggestions.suggest_questions(drawing, None)
    assert (
        suggestions.suggest_questions({**drawing, "only_seen": True}, None)
        == suggestions.suggest_questions(None, None)
        == []
    )


@pytest.mark.parametrize(
    ("click", "asks"),
    [
        (Click(act="test", factor=0), "Remove this."),
        (Click(act="test", factor=-1.5), "Scale this by -1.5."),
        (Click(act="swap", words=" Colorado "), "Swap this for 'Colorado'"),
        (Click(act="test", factor="nan"), None),
        (Click(act="test", factor=1e9), None),
        (Click(act="swap", words=" "), None),
        (Click(act="rm"), None),
    ],
)
def test_a_button_of_the_drawing_asks_in_words(click, asks):
    assert write_action(click) == asks
    assert read_factor(Click(factor=[])) is None


def test_who_asks_before_the_model_is_there_waits_and_may_stop():
    go = threading.Event()

    def load(progress):
        progress("model", 0.5)
        go.wait(5)
        raise AgentError("There is no such model.")

    opening = ModelLoader(load)
    talk = OpenConversations(opening).get(THREAD)
    events = stream_answer(talk, {"message": "why?"})
    assert next(events).step == "load model"
    talk.cancel.set()
    assert list(events)[-1].why == "Stopped."
    with pytest.raises(WaitCancelled):
        opening.workspace(talk.cancel)
    go.set()
    with pytest.raises(AgentError, match="no such model"):
        opening.workspace()
    other = OpenConversation(opening, THREAD)
    assert list(stream_answer(other, {"message": "why?"}))[-1].why == "There is no such model."


def test_a_session_keeps_nothing_of_what_it_showed(bundles):
    with UncachedBlocks() as blocks:
        blocks.load(lambda: None, None, draw_circuit())
    session, circuit = (
        SessionState(blocks),
        chat_messages.encode_drawing(next(iter(bundles.values())).drawing.plain()),
    )
    for piece in [circuit, gr.skip(), gr.update(tried={"n": 1})] * 3:
        with ThreadPoolExecutor(1) as elsewhere:  # a browser test may have left a loop running in this thread
            sending = blocks.postprocess_data(blocks.fns[0], piece, session)
            (sent,) = elsewhere.submit(asyncio.run, sending).result()
        assert sent == piece or sent["__type__"] == "update"
        assert not any(session.config_values.values())
        assert session.blocks_config.blocks.keys() == blocks.default_config.blocks.keys()


def test_a_circuit_is_sent_as_a_text_that_can_never_be_markup():
    view = {"nodes": [{"label": "</script><script>alert(1)</script>"}]}
    assert "<" not in chat_messages.encode_drawing(view)
    assert json.loads(chat_messages.encode_drawing(view)) == view
    assert chat_messages.encode_drawing(None) is None
