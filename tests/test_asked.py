"""What a question asks about is answered from tests, whatever is presumed; what is missing is asked back."""

import pytest
from tolerance import LOGITS, near

from agent import ReportReady, Session
from agent.answers.graph_sentences import write_verdicts
from agent.core.claims import plain_claim
from agent.core.selectors import claims_of
from agent.core.text_format import quote_token
from agent.evidence.ledger import find_faults, new_claim
from agent.experiments.counterfactual_texts import map_positions
from agent.planners.question_scope import choose_carrier
from agent.questions import Intent, parse_question
from agent.session.outcomes import collect_markdown

LEADING = {
    "is it really using capital cities?": "capital cities",
    "it obviously used Paris, right?": "Paris",
    "surely it relies on the Texas group, doesn't it?": "Texas",
    "am I right that Texas is what makes it say Austin?": "Texas",
    "isn't it just the comma that decides?": "comma",
    "it's using Colorado, correct?": "Colorado",
    "it clearly needs S2, doesn't it?": "S2",
    "so it's really the word capital that does it, isn't it?": "capital",
    "you agree that Dallas is behind this, don't you?": "Dallas",
    "it must be because of the cowboys, right?": "cowboys",
    "is it because of Texas?": "Texas",
    'I bet it just looks at "whose". Does it?': "whose",
}
TEXT = "Texas, whose capital is"


@pytest.mark.parametrize(("message", "group"), LEADING.items())
def test_a_leading_question_asks_whether_something_is_used(message, group):
    question = parse_question(message, has_graph=True)
    assert (question.intent, question.group) == (Intent.USES, group)


@pytest.fixture(scope="module")
def talk(desk):
    session = Session(desk, "presumed", "rules")
    events = session.ask("Why?", text=TEXT, said="Austin", foil="Houston")
    return session, next(e.report for e in events if isinstance(e, ReportReady))


def test_a_true_premise_is_answered_by_its_test_and_a_false_one_is_not_agreed_with(talk):
    session, before = talk
    for message, leads in (
        ("it obviously used Paris, right?", "The text does not contain “Paris”, and no group"),
        ("surely it relies on Texas, doesn't it?", "“Texas”"),
    ):
        events = list(session.ask(message))
        after = next(e.report for e in events if isinstance(e, ReportReady))
        first = after["answer"]["sentences"][0]
        assert leads in first["text"]
        held = [c for c in after["claims"] if c["id"] in first["claims"] and c["verdict"] == "supported"]
        assert first["text"].startswith("Yes") == bool(held)
        known = {
            "+".join(c["groups"]): (c["measured"], c["p"]) for c in before["claims"] if c["kind"] == "effect"
        }
        again = {
            "+".join(c["groups"]): (c["measured"], c["p"]) for c in after["claims"] if c["kind"] == "effect"
        }
        for name in known.keys() & again.keys():
            assert again[name] == (near(known[name][0], size=LOGITS), known[name][1])


@pytest.mark.parametrize(
    ("message", "back"),
    [
        ("what would make it say something else?", "Make it say what?"),
        ("swap Texas", "Swap what for what?"),
        ("compare it", "Compare with which text?"),
    ],
)
def test_what_a_question_leaves_open_is_asked_back_and_nothing_is_lost(talk, message, back):
    session, _ = talk
    drawn = session.last_drawing()
    assert collect_markdown(session.ask(message)).startswith(back)
    assert session.last_drawing() == drawn


def state_with(claims, groups, other="other states", text="Texas, whose capital is"):
    tokens = ["<bos>", "Texas", ",", " whose", " capital", " is"]
    case = {"text": text, "tokens": tokens, "bos": True, "answer": " Austin", "foil": " Houston"}
    question = {"raw": f"does it hold for {other}?", "other": other, "group": None}
    return {"turn": 1, "case": case, "question": question, "claims": claims, "groups": groups, "focus": None}


def group_at(name, position, effect, kind="input"):
    known = {"id": name, "name": name, "position": position, "effect": effect, "kind": kind}
    return {**known, "sign": 1 if effect > 0 else -1, "members": ["L1.N1+@1"], "layers": [0, 3]}


def removed(name, measured, verdict):
    test = {
        "groups": [name] if name else [],
        "measured": measured,
        "verdict": verdict,
        "p": 0.01,
        "p_holm": 0.01,
    }
    made = new_claim([], 1, kind="effect", intervention={"kind": "ablate", "factor": 0.0}, **test)
    return plain_claim(made)


def test_what_is_carried_over_reads_the_word_that_changes_where_it_matters():
    say, read, weak = group_at("S1", 5, 4.0, "say"), group_at("S2", 1, 2.0), group_at("S3", 1, 0.5)
    assert choose_carrier(state_with([], [say, read])) == "S2"
    assert choose_carrier(state_with([], [say, weak])) == "S1"
    assert choose_carrier(state_with([removed("S2", -0.1, "inconclusive")], [say, read])) == "S1"
    assert choose_carrier(state_with([removed("S1", -4.0, "supported")], [say, read])) == "S2"
    assert choose_carrier(state_with([], [say, read], other="paraphrases")) == "S1"


def test_a_single_feature_keeps_its_sign_where_it_is_said_how_sure_a_test_is():
    test = removed(None, -1.0, "supported")
    claim = {**test, "members": ["L17.N1693+@5"], "predicted": -1.1, "numbers": [6]}
    state = state_with([claim], [])
    (whole,) = dict(write_verdicts(state))["In short."]
    assert whole.text == "By verdict: supported: the feature L17.N1693+@5."
    assert find_faults([whole], claims_of(state), []) == []


def test_words_correspond_wherever_they_stand_in_another_wording():
    own = ["<bos>", "Texas", ",", " whose", " capital", " is"]
    assert map_positions(own, ["<bos>", "The", " capital", " of", " Texas", " is"], ())[1] == 4
    assert map_positions(own, ["<bos>", "Fact", ":", " Texas", *own[2:]], ())[1] == 3


def test_tokens_of_signs_alone_are_told_apart():
    assert [quote_token(token) for token in (" “", ' "', " ", "“no”")] == ["“ ❝”", '“ "”', "“␣”", '“"no"”']
