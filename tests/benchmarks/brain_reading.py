"""What a language model reads of messages, beside the offline reader and as both work together.

    make brain                                                   in another terminal
    python -m tests.benchmarks.brain_reading FILE …              the figures of all files together
    python -m tests.benchmarks.brain_reading --wrong FILE …      and what is read wrong, by whom

Every message is read three times: by the offline reader, by the language model at ASKCIRCUIT_LLM_BASE_URL,
and as the product does it (the language model where the offline reader is not sure). A message typed after an
answer is read in a conversation about "Texas, whose capital is" with the groups S1 to S5.
"""

import argparse
import json
import re
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from agent import read_settings
from agent.core import Completion, Endpoint, Intent, Messages, Unreachable
from agent.planners.llm_reading import choose, know, read_proposal, reading_request
from agent.planners.reading_exam import passes_exam
from agent.questions import Misread, Question, is_sure, parse_question, reading_shape
from tests.benchmarks.reading import Score, follows, score_question

GROUPS = [
    "say Austin",
    "read Texas, for Austin",
    "at capital, for Austin",
    "say Dallas",
    "at whose, for Houston",
]


class Read(NamedTuple):
    """One message, read three times."""

    case: dict[str, Any]
    offline: Score
    sure: bool
    brain: Score
    both: Score
    seconds: float
    refused: str


def make_talk() -> dict[str, Any]:
    """A conversation as a session keeps it, as far as a reader looks at it."""
    tokens = ["<bos>", "Texas", ",", " whose", " capital", " is"]
    predictions = [{"token": t, "p": 0.1} for t in (" Austin", " Houston", " Dallas", " San")]
    case = {"text": "Texas, whose capital is", "answer": " Austin", "foil": " Houston", "tokens": tokens}
    groups = [{"id": f"S{n}", "name": name, "raises": [], "lowers": []} for n, name in enumerate(GROUPS, 1)]
    return {"case": {**case, "predictions": predictions}, "groups": groups, "claims": [], "turn": 1}


def read_all(
    cases: Iterable[dict[str, Any]], endpoint: Endpoint, kept: dict[str, tuple[str, float]]
) -> list[Read]:
    """Every message, read in all ways; `kept` are replies that are there already, and gets the new ones."""

    def ask(messages: Messages, shape: dict[str, Any]) -> Completion:
        asked = messages[-1]["content"]
        if asked not in kept:
            start = time.monotonic()
            try:
                said = endpoint.converse(messages, shape=shape).content
            except Unreachable as exc:
                said = f"({exc})"
            kept[asked] = (said, time.monotonic() - start)
        return Completion(content=kept[asked][0])

    trusted = passes_exam(endpoint, ask)
    sys.stdout.write(f"the examination is {'passed' if trusted else 'not passed'}\n")
    return [read_one(case, ask, kept, trusted=trusted) for case in cases]


def read_one(case: dict[str, Any], ask: Any, kept: dict[str, tuple[str, float]], *, trusted: bool) -> Read:
    """One message, read in all ways."""
    message, talks = case["q"], follows(case)
    state: dict[str, Any] = make_talk() if talks else {}
    found = parse_question(message, has_graph=talks)
    sure = is_sure(message, found, talks=talks)
    asked = reading_request(message, state)
    turn = ask(asked, reading_shape())
    seconds, refused, proposed = kept[asked[-1]["content"]][1], "", Question(Intent.UNKNOWN)
    try:
        proposed = read_proposal(turn, message, know(state))
        both = found if sure else choose(found, proposed, lambda: trusted)
    except Misread as exc:
        refused, both = f"{exc}: {turn.content[:200]}", found
    scores = [score_question(case, one) for one in (found, proposed, both)]
    return Read(case, scores[0], sure, scores[1], scores[2], seconds, refused)


def tell(reads: list[Read], *, wrong: bool) -> str:
    """The figures."""
    unsure = [one for one in reads if not one.sure]
    seconds = sorted(one.seconds for one in reads)
    lines = [f"{len(reads)} messages, {len(unsure)} of them left to the language model"]
    lines += [_row("offline reader", [one.offline for one in reads])]
    lines += [_row("language model alone", [one.brain for one in reads])]
    lines += [_row("both, as the product does", [one.both for one in reads])]
    lines += [_row("offline reader where it is sure", [one.offline for one in reads if one.sure])]
    for name, scores in (
        ("offline reader where it is not", [one.offline for one in unsure]),
        ("language model there", [one.brain for one in unsure]),
        ("both there", [one.both for one in unsure]),
    ):
        lines.append(_row(name, scores))
    refused = sum(bool(one.refused) for one in reads)
    middle, slow = seconds[len(seconds) // 2], seconds[-1 - len(seconds) // 20]
    lines.append(f"readings refused {refused}; seconds a message, median {middle:.1f}, 95 % {slow:.1f}")
    for one in reads if wrong else ():
        for name, score in (("offline", one.offline), ("brain", one.brain), ("both", one.both)):
            if not (score.right and score.same_text):
                got = f"{'+'.join(score.intents)} {score.text!r} {one.refused if name == 'brain' else ''}"
                mark = "" if one.sure else "?"
                asked = re.sub(r"\n", "⏎", one.case["q"])
                lines.append(f"  {name}{mark}: {asked}\n      {got}  wanted {one.case['intent']}")
    return "\n".join(lines)


def _row(name: str, scores: list[Score]) -> str:
    count = max(len(scores), 1)
    right, texts = sum(s.right for s in scores), sum(s.same_text for s in scores)
    destroyed = sum(s.destroys for s in scores)
    return (
        f"  {name:32} intents {right:3} ({right / count:4.0%})  texts {texts:3} ({texts / count:4.0%})"
        f"  taken for a text {destroyed}"
    )


def main() -> None:
    """Print the figures of the files named."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    reader.add_argument("files", nargs="+", type=Path)
    reader.add_argument("--wrong", action="store_true")
    reader.add_argument(
        "--replies", type=Path, help="keeps what was replied; what is there is not asked again"
    )
    given = reader.parse_args()
    settings = read_settings()
    if settings.llm_base_url is None:
        raise SystemExit("Set ASKCIRCUIT_LLM_BASE_URL: `make brain` says to what.")
    cases = [case for file in given.files for case in yaml.safe_load(file.read_text(encoding="utf-8"))]
    kept = json.loads(given.replies.read_text()) if given.replies and given.replies.exists() else {}
    reads = read_all(cases, Endpoint(settings, threading.Event()), kept)
    if given.replies:
        given.replies.write_text(json.dumps(kept))
    sys.stdout.write(tell(reads, wrong=given.wrong) + "\n")


if __name__ == "__main__":
    main()
