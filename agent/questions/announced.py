"""A text that is told by words around it: announced, dictated, at the end of a question, beside another one.

What a line that asks looks like stands here too. Knows no intent.
"""

import re
from typing import NamedTuple

from agent.questions.patterns_fallback import UNFINISHED
from agent.questions.quoting import CLOSING, lift_quotes

TWO_WORDS = 2


class Layout(NamedTuple):
    """A text, what is asked beside it (may be empty), a second text and the tokens where they stand apart."""

    text: str
    question: str
    other: str | None = None
    said: str | None = None
    foil: str | None = None


ASK_WORDS = (
    r"(?:why|y|how come|how|what|what's|whats|which|wich|where|when|who|does|do|did|is|are|was|can|could"
    r"|would|will"
    r"|should|explain|tell|show|compare|find|remove|swap|trace|make|warum|wieso|welche[rs]?|por qu[eé]"
    r"|qu[eé]"
    r"|pourquoi|quels?|quelles?|为什么)"
)
ASK_LINE = re.compile(
    rf"\s*(?:\^+|↑|->)?\s*(?:(?:so|and|but|ok(?:ay)?|hi|hey|hello|please|pls)[, ]+)*{ASK_WORDS}\b", re.I
)
_TAKE = (
    r"(?:use|try|take|trace|explain|analy[sz]e|look at|continue|here is|here's|what about|how about|now"
    r"|next)"
)
INTRODUCED = re.compile(
    rf"\s*(?:(?:please|pls|ok|now|and|then|let's|can you)[, ]+)*{_TAKE}(?: with| on| at)?(?: (?:this|the"
    rf"|another|a|an|my|that))?"
    r"(?: (?:following|new|next|other))?(?: (?:text|sentence|prompt|one|example|phrase))?(?: instead| now"
    r"| next| please)*"
    r"(?:: ?|:\n+)(?P<text>[^\n?]+(?:[^\n?.!]|(?-i:(?<=\b[A-Z])\.)))",
    re.I,
)
_ONE = r"(?:text|sentence|prompt|one|example|phrase|line|input)"
ANNOUNCED = re.compile(  # a line that only says that a text follows
    r"\s*(?:(?:please|pls|ok(?:ay)?|now|and|then|next|let's|can you|could you|here(?:'s| is)|try|take|do|use"
    r"|run|trace|look at|what about|how about|with|it with|i have|i've got)[, ]+)*"
    r"(?:(?:this|that|another|a|my|the|one more|yet another)(?: (?:following|new|next|other|second|third"
    rf"|last|different|fresh|\w+an|\w+ish))* {_ONE}|this|another|next {_ONE}|one more|new {_ONE})"
    r"(?:,? (?:next|now|too|instead|please|as well|then|for you|for me|from me|from .{1,30}))*"
    r"[ \t]*[.:!,…-]?\s*",
    re.I,
)
VERSUS = re.compile(
    r"\s*(?P<one>[A-Z0-9]\S*(?: \S+){2,}?),? (?:vs\.?|versus|as opposed to|compared (?:to|with)) "
    r"(?P<two>[A-Z0-9]\S*(?: [^\s,;.?!–—-]+){2,})(?:\s?[,;.?!–—-]+ ?(?P<ask>.*))?",
    re.S,
)
DICTATED = re.compile(
    r"(?:gave|give|typed?|fed|feed|entered|enter|wrote|write|put in|prompted)(?: (?:it|in|you|the model"
    r"|gemma|with|him))*"
    r"(?: (?:the|this) (?:text|prompt|sentence|words|input))? (?P<text>\S.+?),? (?:and|then|but) (?:it"
    r"|gemma|the model|you|he)"
    r" (?:said|says|say|answered|answers|wrote|writes|replied|continued with|continues with|gave|gives"
    r"|went with)"
    r" (?P<said>[^\s,.;?!]+)",
    re.I | re.S,
)
OPEN_TEXT = re.compile(  # “why does it say pizza for i could really go for some”
    r"(?P<ask>.{0,60}?\b(?:why|how come|how does it come|where does)\b(?: (?:does|did|do|would|is|has|to|it"
    r"|he|she|they|you|u|gemma|the (?:model|computer|machine|ai|bot|thing)))* (?:says?|said|gives?"
    r"|gave|thinks?|predicts?|picks?|answers?|writes?|puts?|comes? up with)(?: the word)?) "
    r"(?P<said>[^\s,.;:?!]+),? "
    r"(?:for|after|in|to|given|on|(?:when|if) (?:i|we|you|u) (?:write|type|say|put|enter|feed it|have"
    r"|give (?:it|him|her|you|the model)))(?: in| it)? (?P<text>\S+(?: \S+){2,})",
    re.I,
)
NO_TEXT = re.compile(
    r"\b(?:text|sentence|prompt|example|answer|it|you|u|model|question|case|this|these|those|why|explain|please"
    r"|instead|rather)\b|[?:]|\w\. ",
    re.I,
)
ONE_WITH = re.compile(
    r"\W*(?:(?:ok|now|and|then|please|pls|can you|could you|let's|lets|next)[, ]+)*(?:do|try|take|run|trace"
    r"|make|have) (?:me )?(?:one|another(?: one)?|a new one|this one|a text)"
    r"(?: (?:with|on|for|about|like|saying))?:? (?P<text>[\w'“\"].*\S)\s*",
    re.I,
)


def asks(line: str) -> bool:
    """Whether a line reads as a question or an order about a text."""
    if re.match(r"\s*y\s*[-=+*/<>(),.\]]", line):
        return False  # a line of code, and no “why” for short
    bare = line.rstrip(" \t\r:\"”'»`")
    return bool(ASK_LINE.match(bare)) and (bare.endswith("?") or not UNFINISHED.search(bare))


def find_unmarked(message: str) -> Layout | None:
    """A text without marks: dictated, one of two that are set beside each other, or behind what is asked."""
    return _dictated(message) or _versus(message) or _free(message)


def _free(message: str) -> Layout | None:
    """A text without any marks at the end: behind “why does it say X for”, or “do one with”."""
    if lift_quotes(message).parts or "\n" in message.strip():
        return None
    bare = message.strip()
    if (found := ONE_WITH.fullmatch(bare)) and len(found["text"].split()) > TWO_WORDS:
        return None if NO_TEXT.search(found["text"]) else Layout(found["text"], "")
    found = OPEN_TEXT.fullmatch(bare)
    if found is None or NO_TEXT.search(found["text"]):
        return None
    return Layout(found["text"], f"{found['ask']} {found['said']}", None, found["said"])


def find_introduced(message: str) -> Layout | None:
    """A text that is announced: “Please use this text instead: …”, or in a line before it."""
    if found := INTRODUCED.fullmatch(message):
        return Layout(without_marks(found["text"]), "")
    line, gap, text = message.partition("\n")
    if not gap or not ANNOUNCED.fullmatch(line) or len(text.split()) < TWO_WORDS or quotes_lines(message):
        return None
    if any(asks(each) for each in text.split("\n")):
        return None
    return Layout(without_marks(text.strip("\n")), "")


def _versus(message: str) -> Layout | None:
    """Two texts without any marks: “… vs …, same thing inside?”."""
    found = None if lift_quotes(message).parts else VERSUS.fullmatch(message)
    if found is None or asks(found["one"]) or NO_TEXT.search(found["one"]):
        return None
    return Layout(found["one"], found["ask"] or "compare these two", found["two"])


def _dictated(message: str) -> Layout | None:
    """A text without any marks between “I gave it” and “and it said”."""
    found = DICTATED.search(message)
    if found is None or re.search(r"[\"“«`]", found["text"]) or not UNFINISHED.search(found["text"]):
        return None
    said = found["said"].strip()
    return Layout(found["text"], f"why does it say {said}", None, said)


def quotes_lines(message: str) -> bool:
    """Whether a quotation reaches over several lines."""
    return any("\n" in part.raw for part in lift_quotes(message).parts.values() if part.inner is not None)


def without_marks(text: str) -> str:
    """A text without the quotation marks that are all around it."""
    closing = CLOSING.get(text[:1], "`" if text[:1] == "`" else "")
    inner = text[1:-1]
    whole = (
        len(text) > TWO_WORDS
        and bool(closing)
        and text[-1] in closing
        and not any(c in closing for c in inner)
    )
    return inner if whole else text
