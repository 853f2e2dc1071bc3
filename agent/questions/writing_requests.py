"""Messages that let the subject write: go on, so many tokens, with or without a part of it. Knows no session.

Only whole messages of these forms are read so; anything else stays a question or a text.
"""

import re
from typing import NamedTuple

_COUNT = r"(?:(?:for|by|about|up to)\s+)?(?:another\s+)?(?P<count>\d{1,6})\s+(?:more\s+)?(?:tokens?|words?)"
_CHANGE = (
    r"(?:with\s+(?P<with>.{1,80}?)\s+(?P<verb>removed|off|taken out|scaled by (?P<factor>-?\d{1,3}(?:\.\d+)?)"
    r"|(?:swapped|exchanged|replaced) (?:for|by|with) (?P<other>.{1,80}?))"
    r"|without\s+(?P<without>.{1,80}?))"
)
_HELD = r"(?:,?\s+(?P<hold>in the (?:text|prompt) only|only in the (?:text|prompt)))"
_REQUEST = re.compile(
    r"\s*(?:please\s+)?(?:let (?:it|the model)\s+)?(?:(?:write|keep writing|go on writing|continue writing)"
    rf"(?:\s+on)?|continue)(?P<how>(?:\s+{_COUNT})?(?:,?\s+{_CHANGE}{_HELD}?)?)[.! ]*",
    re.IGNORECASE,
)


class WritingRequest(NamedTuple):
    """What a message asks to be written; without a change the model as it is writes on."""

    tokens: int | None
    change: str | None
    factor: float
    other: str | None
    hold: str


def read_writing_request(message: str) -> WritingRequest | None:
    """What a message asks the subject to write; None for anything else, and for a bare “continue”."""
    found = _REQUEST.fullmatch(message)
    if found is None or (not found["how"] and message.strip(" .!").casefold() == "continue"):
        return None
    change = found["with"] or found["without"]
    if change and change.casefold() in ("it", "this", "that"):
        return None
    return WritingRequest(
        int(found["count"]) if found["count"] else None,
        change,
        float(found["factor"]) if found["factor"] else 0.0,
        found["other"],
        "text" if found["hold"] else "all",
    )
