"""What is said to messages that ask for no investigation: to save, to steer, unclear ones. Runs nothing."""

import re
from typing import Any

from agent.core import Case, State, join_words, quote_token, render_prompt
from agent.questions import Intent, Question, offer

NO_KIND = "There is no {kind} file: print the HTML, or take one of these. "
_MADE = "html htm md markdown json svg png bundle link file files picture image"
MADE = frozenset(_MADE.split())
_LANGUAGES = (
    "german deutsch spanish español espanol castellano french français francais chinese mandarin italian"
)
_LANGUAGES += " portuguese dutch polish russian japanese korean arabic turkish hindi swedish danish ukrainian"
LANGUAGES = frozenset(f"{_LANGUAGES} czech greek hebrew".split())
ORDERS = re.compile(r"\W*(?:please |now |also |and |then |can you )*(?:test|check|try)\b", re.I)
SHOWN = 80  # characters of a message that are repeated


def say_back(question: Question, case: Case | None, groups: list[Any], tested: set[str]) -> str:
    """The sentence for a message that nothing is investigated for; empty for all others."""
    match question.intent:
        case Intent.EXPORT:
            return _how_to_keep(question.other)
        case Intent.FOREIGN:
            return render_prompt("foreign").strip()
        case Intent.STEER:
            return _how_to_steer(question, groups, tested)
        case Intent.LENGTH if (question.other or "").casefold() in LANGUAGES:
            return render_prompt("english-only").strip()
        case Intent.UNKNOWN if question.either:
            return _which(question)
        case Intent.UNKNOWN if question.maybe is not None and case is not None:
            return _either(question, case)
    return ""


def _how_to_keep(kind: str | None) -> str:
    wanted = (kind or "").casefold().strip(" .")
    none = NO_KIND.format(kind=wanted) if wanted and wanted.split()[-1] not in MADE else ""
    return render_prompt("keep-it", kind=none).strip()


def _how_to_steer(question: Question, groups: list[Any], tested: set[str]) -> str:
    asked = (question.other or "").casefold()
    if asked.startswith("control"):
        return render_prompt("controls").strip()
    if asked in ("quick", "quicker", "fast", "faster"):
        return render_prompt("faster").strip()
    if not groups:
        return "Nothing is traced yet: ask about a text first, then say what to test."
    least = question.layer
    found = select_untested(groups, tested, least, question.up_to)
    where = name_layers(least, question.up_to)
    if not found:
        return f"Every group{where} has been tested. “How sure are you?” lists the verdicts."
    if least is not None or ORDERS.match(question.raw):
        return ""
    left = [f"{g['id']} ({g['name']})" for g in found]
    first = left[0].split(" ")[0]
    return (
        f"Not tested yet{where}: {join_words(left)}. Say “test {first}”; several go together: "
        f"“test {join_words([each.split(' ')[0] for each in left[:2]])}”."
    )


def select_untested(
    groups: list[Any], tested: set[str], least: int | None, most: int | None = None
) -> list[Any]:
    """The groups that no test was about, of all or of those that reach into a span of layers."""
    return [
        g
        for g in groups
        if g["id"] not in tested
        and (least is None or g["layers"][1] >= least)
        and (most is None or g["layers"][0] <= most)
    ]


def name_layers(least: int | None, most: int | None) -> str:
    """Which layers are meant, in words that follow others; empty for all."""
    if most is not None:
        return f" in layers {least or 0} to {most}"
    return "" if least is None else f" from layer {least} on"


def _which(question: Question) -> str:
    one, other = (str(offer(each)) for each in question.either)
    as_text = " “Trace it as a text”," if question.maybe else ""
    return (
        f"That can be meant in two ways, and nothing was changed. 1: {one} 2: {other} "
        f"Click one, say its number,{as_text} or ask in other words."
    )


def _either(question: Question, case: Case) -> str:
    shown = " ".join(str(question.maybe).split())
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    guess = f" or “{question.guess}”," if question.guess else ""
    return (
        f"I am not sure how “{shown}” is meant, so nothing was changed: we are still at "
        f"{quote_token(case['text'][:SHOWN])}. Say “Trace it as a text”,{guess} or ask it in other words. "
        "I can only explain why the model says what it says."
    )


def tested_groups(state: State) -> set[str]:
    """Ids of the groups that some test of this text was about."""
    return {
        g
        for claim in state.get("claims", [])
        if claim.get("p") is not None
        for g in claim.get("groups") or []
    }
