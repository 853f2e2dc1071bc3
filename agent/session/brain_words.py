"""The part of a language model in an answer: its words, another language, and what it left to the rules."""

from collections.abc import Sequence
from typing import Any, Protocol

from agent.answers import add_translation, compose_answer, is_foreign
from agent.core import State, escape_md, render_prompt
from agent.evidence import Sentence


class SentenceRewriter(Protocol):
    """Who may propose words for an answer; nothing it says is shown unchecked."""

    @property
    def stop_reason(self) -> str:
        """Why it no longer takes part; empty while it does."""

    @property
    def unread(self) -> str:
        """Why its reading of the message was not taken; empty where it was."""

    def word(self, sentences: Sequence[Sentence]) -> str:
        """A proposal for the wording of these sentences; may be empty."""

    def translate(self, sentences: Sequence[Sentence], language: str) -> str:
        """A proposal for these sentences in another language; may be empty."""

    def take_notes(self) -> tuple[str, ...]:
        """What is to be logged since the last time."""


def write_answer(
    style: str, state: State, model: str, brain: SentenceRewriter | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answer, in the words or the language that a language model proposes where they hold; its notes."""
    if brain is None:
        return compose_answer(style, state, model), ()
    language = state["question"].get("language")
    if is_foreign(language):
        written = add_translation(compose_answer(style, state, model), str(language), brain.translate)
    else:
        written = compose_answer(style, state, model, brain.word)
    if left := _say_left_to_rules(brain):
        written = {**written, "markdown": f"{written['markdown']}\n\n{escape_md(left)}"}
    return written, (*brain.take_notes(), *written["refused"])


def _say_left_to_rules(brain: SentenceRewriter) -> str:
    """What of its work the language model did not do; empty where it did all of it."""
    if brain.stop_reason:
        return render_prompt("brain-gone", reason=brain.stop_reason)
    return render_prompt("brain-unread", reason=brain.unread) if brain.unread else ""
