"""What a short message means to a question that waits: yes, no, or go on. Knows no question."""

import re
from typing import Literal

_END = r"(?:,? (?:please|then|thanks|thank you))?[.! ]*"
_GO_ON = (
    r"(?:please )?(?:go on|carry on|keep going|continue|resume|go ahead)(?: (?:with (?:it|that)|from there))?"
)
_YES = r"(?:yes|y|yep|yeah|sure|ok|okay|do it|allow(?: it)?|fine)"
_NO = r"(?:no|n|nope|don'?t|do not|no more|stop|enough|that'?s enough)"
_WORDS: tuple[tuple[Literal["go on", "yes", "no"], re.Pattern[str]], ...] = (
    ("yes", re.compile(rf"\s*{_YES}(?:,? {_GO_ON})?{_END}", re.IGNORECASE)),
    ("no", re.compile(rf"\s*{_NO}{_END}", re.IGNORECASE)),
    ("go on", re.compile(rf"\s*{_GO_ON}{_END}", re.IGNORECASE)),
)


def read_reply(message: str) -> Literal["go on", "yes", "no"] | None:
    """Which of these a message says; None for anything else."""
    return next((word for word, pattern in _WORDS if pattern.fullmatch(message)), None)
