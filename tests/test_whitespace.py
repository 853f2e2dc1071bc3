"""What a user gave is what is traced, byte for byte, and is shown as it is."""

import pytest

from agent.core import escape_md, unescape_md
from agent.questions import Intent, parse_question
from ui.base import escape_whole_text
from ui.base.chat_messages import write_question

TEXTS = [
    "The sky above the port was the color of\n",
    "def add(a, b):\n    return  a",
    "Roses are red\n\nViolets are ",
    "\tif done:\n\t\t",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_traced_as_it_was_typed(text: str) -> None:
    found = parse_question(text)
    assert (found.intent, found.text) == (Intent.TEXT, text)
    assert write_question(text, "", "", "") == text


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_given_apart_is_traced_as_it_was_typed(text: str) -> None:
    assert parse_question("", text=text).text == text
    assert parse_question(f"why does '{text}' continue like this?").text == text


def test_blanks_and_line_ends_are_seen_in_the_bubble() -> None:
    gap = "&nbsp;"
    assert escape_whole_text("a  b\n    c ") == f"a{gap}{gap}b\n{gap * 4}c{gap}"
    assert escape_whole_text("a\n\n\nb\n\n") == f"a\n{gap}\n{gap}\nb⏎\n⏎"


def test_runs_of_blanks_stay_in_answers() -> None:
    assert escape_md("“a  b”") == "“a\u00a0\u00a0b”"
    assert unescape_md(escape_md(unescape_md(escape_md("“a  b”")))) == unescape_md(escape_md("“a  b”"))
