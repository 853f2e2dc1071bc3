"""“Explain only the last 200 tokens”: which part of a text is named, and that just it is looked at."""

from pathlib import Path
from typing import Any

import pytest

from agent import AgentError, read_settings
from agent.core import QuestionError
from agent.questions import PartOfText, parse_question

TEXT = "Anna has a dog. It is old.\n\nTom left! He lives “there”.\n\nIn summer they meet,\nas always, in"
SAID = "Why does 'Mount Fuji is the tallest in' say Japan? Use only the last 5 tokens."


@pytest.mark.parametrize(
    ("message", "intent", "told"),
    [
        ("explain only the last 200 tokens", "why", "the last 200 tokens"),
        ("could you look only at the second paragraph?", "why", "from paragraph 2 on"),
        ("please only look at paragraph 2", "why", "from paragraph 2 on"),
        ("Look at only the last two sentences, please", "why", "the last 2 sentences"),
        ("just the last paragraph", "why", "the last paragraph"),
        ("restrict the window to the last three lines", "why", "the last 3 lines"),
        ("now only everything after 'Tom left'", "why", "behind “Tom left” on"),
        ("look only at what stands from 'Tom' on", "why", "from “Tom” on"),
        ("why does it say Paris, looking only at the last 200 tokens?", "why", "the last 200 tokens"),
        ("considering only the last 1,024 tokens, why not Rome?", "why_not", "the last 1,024 tokens"),
        ("which words mattered, looking only at the last two lines?", "words", "the last 2 lines"),
        ("explain the whole text again", "why", "the whole text"),
        (SAID, "why", "the last 5 tokens"),
    ],
)
def test_a_part_of_a_text_is_named(message: str, intent: str, told: str) -> None:
    found = parse_question(message, has_graph=True)
    assert found.part is not None
    assert (found.intent.value, found.part.told()) == (intent, told)
    assert found.text == ("Mount Fuji is the tallest in" if message == SAID else None)


@pytest.mark.parametrize(
    "message",
    [
        "Look only at the last two lines of the",
        "He could only explain the last two lines of the poem when",
        "Read only the first paragraph, then turn to the",
        "what is it thinking at the last word?",
        "show the evidence for sentence 2",
        "explain it in one sentence",
        "only layers 5 to 9",
        "look at the last token",
    ],
)
def test_what_names_no_part_is_read_as_before(message: str) -> None:
    assert parse_question(message, has_graph=True).part is None


@pytest.mark.parametrize(
    ("part", "begins"),
    [
        (PartOfText("paragraph", nth=2), "Tom left!"),
        (PartOfText("paragraph", last=1), "In summer"),
        (PartOfText("sentence", nth=4), "He lives"),
        (PartOfText("sentence", last=2), "He lives"),
        (PartOfText("line", last=2), "In summer"),
        (PartOfText("word", last=3), "as always"),
        (PartOfText("word", last=900), "Anna"),
        (PartOfText("since", piece="Tom"), "Tom left!"),
        (PartOfText("behind", piece="Tom "), "left!"),
    ],
)
def test_where_a_part_begins(part: PartOfText, begins: str) -> None:
    assert TEXT[part.begins_at(TEXT) :].startswith(begins)


def test_what_a_text_has_not_is_told() -> None:
    with pytest.raises(QuestionError, match="has 3 paragraphs; there is no paragraph 7"):
        PartOfText("paragraph", nth=7).begins_at(TEXT)
    with pytest.raises(QuestionError, match="does not contain “Rome”"):
        PartOfText("since", piece="Rome").begins_at(TEXT)


def test_just_that_part_is_looked_at(tiny: Any, tmp_path: Path) -> None:
    from tests_support import tiny_subject

    from agent.features.label_store import Library
    from agent.session.session import Session
    from agent.workspace.workspace import Workspace

    settings = read_settings(data_dir=tmp_path, window=64, controls=19, nodes=40)
    library = Library.open(tmp_path / "library")
    with Workspace(settings, tiny_subject(tiny, "llama"), library) as workspace:
        session = Session(workspace, "parts")
        text = "w5 w9 w33 w2 w71 w8 w12 w3"

        def ask(message: str, **given: Any) -> list[str]:
            list(session.ask(message, **given))
            return list(session._state()["case"]["tokens"])

        assert ask("explain only the last 3 tokens", text=text) == ["w8", "w12", "w3"]
        assert ask("look only at what stands from 'w71' on") == ["w71", "w8", "w12", "w3"]
        assert len(ask("explain the whole text")) == 8
        list(session.ask("explain only the last 900 tokens"))
        assert "At most 64 tokens are looked at" in session.history()[-1]["content"]


def test_the_graph_of_a_long_text_has_fewer_rows() -> None:
    from agent.core import rows_on

    assert [rows_on(tokens, 1000) for tokens in (20, 100, 200, 400, 4096)] == [1000, 1000, 500, 400, 400]
    assert rows_on(512, 300) == 300


def test_a_long_text_is_told_what_it_takes_before_it_is_begun(tiny: Any, tmp_path: Path) -> None:
    from agent.workspace import estimate_needs
    from agent.workspace.capacity import foresee_answer

    settings = read_settings(data_dir=tmp_path)
    assert foresee_answer(settings, 40, 40) == ""
    told = foresee_answer(settings, 4096, 512)
    assert told.startswith("A text of 4,096 tokens of which the last 512 are looked at: a whole answer takes")
    assert "GB of memory" in told
    assert any("4096 tokens" in line for line in estimate_needs(settings))
    with pytest.raises(AgentError):
        read_settings(window=0)
