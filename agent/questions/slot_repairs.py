"""Slots of a reading that are mended by the message: the whole text, the quoted one, the token left out."""

import re
from dataclasses import replace

from agent.core import Intent
from agent.questions.parser import PreparedMessage
from agent.questions.question import Question
from agent.questions.quoting import ANY_MARK, lift_quotes
from agent.questions.slot_tagger import TEXT_MARK, quote_shape

__all__ = ["OF_A_TEXT", "with_foil", "with_quoted_text", "with_whole_text"]

OF_A_TEXT = frozenset(
    {Intent.WHY, Intent.WHY_NOT, Intent.MAKE, Intent.USES, Intent.WORDS, Intent.MISTAKE, Intent.PATH,
     Intent.CONCEPTS, Intent.LAYER, Intent.INTERVENE, Intent.TEXT}
)  # fmt: skip
NO_GROUP = frozenset({Intent.PATH, Intent.WORDS, Intent.LAYER})  # no group is called as a text reads
TWO_WORDS = 2
WHY_NOT = re.compile(rf"\bwhy not (?P<foil>{ANY_MARK}|(?!that\b|it\b|this\b)[\w'-]+)\W*$", re.I)
BARE_NOT = re.compile(
    r"\bwhy (?:not|is(?:n't|nt) it|was(?:n't|nt) it|does(?:n't|nt) it)\W*(?:that|it|this)?\W*$", re.I
)
EXPECTED = re.compile(
    rf"\b(?:bet on|expect(?:ed|ing)?|thought of|hop(?:ed|ing) for|would(?:'ve| have)? (?:said|guessed|picked)"
    rf"|wanted|guessed) (?:the word )?(?P<foil>{ANY_MARK}|[\w'-]+)",
    re.I,
)
ENDS_A_TEXT = re.compile(
    r"[:;.]|\b(?:why|how come|explain|pls|please|instead|rather|expected|wrong|should|model|which|but"
    r"|what(?:s|'s| (?:is|does|did|would|will|made|about))|and it|it (?:says?|said|gives?|should)"
    r"|does it|is it|can you|tell|show|though|then|imo)\b",
    re.I,
)


def with_foil(found: Question, asked: PreparedMessage) -> Question:
    """What was read, with the token that “why not” is asked about where it was left out."""
    if found.intent not in (Intent.WHY, Intent.WHY_NOT) or found.foil is not None:
        return found
    named = WHY_NOT.search(asked.plain) or (
        EXPECTED.search(asked.plain) if BARE_NOT.search(asked.plain) else None
    )
    if named is None:
        return found
    piece = asked.typed(*named.span("foil"))
    foil = (asked.lifted.quoted(piece) or [piece])[0]
    return found if foil in (found.text, found.said) else replace(found, intent=Intent.WHY_NOT, foil=foil)


def with_whole_text(found: Question, message: str) -> Question:
    """What was read, with a text at the end of the message whole: one name or two may have been cut off."""
    if not found.text or found.intent not in OF_A_TEXT or found.text not in message:
        return found
    behind = message.rstrip(" ?!.\n").rpartition(found.text)[2]
    name = re.fullmatch(r"(?: [A-Z][\w'-]*){1,2}", behind)
    unmarked = not lift_quotes(message).parts and "?" not in message
    goes_on = unmarked and re.match(r",? [a-z]", behind) and not ENDS_A_TEXT.search(behind)
    return replace(found, text=found.text + behind) if name or goes_on else found


def with_quoted_text(found: Question, asked: PreparedMessage) -> Question:
    """What was read, with the one text that is quoted, or the two compared, and nothing around them."""
    inners = [part.inner for part in asked.lifted.parts.values() if quote_shape(part.inner) == TEXT_MARK]
    if not inners and found.text is None:
        inners = _longest_quote(asked)
    if found.intent is Intent.COMPARE:
        quoted: list[str | None] = [
            part.inner for part in asked.lifted.parts.values() if part.inner and " " in part.inner.strip()
        ]
        inners = inners if len(inners) > 1 else quoted if len(quoted) == TWO_WORDS else inners
    if found.intent is Intent.COMPARE and len(inners) > 1:
        return replace(found, text=inners[0], other=inners[1])
    if len(inners) != 1 or inners[0] is None or found.intent not in OF_A_TEXT:
        return found
    if found.text is None and found.said == inners[0] and found.intent is Intent.MISTAKE:
        return replace(found, text=inners[0], said=None)
    if found.text is None and found.group == inners[0] and found.intent in NO_GROUP:
        return replace(found, text=inners[0], group=None, other=None)
    if found.text is None and inners[0] in (found.group, found.other, found.said, found.foil):
        return found
    return found if found.text == inners[0] else replace(found, text=inners[0])


def _longest_quote(asked: PreparedMessage) -> list[str | None]:
    """The one quoted part of three words where the others have one or two."""
    counts = sorted(
        (len(part.inner.split()), part.inner) for part in asked.lifted.parts.values() if part.inner
    )
    if len(counts) < TWO_WORDS or counts[-1][0] <= TWO_WORDS or counts[-2][0] >= counts[-1][0]:
        return []
    return [counts[-1][1]]
