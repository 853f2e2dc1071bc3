"""What a request about the conversation, a layer or a concept says beside its meaning. Knows no graph."""

import re
from dataclasses import replace
from functools import cache

from agent.core import Intent
from agent.questions.patterns_concepts import LENGTHS
from agent.questions.patterns_talk import KINDS, LANGUAGE, METHOD_TERM
from agent.questions.question import Question
from agent.questions.quoting import ANY_MARK, LiftedMessage
from agent.questions.talk_meaning import nearest_how

__all__ = ["fill_talk", "with_last_layer"]

_WORDS_OF_LENGTH = "|".join(sorted((re.escape(word) for word in LENGTHS), key=len, reverse=True))
LENGTH = re.compile(rf"(?<!\w)(?:{_WORDS_OF_LENGTH})(?!\w)", re.I)
TELLS_NO_LENGTH = frozenset(
    {"words", "word", "much", "more", "sentence", "sentences", "lines", "line", "long"}
)
WHICH = re.compile(
    r"\b(first|second|third|fourth|fifth|original|previous|earlier|last|old|other|starting)\b", re.I
)
TO_A_TEXT = re.compile(
    r"\b(?:to|with|restore|about) (?:the |my |our )?(?:one )?(?:with |about |on )?"
    rf"(?P<name>{ANY_MARK}|(?-i:[A-Z])[\w'-]*(?: (?-i:[A-Z])[\w'-]*)*)",
    re.I,
)
LAYERS = re.compile(
    r"\b(?P<side>above|over|after|behind|beyond|past)?\W*(?:the )?(?:layers?|blocks?|depth)\W*"
    r"(?P<then>above|over|after|beyond|past|>)?\W*#?(?P<layer>\d{1,3})",
    re.I,
)
UPPER = re.compile(r"\b(?:below|under|before|up to|until|until layer|first|early|earliest)\b", re.I)
LAST_LAYER = re.compile(
    r"\b(?:(?P<first>\d{1,3}) ?(?:to|-|–|—|through|thru|until|till|up to) ?"
    r"|\bbetween (?:the )?(?:layers? |blocks? )?(?P<low>\d{1,3}) and "
    r"|(?P<up>up to|until|till|no later than|below|before) )"
    r"(?:the )?(?:layers? |blocks? )?#?(?P<last>\d{1,3})\b",
    re.I,
)
STEERS = (  # what is to be steered, by the words that say it; the first that fits
    ("controls", r"\bcontrols?\b|\brandom\b|\bno tests?\b|\bskip (?:the |some |all )*tests?\b"),
    (
        "plan",
        r"\bplan\b|\bnext\b|\bleft to\b|\bnot (?:yet )?tested\b|\buntested\b.*\?|\bwould you (?:try|test)",
    ),
    ("faster", r"\bfast(?:er)?\b|\bquick|\bhurry|\blong\b|\bfewer\b|\bless\b|\bstop\b"),
    ("thorough", r"\bthorough|\bmore\b|\bcareful|\beverything\b|\ball\b|\brest\b|\bremaining\b|\bgo on\b"),
)
AT_WORD = re.compile(
    rf"\b(?:at|on|by|when (?:it|the model) reads?|while reading|behind|position|at position|reading)"
    rf"(?: of)? (?:the )?(?:word |token |position )?(?P<word>{ANY_MARK}"
    r"|(?:last|final|first) (?:word|token|one|position)"
    r"|(?!layers?\b|blocks?\b|some\b|any\b|all\b|the\b|which\b|what\b)[\w'-]+)",
    re.I,
)
IDEA = re.compile(
    r"\b(?:of|about|idea of|concept of|via|through|have|hold|for) (?:the |a |an )?"
    rf"(?P<idea>{ANY_MARK}|[\w'-]+(?: (?-i:[A-Z])[\w'-]*)?)",
    re.I,
)
NO_IDEA = re.compile(r"it|that|this|what|which|in|at|on|mind|any|ideas?|concepts?|thoughts?|some", re.I)


def fill_talk(found: Question, plain: str, lifted: LiftedMessage) -> Question:
    """The question with what the message says: how it is told, back to what, as which file, which layer."""
    raw = lifted.raw(plain)
    match found.intent:
        case Intent.LENGTH:
            return replace(found, other=found.other or read_length(raw))
        case Intent.UNDO:
            return replace(found, other=found.other or _which_text(plain, lifted))
        case Intent.EXPORT:
            return replace(found, other=found.other or _first(_kinds(), raw))
        case Intent.METHOD:
            return replace(found, other=found.other or _first(_terms(), raw))
        case Intent.STEER:
            return _steered(found, raw)
        case Intent.CONCEPTS:
            return _pointed(found, plain, lifted)
    return found


def with_last_layer(found: Question) -> Question:
    """The question with the last layer where it is about several: “layers 8 to 12”, “only up to layer 6”."""
    if found.intent not in (Intent.STEER, Intent.CONCEPTS) or not re.search(r"layer|block", found.raw, re.I):
        return found
    for span in LAST_LAYER.finditer(found.raw):
        last = int(span["last"]) - (str(span["up"]).casefold() in ("below", "before"))
        first = span["first"] or span["low"]
        if first is not None and found.layer == int(first) < last:
            return replace(found, up_to=last)
        if span["up"] is not None and found.intent is Intent.STEER:
            return replace(found, layer=0, up_to=last, other=None)
    return found


def read_length(raw: str) -> str:
    """How the answer is to be told: a word that says it, or what the nearest sentence wants."""
    if language := _first(_languages(), raw):
        return language
    named = [word.casefold() for word in LENGTH.findall(raw)]
    plain = [word for word in named if word not in TELLS_NO_LENGTH]
    return (plain or [""])[0] or nearest_how(raw) or (named or ["simply"])[0]


def _which_text(plain: str, lifted: LiftedMessage) -> str | None:
    if named := TO_A_TEXT.search(plain):
        return _unquoted(named["name"], lifted)
    ordinal = WHICH.search(plain)
    return f"{ordinal[1].casefold()} one" if ordinal else None


def _steered(found: Question, raw: str) -> Question:
    layer = found.layer
    if layer is None and (named := LAYERS.search(raw)) and not UPPER.search(raw):
        beyond = bool(named["side"] or named["then"])
        layer = int(named["layer"]) + beyond
    if found.other or layer is not None:
        return replace(found, layer=layer)
    asked = (name for name, words in STEERS if re.search(words, raw, re.I))
    return replace(found, other=next(asked, "plan"))


def _pointed(found: Question, plain: str, lifted: LiftedMessage) -> Question:
    """The layer, the word and the concept that a question about what is in mind names."""
    layer, group, other = found.layer, found.group, found.other
    if layer is None and (named := LAYERS.search(plain)):
        layer = int(named["layer"])
    if group is None and (at := AT_WORD.search(plain)):
        group = (
            "last token" if re.match(r"(?:last|final)\b", at["word"], re.I) else _unquoted(at["word"], lifted)
        )
    rest = AT_WORD.sub(" ", plain)
    if (
        other is None
        and layer is None
        and (idea := IDEA.search(rest))
        and not NO_IDEA.fullmatch(idea["idea"])
    ):
        other = _unquoted(idea["idea"], lifted)
    return replace(found, layer=layer, group=group, other=other)


def _unquoted(piece: str, lifted: LiftedMessage) -> str:
    return (lifted.quoted(piece) or [piece])[0]


def _first(wanted: re.Pattern[str], raw: str) -> str | None:
    found = wanted.search(raw)
    return found[0] if found else None


@cache
def _kinds() -> re.Pattern[str]:
    return re.compile(rf"\b{KINDS}\b", re.I)


@cache
def _terms() -> re.Pattern[str]:
    return re.compile(rf"\b{METHOD_TERM}\b", re.I)


@cache
def _languages() -> re.Pattern[str]:
    return re.compile(rf"\b{LANGUAGE}\b", re.I)
