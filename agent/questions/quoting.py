"""Quoted parts of a message, lifted out so that phrases can be matched around them. Knows no phrases.

Each quoted part becomes one mark, a private-use character; so does the middle of a message too
long to match phrases on. Whatever is cut out of the rest can be put back as it was typed.
"""

from functools import lru_cache
from typing import NamedTuple

FIRST_MARK, LAST_MARK = 0xF0000, 0xFFFFD
ANY_MARK = f"[{chr(FIRST_MARK)}-{chr(LAST_MARK)}]"
HEAD, TAIL = 120, 200  # characters left of a long message, apart from quotes
CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "‹": "›", "„": "“”", "「": "」"}
CAN_BE_APOSTROPHE = "'’"


class QuotedPart(NamedTuple):
    """A part that was lifted out: as typed, and without its quotation marks (None: not quoted)."""

    raw: str
    inner: str | None


class LiftedMessage(NamedTuple):
    """A message with marks in place of its quoted parts."""

    rest: str
    parts: dict[str, QuotedPart]

    def raw(self, piece: str) -> str:
        """A piece of the rest as it was typed."""
        return "".join(self.parts[char].raw if char in self.parts else char for char in piece)

    def quoted(self, piece: str) -> list[str]:
        """What stands in quotes within a piece of the rest."""
        parts = [self.parts[char] for char in piece if char in self.parts]
        return [part.inner for part in parts if part.inner is not None]


@lru_cache(maxsize=16)
def lift_quotes(message: str) -> LiftedMessage:
    """Take the quoted parts, and the middle if it is long, out of a message."""
    taken = set(message)
    free = (chr(code) for code in range(FIRST_MARK, LAST_MARK + 1) if chr(code) not in taken)
    rest: list[str] = []
    parts: dict[str, QuotedPart] = {}
    unclosed: set[str] = set()  # keeps this linear: what is never closed is looked for once
    at = 0
    while at < len(message):
        end = None
        opening = message[at]
        if opening == "`":
            opening, end = _code(message, at, unclosed)
        elif opening in CLOSING and opening not in unclosed and _opens(message, at):
            end = _end_of_quote(message, at)
            if end is None:
                unclosed.add(opening)
        mark = next(free, None) if end is not None else None
        if end is None or mark is None:
            rest.append(opening)
            at += len(opening)
            continue
        width = len(opening)
        parts[mark] = QuotedPart(message[at:end], message[at + width : end - width])
        rest.append(mark)
        at = end
    return _shortened("".join(rest), parts, next(free, ""))


def _shortened(rest: str, parts: dict[str, QuotedPart], mark: str) -> LiftedMessage:
    if len(rest) <= HEAD + TAIL:
        return LiftedMessage(rest, parts)
    middle = LiftedMessage(rest, parts).raw(rest[HEAD:-TAIL])
    return LiftedMessage(rest[:HEAD] + mark + rest[-TAIL:], {**parts, mark: QuotedPart(middle, None)})


def _code(message: str, at: int, unclosed: set[str]) -> tuple[str, int | None]:
    """The run of backticks here, and where the code between it and its like ends."""
    end = at
    while end < len(message) and message[end] == "`":
        end += 1
    fence = message[at:end]
    close = -1 if fence in unclosed else message.find(fence, end + 1)
    if close < 0:
        unclosed.add(fence)
        return fence, None
    return fence, close + len(fence)


def _opens(message: str, at: int) -> bool:
    return at == 0 or not message[at - 1].isalnum()


def _closes(message: str, at: int) -> bool:
    return at + 1 == len(message) or not message[at + 1].isalnum()


def _end_of_quote(message: str, start: int) -> int | None:
    """Just after the mark that closes the quote opened at `start`.

    Quotes may hold quotes. An apostrophe after a word ("the dogs' home") looks like the end; it is
    not if another possible end follows before anything opens.
    """
    opening, closing = message[start], CLOSING[message[start]]
    depth, found, last = 1, None, None
    for at in range(start + 1, len(message)):
        char = message[at]
        if char != opening and char not in closing:
            continue
        ends = char in closing and at > start + 1 and _closes(message, at)
        begins = char == opening and _opens(message, at)
        if begins and (found or not ends):
            if found:
                break
            depth += 1
        elif ends:
            depth, last = max(depth - 1, 0), at + 1
            if depth == 0:
                found = last
                if char not in CAN_BE_APOSTROPHE:
                    break
    return found or last
