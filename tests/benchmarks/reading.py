"""How many messages are read as they were meant, from files of messages with their meaning.

    python -m tests.benchmarks.reading FILE …            the figures of each file
    python -m tests.benchmarks.reading --wrong FILE …    and what is read wrong

A file is a list of {q, intent, text, said, foil, word, other, after}; what is null or missing must come out
empty (text), or is not scored (the others). Several requests are written intent+intent.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agent.questions import Question, parse_question

MEANT = {  # what a file calls an intent, where the reader has another name for it, or several
    "using": {"uses"},
    "describe": {"node", "concepts", "layer"},
    "heads": {"path"},
    "new_text": {"text"},
    "told": {"length"},
    "language": {"foreign"},
    "off_topic": {"unknown"},
    "why_not": {"why_not", "why"},  # "why A and not B" is both; one answer
}
NO_REQUEST = {"text"}  # a message that is taken for a text to trace


class Score(NamedTuple):
    """One message: what was meant and what was read."""

    case: dict[str, Any]
    intents: list[str]
    text: str | None
    right: bool
    same_text: bool
    destroys: bool  # a request taken for a text to trace, unasked
    offered: tuple[bool, ...] = ()  # where it is asked which of two is meant: whether each is


def score_message(case: dict[str, Any]) -> Score:
    """Read a message and set it beside its meaning."""
    return score_question(case, parse_question(case["q"], has_graph=follows(case)))


def follows(case: dict[str, Any]) -> bool:
    """Whether a message was typed after an answer."""
    return bool(case.get("after")) or case.get("context") == "after_answer"


def score_question(case: dict[str, Any], question: Question) -> Score:
    """Set what a message was read as beside its meaning."""
    read = [*_all_of(question)]
    intents, wanted = [str(one.intent) for one in read], case["intent"].split("+")
    if wanted == ["why_not"] and intents == ["why"] and read[0].foil is None:
        intents = ["why without a foil"]
    right = len(intents) == len(wanted) and all(
        got in MEANT.get(name, {name}) for got, name in zip(intents, wanted, strict=True)
    )
    same = read[0].text == case.get("text")
    destroys = bool(NO_REQUEST & set(intents)) and "new_text" not in wanted
    offered = tuple(str(one.intent) in MEANT.get(wanted[0], {wanted[0]}) for one in question.either)
    return Score(case, intents, read[0].text, right, same, destroys, offered)


def _all_of(question: Question) -> Iterator[Question]:
    yield question
    yield from getattr(question, "then", ())


def tell_score(file: Path, *, wrong: bool) -> str:
    """The figures of a file."""
    scores = [score_message(case) for case in yaml.safe_load(file.read_text(encoding="utf-8"))]
    count = len(scores)
    right, texts = sum(s.right for s in scores), sum(s.same_text for s in scores)
    quoted = [s for s in scores if s.case.get("text") is not None]
    destroyed = sum(s.destroys for s in scores)
    lines = [
        f"{file.name}: {count} messages",
        f"  intents {right / count:.1%}",
        f"  texts byte for byte {texts / count:.1%} (of the {len(quoted)} that hold one "
        f"{sum(s.same_text for s in quoted) / max(len(quoted), 1):.1%})",
        f"  requests taken for a text to trace {destroyed} ({destroyed / count:.1%})",
    ]
    if asked := [s.offered for s in scores if s.offered]:
        either = (
            f"{sum(map(any, asked))} times one of them is meant, {sum(two[0] for two in asked)} the likelier"
        )
        lines.append(f"  asked which of two is meant {len(asked)} ({len(asked) / count:.1%}): {either}")
    for one in scores if wrong else ():
        if not (one.right and one.same_text):
            asked = re.sub(r"\n", "⏎", one.case["q"])
            got = f"{'+'.join(one.intents)} {one.text!r}"
            lines.append(f"  {asked}\n      {got}  wanted {one.case['intent']} {one.case.get('text')!r}")
    return "\n".join(lines)


def main() -> None:
    """Print the figures of the files named."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("files", nargs="+", type=Path)
    reader.add_argument("--wrong", action="store_true")
    given = reader.parse_args()
    for file in given.files:
        sys.stdout.write(tell_score(file, wrong=given.wrong) + "\n")


if __name__ == "__main__":
    main()
