"""What could be asked next, from what is on the screen. Pure: texts that `agent` understands."""

from typing import Any

PINNED = ("Remove this {}", "Double this {}", "What does this do?", "Explain the strongest path")
COUNT = 4
NOTHING_YET = "Why does 'The opposite of up is' say down?"


def ideas(drawing: dict[str, Any] | None, focus: dict[str, str] | None) -> list[str]:
    """Up to four questions that make sense now; none while there is no circuit."""
    if not drawing:
        return []
    if focus:
        return [asks.format("group" if focus["kind"] == "supernode" else "feature") for asks in PINNED]
    groups = drawing.get("supernodes") or []
    untested = [group for group in groups if group.get("measured") is None]
    out = ["Explain the strongest path", "Which words mattered?", "How sure are you?"]
    for group in (untested or groups)[:1]:
        out.insert(1, f"What happens if you remove {group['id']}?")
    return out[:COUNT]


def hint(drawing: dict[str, Any] | None) -> str:
    """What stands in the empty box."""
    if not drawing:
        return NOTHING_YET
    foil = str(drawing["target"]["foil"]).strip() or "another word"
    return f"Ask “why not {foil}?”, or about another 'text'"
