"""Whole conversations on the real embedded model: answers, evidence, follow-ups, restarts, bad input."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tolerance import near, size_of, written

from agent import (
    AgentError,
    AnswerText,
    DrawingReady,
    Failed,
    ReportReady,
    Session,
    StepProgress,
    collect_report,
    read_settings,
)
from agent.features.label_store import Library
from agent.workspace.workspace import Workspace

TEXT = "Texas, whose capital is"
KEYS = {
    "text", "model", "tokens", "predictions", "question", "graph", "supernodes", "claims", "answer", "cost",
    "versions",
}  # fmt: skip


def new_desk(subject, folder):
    settings = read_settings(data_dir=folder)
    return Workspace(settings, subject, Library.open(settings.data_folder / "library"))


@pytest.fixture(scope="module")
def workspace(quick_desk):
    return quick_desk


@pytest.fixture(scope="module")
def events(workspace):
    """One answer with all controls; those of other tests have nineteen."""
    few, workspace.settings = workspace.settings, read_settings(data_dir=workspace.settings.data_dir)
    events = list(Session(workspace, "first").ask("", text=TEXT, said="Austin", foil="Houston"))
    workspace.settings = few
    return events


@pytest.fixture(scope="module")
def report(events):
    return next(e.report for e in events if isinstance(e, ReportReady))


def say(session, message, **more):
    """The words of an answer, or the reason there is none."""
    out = []
    for event in session.ask(message, **more):
        if isinstance(event, AnswerText):
            out.append(event.text.replace("\u00a0", " "))
        if isinstance(event, Failed):
            out.append(f"FAILED: {event.why}")
    return "".join(out)


def test_the_answer_comes_step_by_step_with_a_drawing_before_the_words(events):
    kinds = [type(event) for event in events]
    assert (
        kinds.index(StepProgress)
        < kinds.index(DrawingReady)
        < kinds.index(AnswerText)
        < kinds.index(ReportReady)
    )
    finished = [e.step for e in events if isinstance(e, StepProgress) and e.done == 1.0]
    assert finished[:3] == ["predict", "read_concepts", "test_concepts"]  # before any graph
    assert finished[3:8] == ["trace", "prune", "describe", "group", "hypothesise"]
    assert finished[-1] == "answer"
    assert 3 <= finished.count("test") <= 5


def test_the_report_is_what_was_promised(report):
    assert report.keys() >= KEYS
    assert report["predictions"][0]["token"] == " Austin"
    assert report["predictions"][0]["p"] == written(0.27, 2)
    assert report["question"]["premise"] == "true"
    assert report["graph"]["completeness"] >= 0.75
    assert report["tokens"][0] == "<bos>"
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["answer"]["refused"] == []
    ids = {claim["id"] for claim in report["claims"]}
    assert all(s["claims"] and set(s["claims"]) <= ids for s in report["answer"]["sentences"])


def test_predictions_were_registered_before_any_test(report):
    actions = [line["action"] for line in report["log"]]
    assert actions.index("hypothesise") < actions.index("test")
    tests = [c for c in report["claims"] if c["kind"] == "effect" and c.get("p") is not None]
    assert len(tests) == report["tests_run"]
    assert all(c["predicted"] is not None and c["controls"]["n"] == 99 for c in tests)
    best = max(tests, key=lambda c: abs(c["measured"]))
    assert abs(best["measured"]) > best["controls"]["max_abs"]


def ablated(subject, report, claim, factor):
    """The claim done again with nothing of ours: hooks on the model's own down projections."""
    model = subject.model
    group = next(g for g in report["supernodes"] if g["id"] == "+".join(claim["groups"]))
    handles = []
    for layer, block in enumerate(model.model.layers):
        own = [m for m in group["members"] if m["layer"] == layer]

        def scale(_module, args, own=own):
            acts = args[0].clone()
            for m in own:
                acts[0, m["position"], m["feature"]] *= factor
            return (acts,)

        if own:
            handles.append(block.mlp.down_proj.register_forward_pre_hook(scale))
    ids = subject.tokenizer(report["text"], return_tensors="pt").input_ids
    with torch.no_grad():
        logits = model(ids).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits


def test_every_measurement_can_be_repeated_with_independent_code(report, embedded_subject):
    pieces = embedded_subject.tokenizer(
        [report["question"]["answer"], report["question"]["foil"]], add_special_tokens=False
    ).input_ids
    answer, foil = (ids[0] for ids in pieces)
    tests = [c for c in report["claims"] if c["kind"] == "effect" and c.get("p") is not None]
    clean = ablated(embedded_subject, report, tests[0], 1.0)
    for claim in tests:
        logits = ablated(embedded_subject, report, claim, claim["intervention"]["factor"])
        moved = float(logits[answer] - logits[foil] - clean[answer] + clean[foil])
        assert claim["measured"] == near(moved, size=size_of(logits))


def test_a_false_premise_is_said_first_and_the_truth_explained(workspace):
    session = Session(workspace, "premise")
    report = collect_report(session.ask("Why does 'Texas, whose capital is' continue with Houston?"))
    assert report["question"]["premise"] == "false"
    assert report["question"]["answer"] == " Austin"
    assert report["question"]["foil"] == " Houston"
    assert "does not say “ Houston”" in report["answer"]["sentences"][0]["text"]


def test_a_false_premise_is_said_where_another_token_is_asked_for(planted_desk):
    message = "Why does 'the red capital of France is' say Madrid and not Rome?"
    report = collect_report(Session(planted_desk, "premise and foil").ask(message))
    assert report["question"]["foil"] == "Rome"
    assert "does not say “Madrid”" in report["answer"]["sentences"][0]["text"]


def test_follow_ups_act_on_the_same_graph(workspace, events):
    session = Session(workspace, "first")
    assert "Removing S1" in say(session, "remove S1")
    assert "by 2 changes" in say(session, "double this group", focus={"kind": "supernode", "id": "S2"})
    assert "The strongest path" in say(session, "explain the strongest path")
    swapped = say(session, "swap Texas for Colorado")
    assert "The model then says “ Denver”" in swapped
    word = {"kind": "node", "id": "T@1"}
    assert "The model then says “ Denver”" in say(session, "Swap this for 'Colorado'", focus=word)
    assert "from the word “Texas” to" in say(session, "How does this reach the answer?", focus=word)
    assert "“Texas”" in say(session, "What does this do?", focus=word)
    assert "only those can be changed" in say(session, "remove this", focus={"kind": "node", "id": "LD"})
    node = next(n["id"] for n in session.last_drawing()["nodes"] if n["kind"] == "feature")
    assert node in say(session, "what does this node do?", focus={"kind": "node", "id": node})
    assert "supported" in say(session, "how sure are you?")
    assert "No group is called" in say(session, "remove S99")


def test_close_the_terminal_come_back_and_go_on(embedded_subject, events, workspace):
    later = Workspace(workspace.settings, embedded_subject, workspace.library)
    session = Session(later, "first")
    assert session.history()[0]["content"] == TEXT
    assert session.last_drawing()["target"]["answer"] == " Austin"
    assert "Removing S1" in say(session, "remove S1")
    later.conversations.close()


def test_features_are_found_by_meaning(workspace, events):
    found = workspace.search("parliament and law-making", 3)
    assert len(found) == 3
    assert any("parliament" in hit["label"].casefold() for hit in found)


def test_another_text_starts_anew(planted_desk):
    session = Session(planted_desk, "another")
    assert "There is no text to explain yet" in say(session, "remove S1")
    answer = say(session, "why not Paris?", text="the red capital of France is")
    assert "is just what" in answer or "does not say" in answer


@pytest.mark.parametrize(
    ("text", "said", "why"),
    [
        (" ", None, "empty"),
        ("word " * 5000, None, "limit here is 4,096"),
        ("Texas\x00, whose", None, "control character U+0000"),
        ("Texas, whose capital is", "\ud800", "U+D800"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(workspace, text, said, why):
    said_so = say(Session(workspace, "bad"), "", text=text, said=said)
    assert said_so.startswith("FAILED: ")
    assert why in said_so
    assert "Traceback" not in said_so


@pytest.mark.parametrize("brain", ["one-shot", pytest.param("rules", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "text",
    [
        "עיר הבירה של צרפת היא",
        *(pytest.param(text, marks=pytest.mark.slow) for text in ("I love 🍕 and", "a\tb\nc d")),
    ],
)
def test_any_script_can_be_asked_about(plain_desk, text, brain):
    report = collect_report(Session(plain_desk, f"scripts {brain}", brain).ask("", text=text))
    assert report["text"] == text


def test_a_question_that_fails_loses_nothing(workspace, events):
    session = Session(workspace, "first")
    before = session.last_drawing()
    assert say(session, "", text="word " * 5000).startswith("FAILED")
    assert "No group is called" in say(session, "remove S99")
    assert session.last_drawing() == before
    assert session.history()[-1]["content"].startswith("No group is called")
    assert "Removing S1" in say(session, "remove S1")


def test_a_conversation_can_be_forgotten(workspace):
    session = Session(workspace, "forgotten")
    say(session, "help")
    session.forget()
    assert session.history() == []


def test_a_second_question_waits_for_the_first(workspace):
    with workspace.turns.place(threading.Event()):
        asked = Session(workspace, "waiting").ask("help")
        assert next(asked) == StepProgress("wait", 0.0, "another question is answered before this one")
    assert any(isinstance(event, AnswerText) for event in asked)


def test_questions_take_their_turns_in_the_order_they_came(workspace):
    ended, askers = [], []

    def ask(name):
        list(Session(workspace, f"turn {name}").ask("help"))
        ended.append(name)

    with workspace.turns.place(threading.Event()):
        for name in range(5):
            askers.append(threading.Thread(target=ask, args=[name]))
            askers[-1].start()
            while len(workspace.turns) < name + 2:
                time.sleep(0.01)
    for asker in askers:
        asker.join()
    assert ended == list(range(5))


def test_a_question_that_takes_too_long_is_stopped_and_says_so(embedded_subject, tmp_path):
    settings = read_settings(data_dir=tmp_path, max_seconds=1)
    workspace = Workspace(settings, embedded_subject, Library.open(tmp_path / "library"))
    said = say(Session(workspace, "slow"), "", text="word " * 300)
    workspace.close()
    assert said.startswith("FAILED: This took longer than the 1 seconds a question may take here")


def test_a_conversation_keeps_only_where_it_stands(workspace):
    session = Session(workspace, "long")
    for _ in range(3):
        say(session, "help")
    assert list(workspace.conversations.saver.list(None)) == []
    assert len(session.history()) == 6


def test_a_token_of_several_pieces_says_so(plain_desk):
    report = collect_report(
        Session(plain_desk, "pieces", "one-shot").ask("", text=TEXT, said="San Francisco")
    )
    assert "“San Francisco” is “ San” (" in report["question"]["note"]
    assert "and “ Francisco” (" in report["question"]["note"]
    assert report["answer"]["refused"] == []  # its numbers are held by a claim
    assert any("“ San” (" in s["text"] for s in report["answer"]["sentences"])


def test_what_comes_without_a_report_and_from_no_brain_is_said(workspace):
    with pytest.raises(AgentError, match="collect_markdown gives them"):
        collect_report(Session(workspace, "words").ask("help"))
    with pytest.raises(AgentError, match="There is no brain 'clever'; there are rules, llm"):
        collect_report(Session(workspace, "brain", planner="clever").ask("help"))


def test_stopping_ends_within_a_step(workspace):
    stop = threading.Event()
    events = Session(workspace, "stop").ask("", text="Paris is the capital of the country of", cancel=stop)
    seen = []
    for event in events:
        seen.append(event)
        stop.set()
    assert seen[-1] == Failed("Stopped.")
    assert not any(isinstance(e, AnswerText) for e in seen)


def test_what_is_not_understood_is_said_with_examples(workspace):
    said = say(Session(workspace, "unknown"), "colourless green ideas?")
    assert "I did not understand that" in said
    assert "What happens if you remove the Texas group?" in said


def test_it_says_which_heads_take_a_word_to_the_last_one(workspace, events):
    session = Session(workspace, "first")
    said = say(session, "How does Texas reach the last token?")
    assert "passes through head" in said
    assert "from “Texas” to “ is”" in said
    assert "not tested" in said
    assert "directly from S1" in say(session, "which heads carry S1 to the answer?")
    view = next(e.view for e in events if isinstance(e, DrawingReady))
    heads = [edge["heads"] for edge in view["superedges"] if "heads" in edge]
    assert len(heads) == 10
    assert all(len(h) == 3 and h[0].keys() == {"layer", "head", "share"} for h in heads)


def test_conversations_are_read_while_others_are_read(tmp_path):
    workspace = new_desk(None, tmp_path)
    list(Session(workspace, "kept").ask("help"))

    def read(_n):
        return [len(Session(workspace, "kept").history()) for _ in range(8)]

    with ThreadPoolExecutor(16) as readers:
        assert {length for lengths in readers.map(read, range(16)) for length in lengths} == {2}
    workspace.close()
