"""Which part of a long text is to be looked at, as people say it: “only the last 200 tokens”. Knows no model.

What is looked at always reaches to the end of the text, since there stands what is explained.
"""

import re
from dataclasses import dataclass
from functools import cache

from agent.core import QuestionError
from agent.questions.quoting import ANY_MARK

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_NTH = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
COUNTS = {word: n for n, word in enumerate(_NUMBERS, 1)} | {"twenty": 20, "thirty": 30, "forty": 40}
COUNTS |= {"fifty": 50, "hundred": 100, "a hundred": 100, "couple of": 2, "few": 3}
COUNTS |= {f"{word} hundred": 100 * n for n, word in enumerate(_NUMBERS[:9], 1)}
NTH = {word: n for n, word in enumerate(_NTH, 1)}
TOKENS, WORDS, WHOLE, SINCE, BEHIND = "token", "word", "whole", "since", "behind"
STARTS = {  # where the parts of a text begin
    WORDS: re.compile(r"\S+"),
    "line": re.compile(r"^.*\S.*$", re.M),
    "sentence": re.compile(r"\S(?:[^.!?…]|[.!?…](?!['\"”’)]*(?:\s|$)))*[.!?…]*", re.S),
    "paragraph": re.compile(r"\S.*?(?=\n[ \t\r]*\n|\Z)", re.S),
}


@dataclass(frozen=True, slots=True)
class PartOfText:
    """The last `last` of a unit, the `nth` of them, from a quoted piece on (`since`, `behind`), or all."""

    unit: str
    last: int | None = None
    nth: int | None = None
    piece: str = ""

    def told(self) -> str:
        """As it is shown."""
        if self.unit in (SINCE, BEHIND):
            return f"{'from' if self.unit == SINCE else 'behind'} “{self.piece}” on"
        if self.unit == WHOLE:
            return "the whole text"
        if self.last is None:
            return f"from {self.unit} {self.nth} on"
        return f"the last {self.last:,} {self.unit}s" if self.last > 1 else f"the last {self.unit}"

    def begins_at(self, text: str) -> int:
        """Where it begins in a text, in characters; raises QuestionError where the text has no such part."""
        if self.unit in (SINCE, BEHIND):
            place = text.rfind(self.piece)
            if place < 0 or not self.piece:
                raise QuestionError(
                    f"The text does not contain “{self.piece}”, where what is looked at should begin."
                )
            return place + (len(self.piece) if self.unit == BEHIND else 0)
        starts = [found.start() for found in STARTS[self.unit].finditer(text)]
        if self.unit == "paragraph" and len(starts) == 1:  # no blank line parts them: lines do
            starts = [found.start() for found in STARTS["line"].finditer(text)]
        wanted = self.nth if self.nth is not None else max(1, len(starts) + 1 - (self.last or 1))
        if wanted > len(starts):
            raise QuestionError(
                f"The text has {len(starts)} {self.unit}{'s' * (len(starts) != 1)}; there is no {self.unit} "
                f"{wanted} to look at."
            )
        return starts[wanted - 1]


_ONLY = r"(?:only|just|solely|merely|nothing but|no more than)"
_OBJECT = (
    r"(?: (?:it|this|that|yourself|things|in|down|the (?:window|trace|tracing|explanation|analysis|answer"
    r"|look|text)))*"
)
_STRONG = (
    r"(?:look|looking|focus|focus+ing|concentrate|concentrating|zoom|zooming|narrow|narrowing|limit|limiting"
    r"|restrict|restricting|confine|confining|keep|keeping)"
)
_WEAK = (
    r"(?:explain|consider|considering|use|using|take|taking|trace|tracing|analy[sz]e|analy[sz]ing|read|run"
    r"|with|given|for|in|on|based on|from|within|show|do)"
)
_AT = r"(?:at|on|to|within|in|into)"
_OF = (
    r"(?: (?:of|in) (?:it|this|that|(?:the|this|that|my) (?:text|document|conversation|prompt|poem|story)))?"
)
_COUNT = r"(?P<count>\d{1,3}(?:,\d{3})+|\d{1,5}|" + "|".join(sorted(COUNTS, key=len, reverse=True)) + ")"
_UNIT = r"(?P<unit>token|word|sentence|line|paragraph)s?"
_PARTS = (
    rf"(?:the |its |my )?(?:very )?(?:last|final) (?:{_COUNT} )?{_UNIT}\b{_OF}"
    rf"|(?:the |its |my )?(?P<nth>{'|'.join(_NTH)}|\d{{1,3}}(?:st|nd|rd|th)) (?P<of>sentence|line|paragraph)"
    rf"\b{_OF}"
    rf"|(?P<of2>sentence|line|paragraph) (?P<nth2>\d{{1,3}}|{'|'.join(_NUMBERS)})\b{_OF}"
    r"|(?:(?:what|everything|all|(?:the )?(?:text|part|rest|bit))"
    r"(?: that)?(?: (?:stands|comes|follows|is|starts|begins))? )?"
    r"(?P<side>from|since|starting (?:at|with|from)|beginning (?:at|with|from)|after|behind) "
    rf"(?P<piece>{ANY_MARK})"
    r"(?: on(?:wards?)?)?(?: to the end)?"
)
_WHOLE = r"(?:the )?(?P<whole>(?:whole|entire|full) (?:text|document|thing|prompt))"
_START = r"(?:^|(?<=[\s(]))"
_FORMS = (
    rf"{_START}{_STRONG}{_OBJECT} (?:{_ONLY} )?{_AT} (?:{_ONLY} )?(?:{_PARTS})",
    rf"{_START}{_ONLY} {_STRONG}{_OBJECT} {_AT} (?:{_PARTS})",
    rf"{_START}(?:{_ONLY} {_WEAK}|{_WEAK} {_ONLY}|{_ONLY})(?: {_AT})? (?:{_PARTS})",
    rf"{_START}(?:{_STRONG}{_OBJECT} {_AT}|explain|use|take|trace|consider) (?:again )?{_WHOLE}\b",
)
_AROUND = re.compile(
    r"(?:[\s,;:.!?()]|(?:and|but|now|then|so|ok|okay|please|pls|again|instead|this time|next|rather|can|could"
    r"|would|only|just|you|let's|lets|i want you to|try to)\b)*",
    re.I,
)


@cache
def _compiled() -> list[re.Pattern[str]]:
    return [re.compile(form, re.I) for form in _FORMS]


def find_part(plain: str) -> tuple[PartOfText, str, tuple[int, int]] | None:
    """The part of a text that a message names, the mark of what it quotes, and where it stands in it.

    `plain` is the message with its quotations as marks.
    """
    for form in _compiled():
        if (found := form.search(plain)) is not None and (part := _read(found)) is not None:
            return part, found.groupdict().get("piece") or "", found.span()
    return None


def is_only_around(rest: str) -> bool:
    """Whether nothing but politeness and commas is left of a message."""
    return _AROUND.fullmatch(rest) is not None


def _read(found: re.Match[str]) -> PartOfText | None:
    slots = found.groupdict()
    if slots.get("whole"):
        return PartOfText(WHOLE)
    if slots["piece"]:
        return PartOfText(BEHIND if slots["side"].casefold() in ("after", "behind") else SINCE)
    if slots["unit"]:
        unit, count = slots["unit"].casefold(), _number(slots["count"]) if slots["count"] else 1
        lone = unit in (TOKENS, WORDS) and count < 2  # “only the last word” asks of a place, not of a window
        return None if lone or not count else PartOfText(unit, last=count)
    nth = slots["nth"] or slots["nth2"]
    return PartOfText((slots["of"] or slots["of2"]).casefold(), nth=max(1, _number(nth)))


def _number(word: str) -> int:
    plain = word.casefold().replace(",", "")
    digits = re.match(r"\d+", plain)
    return int(digits[0]) if digits else COUNTS.get(plain) or NTH[plain]
