"""What a question asks about is answered from tests, whatever is presumed; what is missing is asked back."""

import pytest

from agent import Answered, Session, read_settings
from agent.desk import Desk
from agent.library import Library
from agent.questions import Intent, parse
from agent.session import in_words

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
    question = parse(message, has_graph=True)
    assert (question.intent, question.group) == (Intent.USES, group)


@pytest.fixture(scope="module")
def talk(embedded_subject, tmp_path_factory):
    settings = read_settings(data_dir=tmp_path_factory.mktemp("data"))
    desk = Desk(settings, embedded_subject, Library.open(settings.data_folder / "library"))
    session = Session(desk, "leading", "rules")
    report = next(e.report for e in session.ask("Why?", text=TEXT) if isinstance(e, Answered))
    yield session, report
    desk.close()


def test_a_true_premise_is_answered_by_its_test_and_a_false_one_is_not_agreed_with(talk):
    session, before = talk
    for message, leads in (
        ("it obviously used Paris, right?", "The text does not contain “Paris”, and no group"),
        ("surely it relies on Texas, doesn't it?", "“Texas”"),
    ):
        events = list(session.ask(message))
        after = next(e.report for e in events if isinstance(e, Answered))
        first = after["answer"]["sentences"][0]
        assert leads in first["text"]
        held = [c for c in after["claims"] if c["id"] in first["claims"] and c["verdict"] == "supported"]
        assert first["text"].startswith("Yes") == bool(held)
        known = {c["supernode"]: (c["measured"], c["p"]) for c in before["claims"] if c["kind"] == "effect"}
        again = {c["supernode"]: (c["measured"], c["p"]) for c in after["claims"] if c["kind"] == "effect"}
        assert all(again[name] == known[name] for name in known.keys() & again.keys())


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
    assert in_words(session.ask(message)).startswith(back)
    assert session.last_drawing() == drawn
