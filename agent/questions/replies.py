"""What a short message means to a question that waits: yes, no, or go on. Knows no question."""

import re
from collections.abc import Sequence
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


_AGAIN = (
    r"(?:please )?(?:ask|try|do|run) (?:it |that |this |the (?:same |last )?question )?(?:again|once more)"
)
AGAIN = re.compile(rf"\s*(?:{_AGAIN}|retry|rerun)(?: it)?{_END}", re.I)
NUMBER = re.compile(r"\s*[(#]?(?:no\.? |number |option )?([1-9])[.)]?\s*")
NTH = re.compile(r"\s*(?:the )?(first|second|third)(?: (?:one|reading|option))?[.! ]*", re.I)
PLACES = {"first": 1, "second": 2, "third": 3}


def asks_again(message: str) -> bool:
    """Whether the last question is to be asked once more."""
    return AGAIN.fullmatch(message) is not None


def read_choice(message: str, choices: Sequence[str]) -> str | None:
    """Which of the choices a number or “the second” takes; None for anything else."""
    number, nth = NUMBER.fullmatch(message), NTH.fullmatch(message)
    at = int(number[1]) if number else PLACES[nth[1].casefold()] if nth else 0
    return choices[at - 1] if 0 < at <= len(choices) else None
