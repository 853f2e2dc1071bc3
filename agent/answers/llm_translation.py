"""An answer in the language of its question, by a language model, beside the English that was checked.

What is said in another language cannot be checked word by word. So the English stands, the translation is
marked as the language model's, and each of its sentences keeps the quotes, ids, numbers and verdicts.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from agent.answers.llm_rewording import list_facts, list_verdicts
from agent.core import escape_md, find_json_object, render_prompt, without_folds
from agent.evidence import Sentence

MARKUP = re.compile(r"[<>\[\]{}|`#*\\@]|://|www\.")
LONGER = 3  # times as many characters as the sentence has
Translator = Callable[[Sequence[Sentence], str], str]  # sentences, language -> a proposal


def is_foreign(language: str | None) -> bool:
    """Whether a question was asked in another language than answers are written in."""
    return bool(language) and not str(language).startswith("en")


def add_translation(written: dict[str, Any], language: str, translate: Translator) -> dict[str, Any]:
    """The answer with what is shown of it at once said in the language, where that could be done."""
    shown = without_folds(written["markdown"])
    open_ones = [
        Sentence(s["text"], tuple(s["claims"])) for s in written["sentences"] if escape_md(s["text"]) in shown
    ]
    said = translate(open_ones, language) if open_ones else ""
    if not said:
        return written
    translated, refused = check_translation(open_ones, said)
    out = {**written, "refused": [*written["refused"], *refused]}
    if not translated:
        return out
    blocks = []
    for block in shown.split("\n\n"):
        told = [translated.get(n, s.text) for n, s in enumerate(open_ones) if escape_md(s.text) in block]
        blocks += [" ".join(escape_md(text) for text in told)] if told else []
    note = escape_md(render_prompt("brain-translated"))
    return {**out, "markdown": "\n\n".join([*blocks, f"*{note}*", written["markdown"]])}


def check_translation(sentences: Sequence[Sentence], said: str) -> tuple[dict[int, str], list[str]]:
    """The translations that hold, by the index of their sentence, and why the others do not."""
    found = find_json_object(said)
    proposals = found.get("sentences") if found else None
    if not isinstance(proposals, list):
        return {}, ["the brain's translation: not an object with sentences"]
    taken, refused = dict[int, str](), list[str]()
    for one in proposals[: 2 * len(sentences)]:
        n, text = (one.get("n"), one.get("text")) if isinstance(one, dict) else (None, None)
        if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= len(sentences):
            refused.append("the brain's translation: there is no such sentence")
        elif why := _find_fault(text, sentences[n - 1].text):
            refused.append(f"the brain's translation of sentence {n}: {why}")
        else:
            taken.setdefault(n - 1, str(text).strip())
    return taken, refused


def _find_fault(text: Any, original: str) -> str:
    """Why a translation is not taken; empty where it is."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGER * len(original) + 40:
        return "no text, or a much longer one"
    if "\n" in text.strip():
        return "it has several lines"
    if sorted(list_facts(text)) != sorted(list_facts(original)):
        return "its quotes, ids and numbers are not those of the sentence"
    if sorted(list_verdicts(text)) != sorted(list_verdicts(original)):
        return "its verdicts are not those of the sentence"
    return "it holds markup or a link" if MARKUP.search(text) and not MARKUP.search(original) else ""
