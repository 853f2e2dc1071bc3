"""What a message asks for, in free English and without a language model. Knows no graph.

Quoted parts are lifted out (`agent.questions.quoting`), the first fitting phrase
(`agent.questions.patterns`) names the intent, and what fills its slots is put back as it was typed and
cleaned here.
"""

import re
from collections.abc import Mapping
from typing import Any

from agent.core import TYPED_ID, Intent as Intent
from agent.questions.amounts import find_change, read_factor
from agent.questions.intent_classifier import PLAIN, classify_message, mask_message
from agent.questions.pattern_dsl import compile_phrase
from agent.questions.patterns import compile_patterns
from agent.questions.patterns_fallback import (
    ASKS,
    FRAMES,
    ON_THE_SCREEN,
    POLITE_END,
    POLITE_START,
    TALK,
    UNFINISHED,
    compile_loose_patterns,
)
from agent.questions.quoting import ANY_MARK, LiftedMessage, lift_quotes
from agent.questions.slot_tagger import (
    SLOTS,
    TEXT_MARK,
    TOKEN_MARK,
    find_lone_word,
    is_question_word,
    split_words,
    tag_slots,
)
from agent.questions.span_detection import GROUPS, Spans

CODE = re.compile(r"[{}<>;=*]|\w\(")
ASKED_OF_A_TEXT = frozenset(
    {Intent.WHY, Intent.WHY_NOT, Intent.MAKE, Intent.USES, Intent.WORDS, Intent.MISTAKE}
)
_NUMBERS = ["one first", "two second", "three third", "four fourth", "five fifth", "six sixth"]
_NUMBERS += ["seven seventh", "eight eighth", "nine ninth", "ten tenth"]
ORDINALS = {word: str(n) for n, words in enumerate(_NUMBERS, 1) for word in words.split()}

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
RATHER = re.compile(
    r"(?:,\s*|\s+)\(?(?:(?:and|but)\s+)?(?:why\s+)?(?:rather than|instead of|as opposed to|in place of|not"
    r"|over|versus|vs\.?|compared (?:to|with))\s+(?:(?:with|by|in|saying|say)\s+)?",
    re.I,
)
PRONOUN = re.compile(
    r"(?:it|this|that|these|those|them|so|one|(?:some|any)thing(?: else| different)?|"
    r"(?:this|that|the) (?:one|text|sentence|prompt"
    r"|answer|model|word|token|(?:selected |pinned |clicked )?(?:group|supernode|node|feature|neuron"
    r"|circle|box|thing)s?)(?: (?:that )?(?:i|we)(?:'ve| have)? (?:just )?(?:clicked|selected|pinned|picked"
    r"|chose|chosen)(?: on)?)?|what it (?:said|says|did|does)|answer|word|token|prediction"
    r"|output)(?: one| here)?",
    re.I,
)
POINTED = re.compile(
    r"^(?:this|that) (?:group|node|feature|supernode|one)\b.|\b(?:for|of|in) (?:this|that) (?:group"
    r"|node|feature)$",
    re.I,
)
_LATER = r",? (?:instead|here|now|then|too|as well|also|next|though|at all|any ?more|in (?:this|that)"
_LATER += r" (?:text|case|sentence)|for (?:this|that)(?: text| answer)?|to (?:this|the) answer)$"
AROUND_TOKEN = re.compile(
    r"^(?:the|a|an) (?:word|token|answer|name|city|number) |^(?:that|with|by) |^(?:the|its) \w+ is "
    r"| as (?:the|its) (?:next )?(?:word|token|answer|continuation)$"
    r"|,? (?:surely|obviously|clearly|of course|because|right|isn't it|doesn't it|don't you agree)\b.*$|"
    + _LATER,
    re.I,
)
AROUND_GROUP = re.compile(
    r"^(?:the|this|that|a|an|its|all|of|on|at) |^(?:whatever|what|everything that"
    r"|anything that) (?:stands for"
    r"|represents|means|encodes|fires (?:for|on)|is about|carries|holds) |^(?:features|nodes|neurons"
    r"|members) (?:in|of) "
    r"|^(?:supernode|group|node|feature|neuron|word|token"
    r"|cluster|one)s? (?:called |named |labell?ed )?"
    r"| (?:group|node|feature|neuron|supernode|cluster|circle|box|token|word)s?$"
    r"| (?:completely|entirely|altogether|causally|actually|really)$"
    r"|^(?:effect|influence|strength|activation|power|weight)s? of | or (?:just|only|merely|is it"
    r"|does it|something)\b.*"
    r"|,? and (?:see|show|tell|look|then)\b.*| does what$|,? what (?:happens|changes)\b.*"
    r"| (?:change|affect|break|matter|alter|hurt)s?\b.*|" + _LATER,
    re.I,
)
AROUND_OTHER = re.compile(
    r"^(?:features?|neurons?|units?) (?:that |which )?(?:\w+ )?(?:about|on|for|with|to|of) "
    r"|^(?:the (?:one|group|features?|supernode|text)s? (?:from|of|in|for) |that of |the text )"
    r"|^(?:the )?(?:other|different|another|more|all|any|some|similar) |^by meaning:? |^the "
    r"| (?:group|supernode)$|,? (?:and )?(?:what|how|see|show|then|does)\b.*|" + _LATER,
    re.I,
)
AROUND = {"said": AROUND_TOKEN, "foil": AROUND_TOKEN, "group": AROUND_GROUP, "other": AROUND_OTHER}
MAIN = dict.fromkeys((Intent.USES, Intent.NODE, Intent.INTERVENE), "group")  # what these are about
MAIN |= {Intent.WHY_NOT: "foil", Intent.MAKE: "foil", Intent.SEARCH: "other"}
LEFT_OUT = re.compile(rf"\b(?:the|an?|of|{GROUPS})\b", re.I)
UNFILLED = frozenset({Intent.HELP, Intent.SURE, Intent.UNKNOWN})
CONCEPTUAL = frozenset({Intent.CONCEPTS, Intent.LAYER, Intent.LENGTH})
OF_THE_TALK = CONCEPTUAL | {Intent.UNDO, Intent.EXPORT, Intent.METHOD, Intent.STEER}
ORDERS = frozenset(
    {Intent.INTERVENE, Intent.SWAP, Intent.EVIDENCE, Intent.MISTAKE, Intent.SEARCH, Intent.PATH}
)
Slots = dict[str, str]
Fit = tuple[Intent, Slots]
Table = list[tuple[Intent, list[re.Pattern[str]]]]

# Set by hand on the neutral questions of tests/questions.yaml.
KNOWN, KNOWN_TELLING = 0.3, 0.5  # what is less likely is not understood
CERTAIN, DOUBTFUL = 0.93, 0.04  # a phrase that fits is passed over where another intent is surely meant
CERTAIN_ASIDE, CERTAIN_TEXT = 0.93, 0.8  # the same for what has nothing to do with the model, and for a text
UNFINISHED_PLAIN, TELLING_PLAIN, ASKING_PLAIN = 0.03, 0.3, 0.6  # how likely a text to continue must be


def classifier_input(message: str) -> tuple[str, str | None]:
    """What the classifier is shown: the masked message and whose phrase fits (~: one word gives it away)."""
    asked = PreparedMessage(message)
    exact = asked.fitting(compile_patterns())
    loose = None if exact else asked.fitting(compile_loose_patterns())
    return mask_message(asked.plain, asked.lifted), exact[0] if exact else f"~{loose[0]}" if loose else None


def match_exact(message: str) -> Intent | None:
    """Whose phrase fits a message, if one does."""
    found = PreparedMessage(message).fitting(compile_patterns())
    return found[0] if found else None


def guess_intent(message: str) -> Intent | None:
    """The likeliest request that a message could be, by its meaning."""
    asked = PreparedMessage(message)
    odds = classify_message(mask_message(asked.plain, asked.lifted), None)
    odds.pop(PLAIN, None)
    return Intent(max(odds, key=lambda name: odds[name])) if odds else None


def read_as(message: str, intent: Intent, focus: Mapping[str, Any] | None) -> dict[str, Any]:
    """A message read as one request that it may be, as `Question` has it."""
    asked = PreparedMessage(message)
    loose = asked.fitting(compile_loose_patterns())
    slots = loose[1] if loose is not None and loose[0] is intent else {}
    filled = _completed(intent, slots, asked, certain=False)
    return {"intent": intent, **_cleaned(intent, filled, asked.lifted, focus)}


def weigh_meanings(message: str) -> dict[str, float]:
    """How likely each request is by the meaning of a message, with the phrases that fit it loosely."""
    return classify_message(*classifier_input(message))


def prepare_message(message: str) -> "PreparedMessage":
    """A message ready to match."""
    return PreparedMessage(message)


def read_request(message: str, has_graph: bool, focus: Mapping[str, Any] | None) -> dict[str, Any]:
    """One request in English: its intent and slots, as `Question` has them."""
    if not message.strip():
        return {"intent": Intent.UNKNOWN}
    if set(message.strip()) == {"?"}:
        return {"intent": Intent.HELP}
    asked = PreparedMessage(message)
    exact, loose = asked.fitting(compile_patterns()), None
    if exact is None or _rather_a_text(exact[0], asked, has_graph):
        exact, loose = None, asked.fitting(compile_loose_patterns())
    intent = _meant(asked, exact, loose, has_graph)
    if intent is None:
        return {"intent": Intent.TEXT, "text": message}  # blanks and line ends are part of it
    fit = exact or loose
    slots = fit[1] if fit is not None and fit[0] is intent else {}
    filled = _completed(intent, slots, asked, certain=fit is exact)
    return {"intent": intent, **_cleaned(intent, filled, asked.lifted, focus)}


def _completed(intent: Intent, slots: Slots, asked: "PreparedMessage", *, certain: bool) -> Slots:
    """The slots of a phrase, and where it has none or took in too much, those the words suggest."""
    if intent in UNFILLED | OF_THE_TALK or (slots and intent is Intent.TEXT):
        return slots
    found = tag_slots(asked.plain, asked.lifted, intent)
    guess = {name: asked.typed(*place) for name, place in found.items()}
    if intent is Intent.TEXT and (text := Spans(asked.plain, asked.lifted).text):
        return {"text": asked.typed(*text)}
    if intent is Intent.INTERVENE and "verb" not in slots:
        guess |= find_change(asked.plain)
    main = MAIN.get(intent, "")
    if main and main not in found and (place := find_lone_word(asked.plain, asked.lifted, found.get("text"))):
        guess[main] = asked.typed(*place)
    kept = {name: piece for name, piece in slots.items() if certain and _clean(name, piece, asked.lifted)}
    if slots and len(kept) == len(slots):
        wanted = ("text", "said") if intent is Intent.MISTAKE else ("text",)
        guess = {
            n: p
            for n, p in guess.items()
            if n in wanted and not any(p in piece or p.startswith(piece + "'s ") for piece in kept.values())
        }
    return {**guess, **kept}


def _clean(name: str, piece: str, lifted: LiftedMessage) -> bool:
    """Whether a phrase put no more into a slot than belongs there: no word that questions are made of."""
    alone = piece.strip()
    if name not in SLOTS or PRONOUN.fullmatch(alone) or POINTED.search(alone):
        return True
    if name == "text":
        return bool(re.search(ANY_MARK, piece) or UNFINISHED.search(alone)) or alone[-1:] in "+-*/=<([{,:"
    parts = RATHER.split(alone, maxsplit=1) if name == "said" else [alone]
    bare = " ".join(AROUND[name].sub("", part) for part in parts)
    words = [word.seen for word in split_words(LEFT_OUT.sub(" ", bare), lifted)]
    if TEXT_MARK in words:
        return name == "other" and len(words) == 1
    return len(words) == 1 or (
        words.count(TOKEN_MARK) <= len(parts) and not any(is_question_word(word) for word in words)
    )


def _meant(asked: "PreparedMessage", exact: Fit | None, loose: Fit | None, has_graph: bool) -> Intent | None:
    """The intent, or None for a text that asks nothing and is to be continued."""
    phrase = exact[0] if exact else f"~{loose[0]}" if loose else None
    odds = classify_message(mask_message(asked.plain, asked.lifted), phrase)
    plain = odds.pop(PLAIN, 0.0)
    best = max(odds, key=lambda name: odds[name], default=None)
    asks = bool(compile_phrase(TALK).fullmatch(asked.plain)) or asked.plain.endswith(("?", "? "))
    if exact is not None:
        asks = asks or bool(asked.lifted.parts) or (has_graph and exact[0] is Intent.SWAP)
        if has_graph and best == Intent.UNKNOWN and exact[0] is Intent.USES:
            return exact[0]
        return _overrule_phrase(exact[0], asked, odds, None if asks else plain)
    ends = UNFINISHED.search(asked.plain)
    unfinished = ends and not ASKS.match(asked.plain) and "? " not in asked.plain
    if best is None:
        return None if ends or not asks else loose[0] if loose else Intent.UNKNOWN
    if plain > (UNFINISHED_PLAIN if unfinished else ASKING_PLAIN if asks else TELLING_PLAIN):
        return None
    if best == Intent.UNKNOWN and (ends or not (asks or odds[best] > CERTAIN_ASIDE)):
        return None
    if odds[best] < (KNOWN if asks or asked.lifted.parts else KNOWN_TELLING):
        return Intent.UNKNOWN if not ends and (asks or asked.lifted.parts) else None
    if best in OF_THE_TALK and ((unfinished and not has_graph) or CODE.search(asked.plain)):
        return None  # “import numpy as” is no request for a file
    sure = has_graph and odds[best] > CERTAIN_ASIDE
    return None if not (asks or sure) and _rather_a_text(Intent(best), asked, has_graph) else Intent(best)


def _overrule_phrase(
    phrase: Intent, asked: "PreparedMessage", odds: dict[str, float], plain: float | None
) -> Intent | None:
    """The intent of the phrase that fits, unless something else is surely meant; `plain`: maybe a text."""
    if not odds or phrase in CONCEPTUAL:
        return phrase
    best, own = max(odds, key=lambda name: odds[name]), odds.get(phrase, 0.0)
    if plain is not None and plain > CERTAIN_TEXT and own < 1 - CERTAIN_TEXT:
        return None
    if phrase is Intent.PATH and best not in OF_THE_TALK:
        return phrase
    loosely = phrase is Intent.TEXT and not asked.lifted.parts
    needed = CERTAIN_ASIDE if best == Intent.UNKNOWN else CERTAIN_TEXT if loosely else CERTAIN
    return Intent(best) if odds[best] > needed and own < DOUBTFUL else phrase


def _rather_a_text(intent: Intent, asked: "PreparedMessage", has_graph: bool) -> bool:
    """Whether what looks like an order is a text to continue, such as "Remove the lid from the"."""
    if intent in ORDERS and UNFINISHED.search(asked.plain) and not ASKS.match(asked.plain):
        return True
    if has_graph or asked.lifted.parts or intent not in {Intent.INTERVENE, Intent.SWAP}:
        return False
    return not ON_THE_SCREEN.search(asked.plain)


class PreparedMessage:
    """A message ready to match: any white space is one space, so no phrase can backtrack over it."""

    def __init__(self, message: str) -> None:
        self.lifted = lift_quotes(message)
        tame = CONTROL.sub(" ", self.lifted.rest).replace("’", "'")
        kept = [at for at in range(len(tame)) if at == 0 or not tame[at - 1 : at + 1].isspace()]
        self.plain = "".join(" " if tame[at].isspace() else tame[at] for at in kept)
        self._typed_at = [*kept, len(tame)]

    def strip_politeness(self, start: int, end: int) -> tuple[int, int]:
        """The window without "please" and "can you tell me", and what ends a sentence."""
        for _ in range(5):
            if polite := compile_phrase(POLITE_START).match(self.plain, start, end):
                start = polite.end()
            if polite := compile_phrase(f"{POLITE_END}$").search(self.plain, start, end):
                end = polite.start()
        return start, end

    def fitting(self, phrases: Table) -> Fit | None:
        """The first phrase that fits the message, or the question in it."""
        window = self.strip_politeness(0, len(self.plain))
        return self.framed(*window, phrases) or self.matched(*window, phrases)

    def framed(self, start: int, end: int, phrases: Table) -> tuple[Intent, Slots] | None:
        """A question that stands beside its text: "in 'T', why …", "why … after 'T'"."""
        for frame in FRAMES:
            around = compile_phrase(frame).fullmatch(self.plain, start, end)
            if around is None:
                continue
            match = self.matched(*self.strip_politeness(*around.span("rest")), phrases)
            if match is not None and match[0] in ASKED_OF_A_TEXT and "text" not in match[1]:
                return match[0], {**match[1], "text": self._piece(around, "text")}
        return None

    def matched(self, start: int, end: int, phrases: Table) -> tuple[Intent, Slots] | None:
        """The first phrase that fits the window."""
        for intent, patterns in phrases:
            for pattern in patterns:
                if found := pattern.fullmatch(self.plain, start, end):
                    filled = [name for name, words in found.groupdict().items() if words]
                    return intent, {name: self._piece(found, name) for name in filled}
        return None

    def _piece(self, found: re.Match[str], name: str) -> str:
        return self.typed(*found.span(name))

    def typed(self, start: int, end: int) -> str:
        """A piece of `plain` as it was typed."""
        return self.lifted.rest[self._typed_at[start] : self._typed_at[end]]


def _cleaned(
    intent: Intent, slots: Slots, lifted: LiftedMessage, focus: Mapping[str, Any] | None
) -> dict[str, str | float | None]:
    """The slots as Question has them."""
    found: dict[str, str | float | None] = {}
    if "text" in slots:
        found["text"] = _text(slots["text"], lifted)
    if "said" in slots:
        said, *rest = RATHER.split(slots["said"], maxsplit=1)
        found["said"] = _token(said, lifted)
        if rest:
            found["foil"] = _token(rest[0], lifted)
    if "foil" in slots:
        found["foil"] = _token(slots["foil"], lifted)
    if "group" in slots:
        found["group"] = _group(slots["group"], lifted, focus)
    if intent is Intent.INTERVENE:
        found["factor"] = read_factor(slots)
    if "other" in slots:
        found["other"] = _other(intent, slots["other"], lifted)
    if "at" in slots:  # with its place where the text says the word twice: “the” (T7)
        found |= {"at": " ".join([*lifted.quoted(slots["at"]), *slots["at"].split()[1:]]), "concept": True}
    return found


def _words(piece: str, lifted: LiftedMessage, around: re.Pattern[str]) -> str | None:
    """What is quoted in a piece if hardly more stands there, else the piece without `around`."""
    quoted = lifted.quoted(piece)
    if len(quoted) == 1 and len(piece.split()) <= 4:
        return quoted[0]
    before = None
    while before != piece:
        before, piece = piece, around.sub("", piece.strip(" \n\t,;:.!?()"))
    return lifted.raw(piece) or None


def _text(piece: str, lifted: LiftedMessage) -> str | None:
    quoted = lifted.quoted(piece)
    if len(quoted) == 1 and len(piece.split()) <= 4:
        return quoted[0]
    return None if PRONOUN.fullmatch(piece.strip()) else lifted.raw(piece).strip()


def _token(piece: str, lifted: LiftedMessage) -> str | None:
    words = _words(piece, lifted, AROUND_TOKEN)
    points = words is not None and PRONOUN.fullmatch(words) and words not in ("one", *lifted.quoted(piece))
    return None if points else words


def _group(piece: str, lifted: LiftedMessage, focus: Mapping[str, Any] | None) -> str | None:
    if PRONOUN.fullmatch(piece.strip()) or POINTED.search(piece.strip()):
        return str(focus["id"]) if focus and "id" in focus else None
    words = _words(piece, lifted, AROUND_GROUP)
    return words.upper() if words is not None and TYPED_ID.fullmatch(words) else words


def _other(intent: Intent, piece: str, lifted: LiftedMessage) -> str | None:
    if intent is Intent.EVIDENCE:
        word = re.sub(r"^(?:#|no\.? |number )|(?<=\d)(?:st|nd|rd|th)$", "", piece.lower())
        return ORDINALS.get(word, word).upper()
    if intent is Intent.COMPARE:
        return _text(piece, lifted)
    return _words(piece, lifted, AROUND_OTHER)
