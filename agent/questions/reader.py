"""A message as what it asks for: layout, language and the conversation first, then `parser`. Knows no graph.

A message that may be a request is never silently taken for a text to trace: where it is not clear, the text
that it could be stands in `maybe`, and it is asked back.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from agent.core import Intent, find_break_signs, with_line_breaks
from agent.questions.announced import Layout
from agent.questions.clear_texts import is_clear_text
from agent.questions.intent_classifier import mask_message
from agent.questions.languages import asks_in_another_language, say_in_english
from agent.questions.layout import find_layout, is_pasted
from agent.questions.mending import mend_words
from agent.questions.offered import SAMPLES, offer, read_back
from agent.questions.parser import (
    PreparedMessage,
    guess_intent,
    match_exact,
    prepare_message,
    read_as,
    read_request,
)
from agent.questions.parts_of_text import find_part, is_only_around
from agent.questions.pattern_dsl import compile_phrase
from agent.questions.patterns_talk import TALK, without_marks_of_terms
from agent.questions.question import Question
from agent.questions.rivals import find_rivals
from agent.questions.several import part_requests, say_in_full
from agent.questions.slot_repairs import OF_A_TEXT, with_foil, with_quoted_text, with_whole_text
from agent.questions.slot_tagger import is_question_word
from agent.questions.talk_meaning import nearest_talk
from agent.questions.talk_slots import fill_talk, with_last_layer

__all__ = ["parse_question", "settles", "speaks_of_talk"]

SHORT = 160  # characters; what is longer speaks of no conversation
AT_LAST = re.compile(r"(?:the )?(?:last|final) (?:word|token|tokn|position|one)", re.I)
HOW_OFTEN = 3  # parts within parts
AROUND_QUOTE = (
    r"(?:in|for|with|on|given|take|about|after|text:?)?(?: the (?:text|prompt|sentence))? ?"
    r"(<text>{q})[,:;.–—-]* (<rest>.+)",
    r"(<rest>.+?),? (?:in|for|with|on|about|after|of)(?: the (?:text|prompt|sentence))?:? (<text>{q})[?.! ]*",
)
CUE = (
    r"\b(?:(?:for|in|with|given|on|after) )?(?:(?:the|my|this|a) )?(?:text|prompt|sentence|input|phrase)"
    r"(?: (?:is|was|reads|says))?:? (<text>{q})"
)
TWO_WORDS = 2
QUOTES = "\"'“”‘’«»`"
WITHOUT_WORD = re.compile(  # a word is taken out of the text, not a group out of the model
    r"\b(?:without|delet\w+|remov\w+|drop\w*|tak\w+ (?:out|away)|leav\w+ (?:out|away)|skip\w*|omit\w*) "
    r"the (?:word|token|name|comma)\b",
    re.I,
)
ARROW = re.compile(
    rf"\s*(?P<group>[{QUOTES}]?[\w-]+[{QUOTES}]?) ?(?:->|-->|=>|→) ?"
    rf"(?P<other>[{QUOTES}]?[\w-]+(?: (?-i:[A-Z])[\w-]+)?[{QUOTES}]?)[?.! ]*"
)
ALONE = re.compile(r"\s*(?:and |but )?(?P<foil>[^\W\d_]{3,})\s?\?[?! ]*", re.I)
TWO_TEXTS = r"(<text>{q}) ?(?:vs\.?|versus|compared (?:to|with)|as opposed to) (<other>{q})"
OPEN_ENDED = re.compile(
    r"\b(?:the|an?|and|or|of|my|your|his|her|their|with|from|for|by|at|because|if)\W*$", re.I
)
TRACE_IT = re.compile(
    r"(?:yes,? )?(?:please )?(?:(?:trace|explain|use|take) (?:it|that|this)(?: as (?:a |the )?text)?"
    r"|(?:it(?:'s| is| was)|that(?:'s| is| was)) (?:a |the )?text|(?:as )?a text|text)[.! ]*",
    re.I,
)
ASK_IT = re.compile(
    r"(?:no,? )?(?:it(?:'s| is| was)|that(?:'s| is| was)|as|i (?:meant|mean)) (?:a |the )?(?:question"
    r"|request)[.! ]*",
    re.I,
)
WITH_BREAKS = re.compile(
    r"(?:(?:use|take|try|read) (?:it|that) |(?:i )?mean(?:t|ing)? |yes,? )?(?:with |as )?(?:a |the |real )*"
    r"line ?breaks?(?:,? please)?[.! ]*",
    re.I,
)


ALIKE = ({Intent.WHY, Intent.WHY_NOT}, {Intent.USES, Intent.INTERVENE})  # the same is measured for both
WITHOUT_TEXT = frozenset({Intent.SEARCH, Intent.METHOD, Intent.HELP})


@dataclass(frozen=True, slots=True)
class _Talk:
    """What is going on when a message is read."""

    talks: bool
    focus: Mapping[str, Any] | None
    known: Collection[str]


def parse_question(
    message: str,
    *,
    text: str | None = None,
    said: str | None = None,
    foil: str | None = None,
    has_graph: bool = False,
    focus: Mapping[str, Any] | None = None,
    known: Collection[str] = (),
    before: Mapping[str, Any] | None = None,
) -> Question:
    """Read a message; what is given apart from it wins over what it says.

    `has_graph` says that a text is being talked about, `known` the words that it, its answer and its groups
    are made of, `before` the question asked last, where this message may settle how that was meant.
    """
    apart = {"text": text, "said": said, "foil": foil}
    given: dict[str, Any] = {name: value for name, value in apart.items() if value is not None}
    if given and not message.strip():
        return Question(Intent.WHY, raw=message, **given)
    settled = _settle(message, before)
    found = settled or _read(message, _Talk(has_graph, focus, known))
    further = tuple(with_last_layer(replace(each, then=())) for each in found.then)
    meant = found.raw if settled else ""  # of two readings one is taken: the message was the one before
    first = with_last_layer(replace(found, raw=meant or message, then=further))
    return replace(first, maybe=None, **given) if given else first


def settles(message: str, before: Mapping[str, Any] | None) -> bool:
    """Whether a message only says how the last one was meant."""
    return _settle(message, before) is not None


def speaks_of_talk(message: str, *, talks: bool) -> bool:
    """Whether a phrase about the conversation fits."""
    return _speaks_of_talk(message, _Talk(talks, None, ())) is not None


def _settle(message: str, before: Mapping[str, Any] | None) -> Question | None:
    """What a message says of how the last one was meant."""
    if before and WITH_BREAKS.fullmatch(message.strip()) and find_break_signs(str(before.get("text") or "")):
        text = with_line_breaks(str(before["text"]))
        return Question(Intent.WHY, text=text, said=before.get("said"), foil=before.get("foil"))
    for reading in map(read_back, (before or {}).get("either") or ()):
        if message.strip().casefold() == str(offer(reading)).casefold():
            return reading
    if not before or not before.get("maybe"):
        return None
    if TRACE_IT.fullmatch(message.strip()):
        return Question(Intent.TEXT, text=str(before["maybe"]))
    if ASK_IT.fullmatch(message.strip()):
        guess = before.get("guess")
        return _read(str(guess), _Talk(talks=True, focus=None, known=())) if guess else Question(Intent.HELP)
    return None


def _read(message: str, talk: _Talk, depth: int = 0) -> Question:
    if not message.strip() or set(message.strip()) == {"?"}:
        return Question(**read_request(message, talk.talks, talk.focus))
    message = without_marks_of_terms(message)
    asked = prepare_message(say_in_full(message) if depth < HOW_OFTEN else message)
    for whole in _look_at_whole(message, asked, talk, depth):
        if whole is not None:
            return whole
    found = _mended(Question(**read_request(message, talk.talks, talk.focus)), asked, message)
    if depth < HOW_OFTEN and (cued := _cued_quote(found, asked, talk)) is not None:
        return cued
    if depth < HOW_OFTEN and (found.intent in (Intent.UNKNOWN, Intent.TEXT) or match_exact(message) is None):
        found = _with_mended_words(found, message, talk)
    found = _unless_doubtful(found, message, talk)
    found = _meant_of_talk(message, asked, found) if depth < HOW_OFTEN else found
    return _unless_close(found, message, asked, talk) if depth == 0 else found


def _mended(found: Question, asked: PreparedMessage, message: str) -> Question:
    """What was read, with the slots that the message shows elsewhere."""
    found = fill_talk(found, asked.plain, asked.lifted)
    if found.intent is Intent.INTERVENE and WITHOUT_WORD.search(asked.plain):
        found = replace(found, intent=Intent.USES, factor=None)
    found = with_whole_text(with_quoted_text(found, asked), message)
    return with_foil(found, asked)


def _unless_close(found: Question, message: str, asked: PreparedMessage, talk: _Talk) -> Question:
    """What was read; neither, and both are kept, where another request is as likely and both can be done."""
    rivals = find_rivals(message)
    unread = found.intent is Intent.UNKNOWN and found.maybe == message and talk.talks
    if rivals is None or not (unread or found.intent is rivals[0]) or found.then:
        return found
    one, other = (
        _mended(Question(**read_as(message, intent, talk.focus)), asked, message) for intent in rivals
    )
    both = (replace(one if unread else found, raw=message), replace(other, raw=message))
    offers = [offer(one) for one in both if talk.talks or one.text or one.intent in WITHOUT_TEXT]
    if len(set(offers)) < len(both) or None in offers or {one.intent for one in both} in ALIKE:
        return found
    return Question(Intent.UNKNOWN, either=both, maybe=found.maybe)


def _look_at_whole(
    message: str, asked: PreparedMessage, talk: _Talk, depth: int
) -> Iterator[Question | None]:
    """What a message is by its layout, its language, its parts, or a phrase about the conversation."""
    if depth < HOW_OFTEN:
        laid = find_layout(message)
        yield None if laid is None else _about_text(laid, talk, depth)
        english = say_in_english(message)
        yield None if english in (None, message) else _read(str(english), talk, HOW_OFTEN)
    yield _within_part(asked, talk, depth) if depth < HOW_OFTEN else None
    yield Question(Intent.FOREIGN) if asks_in_another_language(message) else None
    if depth < HOW_OFTEN:
        parts = part_requests(asked.plain, lambda piece: _fits(piece, talk))
        pieces = [asked.lifted.raw(asked.typed(*part)).strip(" ;,") for part in parts]
        yield _one_after_another(pieces, talk) if len(pieces) > 1 else None
    yield _speaks_of_talk(message, talk)
    yield _said_in_a_word(message, talk)
    yield _two_quotes(asked)
    yield _around_quote(asked, talk)


def _within_part(asked: PreparedMessage, talk: _Talk, depth: int) -> Question | None:
    """What is asked with only a part of the text looked at: “explain only the last 200 tokens”."""
    if (found := find_part(asked.plain)) is None:
        return None
    part, mark, (start, end) = found
    if mark:
        part = replace(part, piece=(asked.lifted.quoted(mark) or [""])[0])
    before, behind = asked.typed(0, start), asked.typed(end, len(asked.plain))
    if is_only_around(before) and is_only_around(behind):
        return Question(Intent.WHY, part=part)
    rest = f"{asked.lifted.raw(before)} {asked.lifted.raw(behind)}".strip(" ,;:.()")
    if rest.endswith("?"):
        rest = rest.rstrip(" ,;:?") + "?"
    read = _read(rest, replace(talk, talks=True), depth + 1)
    typed = read.intent is Intent.TEXT and read.text == rest  # what is left may be a text's own words
    return None if typed or read.intent not in OF_A_TEXT or read.maybe else replace(read, part=part)


def _said_in_a_word(message: str, talk: _Talk) -> Question | None:
    """“Dallas??” and “texas -> ohio” after an answer."""
    if not talk.talks:
        return None
    if (arrow := ARROW.fullmatch(message)) and not re.match(r"[sl]\d", arrow["group"], re.I):
        return Question(Intent.SWAP, group=arrow["group"].strip(QUOTES), other=arrow["other"].strip(QUOTES))
    if (alone := ALONE.fullmatch(message)) and not is_question_word(alone["foil"].casefold()):
        word, known = alone["foil"], {word.casefold() for word in talk.known}
        if word.casefold() not in known:
            return Question(Intent.WHY_NOT, foil=alone["foil"])
    return None


def _two_quotes(asked: PreparedMessage) -> Question | None:
    """Two quoted texts with “vs” between them are compared, whatever is said around."""
    found = compile_phrase(TWO_TEXTS).search(asked.plain)
    if found is None:
        return None
    one, two = (asked.lifted.quoted(asked.typed(*found.span(name)))[0] for name in ("text", "other"))
    long = min(len(one.split()), len(two.split())) > TWO_WORDS
    return Question(Intent.COMPARE, text=one, other=two) if long else None


def _meant_of_talk(message: str, asked: PreparedMessage, found: Question) -> Question:
    """What was read, or what the message means of the conversation where nothing was."""
    if found.intent not in (Intent.UNKNOWN, Intent.HELP) or found.text is not None:
        return found
    if len(message) > SHORT or "\n" in message.strip() or asked.lifted.parts:
        return found
    near = nearest_talk(mask_message(asked.plain, asked.lifted))
    return found if near is None else Question(near[0], other=near[1] or None)


def _one_after_another(pieces: list[str], talk: _Talk) -> Question:
    """The requests of a message; what follows a text is about it."""
    first = replace(_read(pieces[0], talk, HOW_OFTEN), raw=pieces[0])
    talk = replace(talk, talks=talk.talks or first.text is not None)
    others = [replace(_read(piece, talk, HOW_OFTEN), raw=piece) for piece in pieces[1:]]
    if first.intent is others[-1].intent is Intent.LENGTH:
        return others[-1]
    others = [one for one in others if replace(one, raw=first.raw) != first]  # one request in two sentences
    if others and first.intent is Intent.TEXT and others[0].text is None:
        first, *others = replace(others[0], text=first.text), *others[1:]
    return replace(first, then=tuple(others))


def _with_mended_words(found: Question, message: str, talk: _Talk) -> Question:
    """What is read with slips of the pen and shorthand mended, where nothing is read without."""
    mended = mend_words(message)
    if mended is None:
        return found
    again = _read(mended, talk, HOW_OFTEN)
    slots = (again.text, again.said, again.foil, again.group, again.other)
    kept = all(piece is None or piece.casefold() in message.casefold() for piece in slots)
    return again if kept and _fits(mended, talk) not in (None, Intent.UNKNOWN, Intent.TEXT) else found


def _around_quote(asked: PreparedMessage, talk: _Talk) -> Question | None:
    """A question about a layer or the like, beside the one text it quotes."""
    for frame in AROUND_QUOTE:
        if (found := compile_phrase(frame).fullmatch(asked.plain)) is not None:
            text = asked.lifted.quoted(asked.typed(*found.span("text")))
            spoken = _speaks_of_talk(asked.typed(*found.span("rest")), talk)
            if text and spoken is not None and spoken.intent in (Intent.CONCEPTS, Intent.LENGTH):
                return replace(spoken, text=text[0])
    return None


def _cued_quote(found: Question, asked: PreparedMessage, talk: _Talk) -> Question | None:
    """What is asked beside a quotation that is called a text, where it was not read as one."""
    inners = {part.inner for part in asked.lifted.parts.values() if part.inner is not None}
    if found.text in inners or found.intent not in OF_A_TEXT | {Intent.UNKNOWN, Intent.HELP}:
        return None
    cue = compile_phrase(CUE).search(asked.plain)
    text = asked.lifted.quoted(asked.typed(*cue.span("text"))) if cue is not None else []
    if cue is None or not text or len(text[0].split()) < TWO_WORDS:
        return None
    rest = asked.typed(0, cue.start()) + " " + asked.typed(cue.end(), len(asked.plain))
    read = _read(asked.lifted.raw(rest).strip(" ,;:"), replace(talk, talks=True), HOW_OFTEN)
    return replace(read, text=text[0], maybe=None) if read.intent in OF_A_TEXT else None


def _about_text(laid: Layout, talk: _Talk, depth: int) -> Question:
    """What is asked of a text that the layout tells."""
    if not laid.question.strip(" \n\t.,:;"):
        return Question(Intent.TEXT, text=laid.text, other=laid.other)
    asked = _read(laid.question, replace(talk, talks=True), depth + 1)
    asked = replace(
        asked, text=laid.text, maybe=None, said=asked.said or laid.said, foil=asked.foil or laid.foil
    )
    if laid.foil is not None and asked.intent in (Intent.WHY, Intent.TEXT, Intent.UNKNOWN, Intent.HELP):
        return replace(asked, intent=Intent.MISTAKE if laid.said else Intent.WHY_NOT)
    if laid.other is not None:
        return replace(asked, intent=Intent.COMPARE, other=laid.other)
    if asked.intent in (Intent.TEXT, Intent.UNKNOWN, Intent.HELP, Intent.LENGTH):
        why = bool(re.search(r"\bwhy\b|\bexplain\b|\?", laid.question, re.I)) or laid.said is not None
        return replace(asked, intent=Intent.WHY if why else Intent.TEXT)
    return asked


def _speaks_of_talk(message: str, talk: _Talk) -> Question | None:
    """A message about the conversation, how it is told, or a word of the method; None for anything else."""
    if len(message) > SHORT or "\n" in message.strip():
        return None
    asked = prepare_message(message)
    window = asked.strip_politeness(0, len(asked.plain))
    if OPEN_ENDED.search(asked.plain):
        return None
    for start, end in {(0, len(asked.plain.rstrip(" ?!.…"))), window}:
        for intent, phrases in _talk_phrases():
            for phrase in phrases:
                if found := phrase.fullmatch(asked.plain, start, end):
                    slots = {
                        name: asked.typed(*found.span(name))
                        for name, words in found.groupdict().items()
                        if words
                    }
                    if intent is Intent.UNDO and not talk.talks and slots:
                        continue
                    if asked.lifted.parts and intent is not Intent.METHOD and intent is not Intent.UNDO:
                        continue
                    return _spoken(intent, slots, asked.lifted.raw)
    return None


def _spoken(intent: Intent, slots: dict[str, str], raw: Any) -> Question:
    """The question that a phrase about the conversation is."""
    layer = int(slots["layer"]) if "layer" in slots else None
    group, other = slots.get("group"), slots.get("other")
    if group and AT_LAST.fullmatch(group.strip()):
        group = "last token"
    other = raw(other).strip(" \"'“”.,!?") if other else None
    if intent is Intent.LENGTH and not other:
        other = "simply"
    return Question(intent, group=group, other=other, layer=layer)


def _fits(piece: str, talk: _Talk) -> Intent | None:
    """What a piece of a message asks for, where a phrase fits it."""
    if (spoken := _speaks_of_talk(piece, talk)) is not None:
        return spoken.intent
    return match_exact(piece)


def _unless_doubtful(found: Question, message: str, talk: _Talk) -> Question:
    """What was read; where it may be a text or a request, neither, and both are kept."""
    whole = found.intent is Intent.TEXT and found.text == message
    if whole and not is_clear_text(message, talks=talk.talks, known=talk.known):
        guess = guess_intent(message)
        return Question(Intent.UNKNOWN, maybe=message, guess=SAMPLES.get(guess) if guess else None)
    if found.intent is Intent.UNKNOWN and is_pasted(message):
        return Question(Intent.TEXT, text=message)
    if found.intent is Intent.UNKNOWN:
        return replace(found, maybe=message if message.strip() else None)
    return found


@cache
def _talk_phrases() -> list[tuple[Intent, list[re.Pattern[str]]]]:
    return [(intent, [compile_phrase(phrase) for phrase in phrases]) for intent, phrases in TALK]
