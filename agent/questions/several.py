"""Where one message asks for several things: its requests, in order. Knows how to part, not what is meant."""

import re
from collections.abc import Callable

from agent.core import Intent

_STARTS = (
    r"(?:why|y|which|wich|what|how|where|is|are|does|do|can|could|show|save|export|download|remove|delete"
    r"|kill|mute"
    r"|double|halve|scale|triple|zero|swap|replace|exchange|find|search|look|compare|test|check|try"
    r"|explain|tell|give|make"
    r"|go|undo|put|list|turn|switch|keep|say|summari[sz]e|describe)"
)
JOIN = re.compile(
    r"(?:(?P<stop>[.;!?]+)\s+(?:and |also |then |plus |ok(?:ay)?,? |next,? |finally,? |after that,? "
    r"|i also want to know )*"
    r"|,?\s+(?:and then|then|and also|and afterwards|and after that|after that|plus|and finally|and|&"
    r"|\+)\s+"
    rf"(?:also |then |please |afterwards )?)(?={_STARTS}\b)",
    re.I,
)
SEEN = re.compile(  # what only says that the result is wanted
    r"(?:please )?(?:(?:show|tell|let|give)(?: me)?(?: know)?|see|check|look|explain)(?: me)? (?:what|how"
    r"|if|whether|why)"
    r" (?:it|happens|changes|that|this|the model|comes|does|is|was)\b.*|(?:what|how|where) (?:happens"
    r"|changes|does it|do you|is that"
    r"|is it|does that|did it|did that|will|comes?"
    r"|would (?!make\b|it take\b|get\b|have to\b|need))\b.*|(?:what|which) (?:word|token|answer|one"
    r"|city)\b.*|why\b.{0,40}|(?:find|show)(?: me)? the (?:error|mistake|bug|problem|cause|reason)\b.*"
    r"|explain(?: (?:why|it|that|this|how))?\W*",
    re.I,
)
ALONE = frozenset(Intent) - {Intent.TEXT, Intent.UNKNOWN, Intent.HELP, Intent.WHY, Intent.MISTAKE}
MOST = 4  # requests of a message
THE_SAME = re.compile(  # “remove S1, then S2”: the second group is treated as the first
    r"(?P<do>\b(?:remove|delete|kill|mute|ablate|disable|double|halve|test|drop|zero)\b)(?P<first>[^.;!?]{1,40}?)"
    r",? (?:and )?then (?=(?:[sl]\d+[\w./+-]*)(?:\W|$))",
    re.I,
)
Read = Callable[[str], Intent | None]  # what a piece asks for by a phrase that fits it


def say_in_full(message: str) -> str:
    """The message with its verb again where a second group follows without one."""
    return THE_SAME.sub(r"\g<do>\g<first>, then \g<do> ", message)


def part_requests(plain: str, read: Read) -> list[tuple[int, int]]:
    """Where the requests of a message stand in it; one where it cannot be parted with certainty."""
    cuts: list[tuple[int, int]] = [(0, 0)]
    for found in JOIN.finditer(plain):
        if len(cuts) == MOST:
            break
        before = plain[cuts[-1][1] : found.end("stop") if found["stop"] else found.start()]
        rest = plain[found.end() :]
        nearest = JOIN.search(rest)
        behind = rest[: nearest.start()] if nearest else rest
        if SEEN.fullmatch(behind.strip()) or SEEN.fullmatch(rest.strip()):
            continue
        first = read(before.strip(" ;,.")) or read(re.split(r"[.!?] ", before)[-1].strip(" ;,."))
        if first is None or first in (Intent.UNKNOWN, Intent.HELP):
            continue
        if any(read(piece.strip()) in ALONE for piece in (rest, behind)):
            cuts.append((cuts[-1][1] + len(before), found.end()))
    ends = [end for end, _ in cuts[1:]] + [len(plain)]
    return [(start, end) for (_, start), end in zip(cuts, ends, strict=True)]
