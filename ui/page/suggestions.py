"""What could be asked next, from what is on the screen. Pure: texts that `agent` understands."""

import re
from typing import Any

from agent import Unfinished

EXAMPLES = {
    "Texas → Austin": "Why does 'Texas, whose capital is' continue with Austin?",
    "Tokyo → yen": "Why does 'The currency of the country whose capital is Tokyo is the' "
    "continue with yen rather than dollar?",
    "Jordan → basketball": "Why does 'Fact: Michael Jordan plays the sport of' continue with basketball?",
    "keys → are": "Why does 'The keys to the cabinet' continue with are rather than is?",
    "small → large": 'Why does \'The opposite of "small" is "\' continue with large?',
    "36+59= → a mistake": "Why does '36+59=' continue with 1?",
}
PINNED = ("Remove this {}", "Double this {}", "What does this do?", "Explain the strongest path")
WORD = ("How does this reach the answer?", "Which words mattered?", "Explain the strongest path")
COUNT = 4
FEATURE = re.compile(r"L\d+\.")  # what else is drawn (errors, the answer) can be looked at only
NOTHING_YET = "Why does 'The opposite of up is' say down?"


def suggest_questions(drawing: dict[str, Any] | None, focus: dict[str, str] | None) -> list[str]:
    """Up to four questions that make sense now; none while there is no circuit."""
    if not drawing or drawing.get("only_seen"):
        return []
    if focus and focus["kind"] == "node" and focus["id"].startswith("T@"):
        return list(WORD)
    if focus and (focus["kind"] == "supernode" or FEATURE.match(focus["id"])):
        return [asks.format("group" if focus["kind"] == "supernode" else "feature") for asks in PINNED]
    groups = drawing.get("supernodes") or []
    untested = [group for group in groups if group.get("measured") is None]
    out = ["Explain the strongest path", "Which words mattered?", "How sure are you?"]
    for group in (untested or groups)[:1]:
        out.insert(2, f"What happens if you remove {group['id']}?")
    return out[:COUNT]


def replies(waits: Unfinished | None) -> list[str]:
    """What can be said to a question that was cut off, or that asks whether it may spend more."""
    if waits is None:
        return []
    return ["Yes", "No"] if waits.asks else ["Go on", "Ask again"]


def write_hint(drawing: dict[str, Any] | None) -> str:
    """What stands in the empty box."""
    if not drawing or drawing.get("only_seen"):
        return NOTHING_YET
    foil = str(drawing["target"]["foil"]).strip() or "another word"
    return f"Ask on: “why not {foil}?”"
