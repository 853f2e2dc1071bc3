"""What a language model read a message as, checked against the message and what the conversation holds.

It may name an intent of the closed set; every slot must stand in the message or in the conversation, a text
byte for byte in the message. What does not hold to this is refused whole: `Misread` says why.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from agent.core import MAX_FACTOR, Intent
from agent.questions.clear_texts import is_clear_text
from agent.questions.layout import find_layout
from agent.questions.question import Question
from agent.questions.quoting import lift_quotes
from agent.questions.slot_tagger import TEXT_MARK, quote_shape

MOST = 4  # requests of a message
LONGEST = 200  # characters of a slot that is no text
SLOTS = ("said", "foil", "group", "other")
READ = [intent for intent in Intent if intent is not Intent.FOREIGN]
FACTORS = frozenset((0.0, 0.5, 2.0, 3.0, -1.0))  # what words such as "double" mean
OF_A_TEXT = frozenset(
    {Intent.WHY, Intent.WHY_NOT, Intent.MAKE, Intent.USES, Intent.WORDS, Intent.MISTAKE, Intent.PATH,
     Intent.CONCEPTS, Intent.LAYER, Intent.INTERVENE, Intent.SWAP, Intent.COMPARE, Intent.HOLDS, Intent.SURE,
     Intent.TEXT}
)  # fmt: skip
TOLD = {  # how the answer may be told, in the words of the closed set
    Intent.LENGTH: frozenset(("short", "simply", "detail", "table", "line")),
    Intent.STEER: frozenset(("controls", "plan", "thorough", "faster")),
}
NEEDS = {  # the slot without which nothing could be done
    **dict.fromkeys((Intent.MAKE, Intent.WHY_NOT), "foil"),
    **dict.fromkeys((Intent.SWAP, Intent.COMPARE, Intent.SEARCH), "other"),
}
POINTING = frozenset(["it", "this", "that", "these", "those", "them", "one", "here", "there"])
ENDS = frozenset(("last token", "last word", "the last token", "the last word"))
LANGUAGE = re.compile(r"[a-z]{2,3}")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
TWO_WORDS = 2


class Misread(Exception):
    """The proposed reading does not hold; the text is fit to show."""


class Known(NamedTuple):
    """What a conversation holds that a message may speak of."""

    texts: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()  # tokens, answers, groups, concepts, ids; folded
    talks: bool = False


def reading_shape() -> dict[str, Any]:
    """The JSON schema of a reading."""
    text = {"type": "string"}
    slots = dict.fromkeys(("text", *SLOTS), text)
    request = {
        "type": "object",
        "properties": {
            "intent": {"type": "string", "enum": [str(intent) for intent in READ]},
            **slots,
            "factor": {"type": "number"},
            "layer": {"type": "integer"},
        },
        "required": ["intent"],
        "additionalProperties": False,
    }
    requests = {"type": "array", "items": request, "minItems": 1, "maxItems": MOST}
    return {
        "type": "object",
        "properties": {"language": text, "requests": requests},
        "required": ["language", "requests"],
        "additionalProperties": False,
    }


def check_reading(given: Mapping[str, Any], message: str, known: Known) -> Question:
    """The question that a proposed reading is; raises Misread where it says what is not there."""
    listed = given.get("requests", [given] if "intent" in given else None)
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST:
        raise Misread("it is not in the form that was asked for")
    first, *others = [_request(one, message, known) for one in listed]
    language = given.get("language")
    told = language.casefold()[:3].strip("-_") if isinstance(language, str) else ""
    spoken = told if LANGUAGE.fullmatch(told) else None
    return Question(**{**first, "language": spoken}, raw=message, then=tuple(Question(**o) for o in others))


def _request(one: Any, message: str, known: Known) -> dict[str, Any]:
    """The slots of one request."""
    if not isinstance(one, dict) or one.get("intent") not in READ:
        raise Misread("it names no request that there is")
    intent = Intent(one["intent"])
    out: dict[str, Any] = {"intent": intent}
    for name in SLOTS:
        out[name] = _slot(one.get(name), name, intent, message, known)
    out["text"] = _text(one.get("text"), message, known) if intent in OF_A_TEXT else None
    out["layer"] = _layer(one.get("layer"), message)
    if intent in NEEDS and not out[NEEDS[intent]]:
        raise Misread("it does not say what the request is about")
    if intent is Intent.INTERVENE:
        out["factor"] = _factor(one.get("factor"), message)
    if intent is Intent.TEXT or (out["text"] or "").strip() == message.strip():
        out |= {"intent": Intent.TEXT, "text": _new_text(out["text"], message, known)}
    return out


def _text(value: Any, message: str, known: Known) -> str | None:
    """A text of the message, byte for byte as it stands there; one that is talked about needs no saying."""
    if not isinstance(value, str) or not value.strip():
        return None
    if value not in message and value.strip() not in message:
        if value in known.texts:
            return None if value == known.texts[0] else value
        raise Misread("it names a text that stands nowhere")
    marked = _marked(message)
    if (whole := _whole(value.strip(), marked)) is not None:
        return whole
    if len(value.split()) < TWO_WORDS:
        raise Misread("it takes a single word for a text")
    if any(value.strip() in each for each in marked):
        raise Misread("it cuts a quotation")
    if known.talks and not is_clear_text(value.strip(), talks=True):
        raise Misread("it takes for a text what may be a request")
    return value if value in message else value.strip()


def _marked(message: str) -> list[str]:
    """The texts that layout or quotation marks tell; a quoted word is a token."""
    laid = find_layout(message)
    marked = [laid.text, laid.other or ""] if laid is not None else []
    quoted = [part.inner for part in lift_quotes(message).parts.values() if part.inner]
    return [text for text in [*marked, *(each for each in quoted if quote_shape(each) == TEXT_MARK)] if text]


def _whole(value: str, marked: list[str]) -> str | None:
    """The marked text that a piece is, or is cut from by a word or two; with its blanks."""
    return next((whole for whole in marked if value in whole and len(value) > len(whole) / 2), None)


def _new_text(text: str | None, message: str, known: Known) -> str:
    """A text to trace: only what is plainly one."""
    if text is None:
        text = message
    if text.strip() != message.strip():
        return text
    if not is_clear_text(message, talks=known.talks, known=known.names):
        raise Misread("it takes for a text what may be a request")
    return message


def _slot(value: Any, name: str, intent: Intent, message: str, known: Known) -> str | None:
    """A word or name, as it is typed in the message or known in the conversation."""
    if not isinstance(value, str) or not (bare := value.strip(" \t\n\"'“”‘’«»`?!")):
        return None
    folded = bare.casefold()
    if name == "other" and folded in TOLD.get(intent, ()):
        return folded
    if folded in POINTING:
        return None
    if len(value) > LONGEST and name != "other":
        raise Misread(f"its {name} is too long")
    at = message.casefold().find(folded)
    if at >= 0 and message[at : at + len(bare)].casefold() == folded:
        return message[at : at + len(bare)]
    if folded in known.names or bare in known.texts or (name == "group" and folded in ENDS):
        return bare
    raise Misread(f"its {name} stands neither in the message nor in the conversation")


def _factor(value: Any, message: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    said = {float(number) for number in NUMBER.findall(message)}
    if not abs(value) <= MAX_FACTOR or not (
        value in FACTORS or abs(value) in said or abs(value) * 100 in said
    ):
        raise Misread("its factor stands nowhere")
    return float(value)


def _layer(value: Any, message: str) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if str(value) not in NUMBER.findall(message):
        raise Misread("its layer stands nowhere")
    return value
