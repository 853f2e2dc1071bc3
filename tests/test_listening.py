"""Messages as people type them: nothing is lost by a misreading, several texts live in one talk."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import yaml

from agent import AnswerText, Session, read_settings
from agent.answers.drawing import EarlierTest
from agent.answers.earlier_verdicts import add_earlier_verdicts, match_groups
from agent.features.label_store import Library
from agent.questions import Intent, asks_again, offer, parse_question, read_choice
from agent.session.recall import go_back, shelve
from agent.session.understanding import kept_question, list_choices
from agent.workspace.workspace import Workspace
from tests.benchmarks.reading import score_message

CASES = Path(__file__).parent / "cases"
KNOWN = frozenset(("Texas", "Austin", "Houston", "Dallas"))


@pytest.mark.parametrize("name", ["typed"])
def test_what_people_type_is_read(name):
    scores = [score_message(case) for case in yaml.safe_load((CASES / f"{name}.yaml").read_text("utf-8"))]
    assert sum(one.right for one in scores) >= 0.9 * len(scores)
    assert sum(one.same_text for one in scores) >= 0.92 * len(scores)
    assert not any(one.destroys for one in scores)


@pytest.mark.parametrize(
    "message",
    [
        "explain it to a 12-year-old",
        "oops, put it back the way it was",
        "Houston would have been nice",
        "more about that please",
        "the other thing you said",
        "Send this graph to my boss by email.",
    ],
)
def test_what_may_be_a_request_is_never_a_text(message):
    question = parse_question(message, has_graph=True, known=KNOWN)
    assert question.intent is not Intent.TEXT
    assert question.text is None


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("  - milk\n  - eggs\n  - ", "  - milk\n  - eggs\n  - "),
        ("```\ndef f(x):\n    return x +\n```", "def f(x):\n    return x +"),
        (
            "User: hi\nAssistant: hello\nUser: bye\nAssistant:",
            "User: hi\nAssistant: hello\nUser: bye\nAssistant:",
        ),
        ("The capital of France is ", "The capital of France is "),
    ],
)
def test_a_text_is_kept_byte_for_byte(message, text):
    question = parse_question(message)
    assert (question.intent, question.text) == (Intent.TEXT, text)


def test_what_was_not_clear_is_settled_by_a_word():
    doubtful = parse_question("Houston is a nice place they say", has_graph=True, known=KNOWN)
    assert doubtful.intent is Intent.UNKNOWN
    before = {"maybe": doubtful.maybe, "guess": "Explain it simply"}
    traced = parse_question("Trace it as a text", has_graph=True, before=before)
    assert (traced.intent, traced.text) == (Intent.TEXT, "Houston is a nice place they say")
    assert parse_question("it was a question", has_graph=True, before=before).intent is Intent.LENGTH


def case(text, answer=1, foil=2):
    return {"text": text, "answer": " a", "answer_id": answer, "foil": " b", "foil_id": foil}


def state(text, turn, **more):
    return {"case": case(text), "turn": turn, "claims": [{"id": "C1", "turn": turn}], **more}


def test_a_text_is_traced_beside_the_former_ones_and_each_can_be_gone_back_to():
    first, second = state("Texas, whose capital is", 1), state("Ohio, whose capital is", 2)
    second["earlier"] = shelve(first, second)
    third = state("Paris is in", 3)
    third["earlier"] = shelve(second, third)
    for asked, text in (
        ("go back", "Ohio, whose capital is"),
        ("go back to Texas", "Texas, whose capital is"),
        ("the first one", "Texas, whose capital is"),
        ("undo", "Ohio, whose capital is"),
    ):
        question = parse_question(asked, has_graph=True)
        assert question.intent is Intent.UNDO
        back, said = go_back(third, question)
        assert back["case"]["text"] == text, said
        again, _ = go_back(back, parse_question("go back", has_graph=True))
        assert again["case"]["text"] == "Paris is in"
        assert len(again["earlier"]) == 2
    stays, said = go_back(third, parse_question("go back to Berlin", has_graph=True))
    assert stays is third
    assert "No earlier text holds" in said


def test_undo_after_a_test_says_that_nothing_lasts():
    asked = parse_question("put it back the way it was", has_graph=True)
    there = state("Texas, whose capital is", 1, earlier=[])
    stays, said = go_back({**there, "turn": 2}, asked)
    assert stays["case"] == there["case"]
    assert "only while it runs" in said


def test_a_doubtful_message_leaves_the_conversation_as_it_is(embedded_subject, tmp_path):
    settings = read_settings(data_dir=tmp_path)
    workspace = Workspace(settings, embedded_subject, Library.open(settings.data_folder / "library"))
    session = Session(workspace, "listening")
    begun = {**state("Texas, whose capital is", 1), "history": [], "claims": []}
    begun["case"] |= {"tokens": ["Texas", ", whose"], "predictions": [{"token": " Austin", "p": 0.3}]}
    session._keep(begun)
    events = list(session.ask("Austin is a nice place to live they say"))
    said = "".join(event.text for event in events if isinstance(event, AnswerText))
    assert "nothing was changed" in said
    assert session._state()["case"] == begun["case"]
    assert session.choices()[0] == "Trace it as a text"
    list(session.ask("save this as json; and what is a logit?"))
    assert [line["content"] for line in session.history() if line["role"] == "user"][1:] == [
        "save this as json; and what is a logit?",
        "what is a logit?",
    ]
    workspace.close()


def test_what_is_tested_next_can_be_steered(desk, monkeypatch):
    few = read_settings(data_dir=desk.settings.data_dir, controls=3, nodes=100)
    monkeypatch.setattr(desk, "settings", few)
    session = Session(desk, "steering", "rules")
    list(session.ask("", text="Texas, whose capital is", said="Austin", foil="Houston"))

    def tested():
        claims = session._state()["claims"]
        return {g for c in claims if c.get("p") is not None for g in c.get("groups") or []}

    every = {group["id"]: group["layers"] for group in session._state()["groups"]}
    before = tested()
    late = {name for name, layers in every.items() if layers[1] >= 10} - before
    said = "".join(e.text for e in session.ask("only layer 10 on") if isinstance(e, AnswerText))
    assert tested() - before == set(list(late)[:5]) if len(late) <= 5 else len(tested() - before) == 5
    assert all(name in said for name in tested() - before)
    plan = "".join(e.text for e in session.ask("what will you test next?") if isinstance(e, AnswerText))
    assert plan.startswith("Not tested yet") or "Every group" in plan
    known = tested()
    list(session.ask("test everything"))
    assert len(tested()) > len(known) or known == set(every)


def test_the_vectors_are_those_of_the_sentences():
    """After a change of data/talk.txt: python -m tests.benchmarks.fit_talk."""
    data = Path(__file__).parents[1] / "agent" / "questions" / "data"
    with np.load(data / "talk.npz") as kept:
        assert str(kept["bank"]) == sha256((data / "talk.txt").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("use words that a beginner understands", Intent.LENGTH),
        ("let me have a copy for my files", Intent.EXPORT),
        ("take me to what we had earlier", Intent.UNDO),
        ("order a pizza for me", Intent.UNKNOWN),
    ],
)
def test_what_no_phrase_fits_is_read_by_its_nearest_sentence(message, intent):
    assert parse_question(message, has_graph=True).intent is intent


@pytest.mark.parametrize(
    ("message", "slots"),
    [
        ("restrict it to layers above 9", {"intent": Intent.STEER, "layer": 10}),
        ("don't bother with the random controls", {"intent": Intent.STEER, "other": "controls"}),
        ("was it thinking of Houston at some point", {"intent": Intent.CONCEPTS, "other": "Houston"}),
        ("dallas??", {"intent": Intent.WHY_NOT, "foil": "dallas"}),
        ("texas -> ohio", {"intent": Intent.SWAP, "group": "texas", "other": "ohio"}),
        ("would it care without the word whose", {"intent": Intent.USES, "group": "whose"}),
        ("take me to the one about Texas", {"intent": Intent.UNDO, "other": "Texas"}),
    ],
)
def test_slots_of_what_is_said_in_a_hurry(message, slots):
    question = parse_question(message, has_graph=True)
    assert {name: getattr(question, name) for name in slots} == slots


@pytest.mark.parametrize(
    ("message", "slots"),
    [
        (
            "expected: Canberra\nactual: Sydney\nprompt: The capital of Australia is\nwhy",
            {
                "intent": Intent.MISTAKE,
                "text": "The capital of Australia is",
                "said": "Sydney",
                "foil": "Canberra",
            },
        ),
        (
            "why does it say pizza for i could really go for some",
            {"intent": Intent.WHY, "text": "i could really go for some", "said": "pizza"},
        ),
        ("x = 5\ny = 7\nprint(x +", {"intent": Intent.TEXT, "text": "x = 5\ny = 7\nprint(x +"}),
        (
            "does it care? 'The boy lost his' vs 'The girl lost her'",
            {"intent": Intent.COMPARE, "other": "The girl lost her"},
        ),
    ],
)
def test_texts_that_stand_in_forms_and_without_marks(message, slots):
    question = parse_question(message)
    assert {name: getattr(question, name) for name in slots} == slots


def test_a_verb_that_is_left_out_is_that_of_before():
    question = parse_question("remove S1, then S2, then tell me how sure you are", has_graph=True)
    asked = [(one.intent, one.group) for one in (question, *question.then)]
    assert asked == [(Intent.INTERVENE, "S1"), (Intent.INTERVENE, "S2"), (Intent.SURE, None)]


def test_a_number_takes_a_choice_and_again_is_heard():
    choices = ["Trace it as a text", "Explain it simply"]
    assert [read_choice(word, choices) for word in ("2", "(1)", "the second", "3", "S1")] == [
        choices[1], choices[0], choices[1], None, None
    ]  # fmt: skip
    assert asks_again("Ask again")
    assert asks_again("try it once more")
    assert not asks_again("why again?")


def group(name, *members):
    return {"id": name, "members": list(members), "verdict": None}


def test_groups_of_two_graphs_are_matched_one_to_one_by_half_of_their_features():
    now = [group("S1", "a", "b", "c"), group("S2", "a", "b"), group("S3", "x", "y")]
    then = [group("S1", "x", "z", "y", "w"), group("S2", "a", "b", "c", "d"), group("S3", "q")]
    matched = [(one["id"], other["id"], shared) for one, other, shared in match_groups(now, then)]
    assert matched == [("S1", "S2", 0.75), ("S3", "S1", 0.5)]


ABLATED = {"kind": "ablate", "factor": 0.0}


def removal(name, measured):
    asked = {
        "kind": "effect",
        "id": "C2",
        "groups": [name],
        "intervention": {"kind": "ablate", "factor": 0.0},
    }
    return {**asked, "measured": measured, "predicted": -1.0, "p": 0.01, "verdict": "supported"}


def test_a_verdict_about_another_comparison_is_marked_as_such():
    talk = {"case": case("Texas, whose capital is"), "groups": [group("S4", "a", "b")]}
    talk["claims"] = [removal("S4", -2.0)]
    view = {"text": "Texas, whose capital is", "target": {"answer": " a", "foil": " c"}, "supernodes": []}
    view["supernodes"] = [group("S1", "a", "b", "c"), group("S2", "d")]
    (mark,) = add_earlier_verdicts(view, [talk])["earlier"]
    assert EarlierTest.model_validate(mark)
    assert (mark["id"], mark["was"], mark["foil"], mark["measured"]) == ("S1", "S4", " b", -2.0)
    assert all(one["verdict"] is None for one in view["supernodes"])
    same = {**view, "target": {"answer": " a", "foil": " b"}}
    assert "earlier" in add_earlier_verdicts(same, [talk])  # a box without a test of its own
    same["supernodes"] = [{**group("S1", "a", "b"), "verdict": "refuted"}]
    assert "earlier" not in add_earlier_verdicts(same, [talk])
    assert "earlier" not in add_earlier_verdicts({**view, "text": "Ohio is"}, [talk])


def test_two_requests_that_are_as_likely_are_asked_back_and_a_number_takes_one():
    message = "give me the reasoning again with numbers"
    read = parse_question(message, has_graph=True)
    assert (read.intent, {one.intent for one in read.either}) == (Intent.UNKNOWN, {Intent.LENGTH, Intent.WHY})
    kept = kept_question(read)
    choices = list_choices(kept)
    assert choices == [offer(one) for one in read.either]
    for number, meant in enumerate(read.either, 1):
        taken = parse_question(read_choice(str(number), choices), has_graph=True, before=kept)
        assert (taken.intent, taken.raw) == (meant.intent, message)
    assert parse_question("why not Dallas?", has_graph=True, before=kept).foil == "Dallas"


def test_it_is_seldom_asked_which_of_two_requests_is_meant():
    cases = yaml.safe_load((CASES / "seventh.yaml").read_text("utf-8"))
    offered = [one.offered for one in map(score_message, cases) if one.offered]
    assert len(offered) <= 0.03 * len(cases)
    assert all(map(any, offered))


@pytest.mark.parametrize(
    ("message", "slots"),
    [
        (
            "swap the red by the blue in: She wore the red dress and the",
            {"intent": Intent.SWAP, "text": "She wore the red dress and the"},
        ),
        ("one more please\nThe train left at", {"intent": Intent.TEXT, "text": "The train left at"}),
        (
            "Rome lies in Italy vs Oslo lies in Norway, are these alike?",
            {"intent": Intent.COMPARE, "text": "Rome lies in Italy", "other": "Oslo lies in Norway"},
        ),
        (
            "how does 'A big dog' differ from 'A big cat' inside?",
            {"intent": Intent.COMPARE, "text": "A big dog", "other": "A big cat"},
        ),
        ("hang on, what even are logits", {"intent": Intent.METHOD, "other": "logits"}),
        ("report the effect sizes behind that claim", {"intent": Intent.EVIDENCE}),
        (
            "where does it fail here: The capital of Canada is -> Toronto (it's Ottawa)",
            {"text": "The capital of Canada is", "said": "Toronto", "foil": "Ottawa"},
        ),
        ("take another: The writer was called J. R. R.", {"text": "The writer was called J. R. R."}),
        ("turn S4 off and show what comes", {"intent": Intent.INTERVENE, "group": "S4", "factor": 0.0}),
        ("logit(Rome) - logit(Paris), why", {"intent": Intent.WHY_NOT, "said": "Rome", "foil": "Paris"}),
    ],
)
def test_texts_in_orders_and_lines_and_what_is_asked_of_the_method(message, slots):
    question = parse_question(message, has_graph=True)
    assert {name: getattr(question, name) for name in slots} == slots


@pytest.mark.parametrize(
    ("message", "slots"),
    [
        ("Welches Wort war am wichtigsten?", {"intent": Intent.WORDS}),
        ("Was passiert, wenn man S2 weglässt?", {"intent": Intent.INTERVENE, "group": "S2"}),
        ("Mach es bitte kürzer", {"intent": Intent.LENGTH, "other": "shorter"}),
        ("¿Y si quitas S1?", {"intent": Intent.INTERVENE, "group": "S1"}),
        ("Et si on enlève S1 ?", {"intent": Intent.INTERVENE, "group": "S1"}),
        ("Tu en es sûr ?", {"intent": Intent.SURE}),
        ("去掉S1会怎样？", {"intent": Intent.INTERVENE, "group": "S1"}),
        ("qual é a previsão do tempo para amanhã", {"intent": Intent.FOREIGN}),
    ],
)
def test_common_phrases_of_four_languages(message, slots):
    question = parse_question(message, has_graph=True)
    assert {name: getattr(question, name) for name in slots} == slots
