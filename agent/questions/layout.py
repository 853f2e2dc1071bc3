"""Where a text stands in a message by its layout: fences, labels, lines, chats. Knows no intent.

What is found is kept byte for byte; what is left is the question, which is read on its own.
"""

import re

from agent.questions.announced import (
    ASK_WORDS,
    TWO_WORDS,
    Layout,
    asks,
    find_introduced,
    find_unmarked,
    quotes_lines,
    without_marks,
)
from agent.questions.quoting import CLOSING, lift_quotes

MOST = 20_000  # characters of a message whose layout is looked at
_ROLES = r"(?:user|human|system|assistant|ai|bot|model|chatbot|gpt|customer|agent|me|you|q|a|question|answer)"
ROLE = re.compile(rf"^[ \t]*(?:\*\*|#+ ?|\[)?({_ROLES})(?:\*\*|\])?[ \t]*:", re.I | re.M)
TEMPLATE = re.compile(r"\s*(?:<start_of_turn>|<\|[a-z_]+\|>|\[INST\]|<s>|<bos>|<\|im_start\|>)")
FENCE = re.compile(r"(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<inner>.*?)\n?[ \t]*(?P=mark)", re.S)
LABEL = re.compile(
    r"(?:^|(?<=[.?!…”\"'`»)] )|(?<=\n))[ \t]*(?:the |my |this |here is (?:the|my) |here's (?:the|my) )?"
    r"(?:(?:next|new|second|third|other|last) )?(?P<name>text|prompt|input|sentence|phrase|context|trace"
    r"|traced? text|texte|texto|satz|文本)(?: (?:is|would be|reads|goes))?[ \t]?(?:[:：]"
    r"|=(?!=))[ \t]*",
    re.I,
)
SAID_LABEL = re.compile(
    r"\n[ \t]*(?:model )?(?:answer|output|said|says|response|completion|result|token"
    r"|next (?:word|token))[ \t]*[:=][ \t]*(.+)",
    re.I,
)
FIRST_OF_TWO = re.compile(
    r"^[ \t]*\(?(?:A|1|text 1|first)[).:]+[ \t]*(?P<one>.+?)\n+[ \t]*\(?(?:B|2|text 2|second)[).:]+"
    r"[ \t]*(?P<two>[^\n]+)",
    re.I | re.M,
)
POINTER = re.compile(r"^\s*(?:\^+|↑+)\s*")
_ASK_OF = (
    r"(?:why|y|how come|how|what|what's|whats|which|wich|where|does|did|is|are|explain (?:why|how|what)"
    r"|warum|wieso|por qu[eé]|pourquoi|为什么)"
)
COLON = re.compile(
    rf"(?P<ask>\s*(?:(?:hi|hey|hello|so|ok|please)[, ]+)?{_ASK_OF}\b[^\n]*?)\s?:\s+(?P<text>\S.*)",
    re.I | re.S,
)
ORDER_COLON = re.compile(  # “replace butter by oil in: She melted the butter in a hot”
    r"(?P<ask>\s*(?:(?:hi|hey|hello|so|ok|please|now|can you|could you)[, ]+)*(?:replace|swap|exchange"
    r"|change|substitute|remove|delete|drop|take out|highlight|rank|trace|follow|walk"
    r"|(?:show|explain|list|compare|give)\b.{1,30}\b(?:words?|tokens?|paths?|circuits?|concepts?))\b[^\n:]*?),?"
    r" (?:in|for|on|of|with|at|after|here|given)(?: (?:the|this|my))?(?: following| next| new)?"
    r"(?: (?:text|sentence|prompt|phrase|example|one))?\s?:\s+(?P<text>\S.*)",
    re.I | re.S,
)
ARROWED = re.compile(  # a text, what was said, and maybe what is right
    r"(?P<text>\S+(?: \S+)+?) ?(?:->|-->|=>|→) ?(?P<said>[\w'’-]+|[\"“‘'][^\"”’']+[\"”’'])"
    r"(?:[\s(,;.–-]+(?:but |no,? |and )*(?:it's|it is|should be|correct is|right is|right:|correct:|expected)"
    r" (?P<foil>[\w'’-]+)\)?)?[.!?]*\s*",
    re.I,
)
TAIL = re.compile(
    rf"(?P<text>.+?)(?P<stop>[.?!…]|\.\.\.)[ \n]+(?P<ask>(?:and |so |but )?{ASK_WORDS}\b[^.!]*\?)\s*",
    re.I | re.S,
)
FORMULA = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)?(?: ?[-+*/x×÷^%−] ?\d+(?:[.,]\d+)?)+ ?=(?!=)")
ACROSS = re.compile(  # one question with a text of several lines in its middle
    r"\s*(?:why|how come|explain why) (?:do|does|did|would|will|is|are|must|should)\b[^\n]*[^\n?.!]\n.*"
    r"(?:\s|[\"'”’`] )(?:continue|say|end|go on|finish|complete|answer|predict|give|output)s?\b[^\n]*",
    re.I | re.S,
)
FORM_LINE = re.compile(
    r"[ \t]*(?:(?P<text>text|prompt|input|sentence|context)|(?P<said>actual|got|answer"
    r"|output|said|says|response|completion|result|token|prediction)"
    r"|(?P<foil>expected|wanted|correct|should be|should say|right answer|want|desired))"
    r"(?: answer| output| result)?[ \t]*[:=][ \t]*(?P<value>\S.*)",
    re.I,
)
FORM_WORDS = re.compile(
    r"\W*(?:with |for |given )?(?:my |the )?(?:text|prompt|input|sentence)(?: is| was)? ?[:=]? ?"
    r"(?P<text>Q)[,;.]? "
    r"(?:and |but )?(?:the |its )?(?:result|output|answer|completion|actual|got|response|said|prediction)"
    r"(?: is| was)? ?[:=]? ?(?P<said>Q|\S+)[.,;]? ?(?P<rest>.*)",
    re.I | re.S,
)
FENCES = 8  # marks of a message; more are no pair of fences
SHORT_ASK = 80  # characters of what is asked beside a form
SENTENCE = 600  # characters of a message that holds a sum
CONTINUED = re.compile(r"[\w,;:=(\[{<+\-*/\"'–—]\s*$")  # how a text ends that goes on


def find_layout(message: str) -> Layout | None:
    """The text of a message that is laid out around one; None where nothing but words tells it."""
    if len(message) > MOST or not message.strip():
        return None
    by_lines = [] if ACROSS.fullmatch(message) else [_asked_before, _asked_after, _after_colon]
    in_words = (find_introduced, _labelled, find_unmarked)
    for look in (_chat, _fenced, _two, _form, *in_words, *by_lines, _formula):
        if (found := look(message)) is not None:
            return found
    return None


def is_pasted(message: str) -> bool:
    """Whether several lines were pasted, none of which asks anything."""
    lines = [line for line in message.strip("\n").split("\n") if line.strip()]
    return len(lines) > 1 and not any(asks(line) for line in lines)


def _chat(message: str) -> Layout | None:
    """A chat transcript stays whole, with its roles; a question behind it is parted."""
    if TEMPLATE.match(message):
        return Layout(message, "")
    roles = [found[1].casefold() for found in ROLE.finditer(message)]
    first = ROLE.match(message.lstrip("\n"))
    if first is None or len(set(roles)) < TWO_WORDS or "\n" not in message.strip():
        return None
    if set(roles) == {"a", "b"}:
        return None
    head, _, last = message.rstrip().rpartition("\n")
    if (
        head
        and not ROLE.match(last)
        and asks(last)
        and re.search(r"\b(?:it|model|say|says|said|not)\b", last, re.I)
    ):
        return Layout(head.rstrip("\n"), last)
    return Layout(message, "")


def _fenced(message: str) -> Layout | None:
    if not 1 < message.count("```") + message.count("~~~") <= FENCES:
        return None
    found = list(FENCE.finditer(message))
    if not found or len(found) > TWO_WORDS:
        return None
    inners = []
    for one in found:
        info = one["info"].strip()
        kept = (
            one["inner"]
            if not info or re.fullmatch(r"[\w+#.-]{1,20}", info)
            else f"{one['info']}\n{one['inner']}"
        )
        inners.append(kept)
    rest = FENCE.sub(" ", message).strip()
    return Layout(inners[0], rest, inners[1] if len(inners) > 1 else None)


def _two(message: str) -> Layout | None:
    """Two texts that are called A and B, or 1 and 2."""
    found = FIRST_OF_TWO.search(message)
    if found is None:
        return None
    rest = f"{message[: found.start()]} {message[found.end() :]}".strip()
    return Layout(without_marks(found["one"]), rest or "compare these two", without_marks(found["two"]))


def _labelled(message: str) -> Layout | None:
    """“Text: …”, at the beginning of a line or behind a sentence."""
    found = next((one for one in LABEL.finditer(message) if message[one.end() :].strip()), None)
    if found is None:
        return None
    before, after = message[: found.start()].strip(), message[found.end() :]
    if before and not (asks(before) or before[-1] in "?.!…:"):
        return None
    said = None
    if told := SAID_LABEL.search(after):
        said, after = without_marks(told[1].strip()), after[: told.start()] + after[told.end() :]
    text, behind = _part_behind(after.lstrip("\n"))
    question = " ".join(part for part in (before, behind.strip()) if part)
    if found["name"].casefold() == "trace" and before:
        return None
    return Layout(text, question, None, said)


def _form(message: str) -> Layout | None:
    """A text and its tokens in lines such as “expected: …”, or “prompt = '…' result = '…'” in one."""
    lines = [line for line in message.split("\n") if line.strip()]
    found = [FORM_LINE.fullmatch(line) for line in lines]
    named = {
        str(one.lastgroup and next(k for k in ("text", "said", "foil") if one[k])): one
        for one in found
        if one
    }
    rest = " ".join(line.strip() for line, one in zip(lines, found, strict=True) if one is None)
    if "text" in named and len(named) > 1 and sum(map(bool, found)) == len(named):
        kept = {
            name: without_marks(one["value"].strip() if name != "text" else one["value"])
            for name, one in named.items()
        }
        if len(rest) <= SHORT_ASK:
            question = rest or "why does it say that"
            return Layout(kept["text"], question, None, kept.get("said"), kept.get("foil"))
    lifted = lift_quotes(message)
    plain = "".join("Q" if char in lifted.parts else "q" if char == "Q" else char for char in lifted.rest)
    told = FORM_WORDS.fullmatch(plain)
    if told is None or len(plain) != len(lifted.rest):
        return None
    text = lifted.quoted(lifted.rest[slice(*told.span("text"))])
    said = lifted.rest[slice(*told.span("said"))]
    if not text or len(text[0].split()) < TWO_WORDS:
        return None
    asked = lifted.raw(lifted.rest[told.start("rest") :]).strip() or "why"
    return Layout(text[0], asked, None, (lifted.quoted(said) or [said])[0])


def _part_behind(after: str) -> tuple[str, str]:
    """A labelled text and the question behind it."""
    closing = CLOSING.get(after[:1], "`" if after[:1] == "`" else "")
    ends = [
        at for at, char in enumerate(after[1:], 1) if char in closing and not after[at + 1 : at + 2].isalnum()
    ]
    if closing and ends:
        return after[1 : ends[0]], after[ends[0] + 1 :]
    lines = after.rstrip("\n").split("\n") if "\n" in after.strip() else [after]
    for at in range(1, len(lines)):
        if asks(lines[at]):
            return "\n".join(lines[:at]).rstrip("\n"), "\n".join(lines[at:])
    if tail := TAIL.fullmatch(after):
        text = tail["text"]
        return (text if CONTINUED.search(text) else text + tail["stop"]), tail["ask"]
    return after, ""


def _asked_before(message: str) -> Layout | None:
    """A question, then the text in lines of its own."""
    if quotes_lines(message):
        return None
    ask, gap, text = message.partition("\n")
    if not gap or not text.strip() or not asks(ask) or ask.rstrip()[-1:] not in ":?.!":
        return None
    text = text.lstrip("\n")
    if any(asks(line) for line in text.split("\n") if line.strip()) or len(text.split()) < TWO_WORDS:
        return None
    return Layout(without_marks(text), ask.rstrip().rstrip(":"))


def _asked_after(message: str) -> Layout | None:
    """The text, then a question in the last line."""
    text, gap, ask = message.rstrip().rpartition("\n")
    if quotes_lines(message) or not gap or not text.strip():
        return None
    pointed = bool(POINTER.match(ask))
    if not pointed and (not asks(ask) or any(asks(line) for line in text.split("\n") if line.strip())):
        return None
    text = text.rstrip("\n") if text.endswith("\n") else text
    if all(line.startswith(">") for line in text.split("\n") if line):  # quoted as in mail
        text = re.sub(r"^> ?", "", text, flags=re.M)
    said = SAID_LABEL.search(text)
    if said is not None:
        return Layout(text[: said.start()], POINTER.sub("", ask), None, without_marks(said[1].strip()))
    return Layout(without_marks(text.lstrip("\n")), POINTER.sub("", ask))


def _after_colon(message: str) -> Layout | None:
    """A question, a colon, and an unquoted text that reaches to the end."""
    found = COLON.fullmatch(message) or ORDER_COLON.fullmatch(message)
    if found is None:
        return None
    ask, text = found["ask"], found["text"]
    quoted = CLOSING.get(text[0], "`" if text[0] == "`" else "")
    if quoted and any(char in quoted for char in text[1:]):
        return None  # what is quoted is found by its marks
    if len(text.split()) < TWO_WORDS or asks(text) or re.search(r"[\"“«`]\S", ask.rpartition(" ")[2]):
        return None
    if len([char for char in ask if char in '"“”«»`']) % 2 or _is_quoted(message, found.end("ask")):
        return None  # the colon stands within a quotation
    ask = re.sub(r"[,;]? (?:here|for|in|after|this|with)$", "", ask)
    if told := ARROWED.fullmatch(text):
        return Layout(
            told["text"], ask, None, without_marks(told["said"]), told["foil"] and without_marks(told["foil"])
        )
    return Layout(text, ask)


def _formula(message: str) -> Layout | None:
    """An unquoted sum in a sentence about it."""
    found = FORMULA.search(message) if len(message) <= SENTENCE else None
    if found is None or not re.search(r"[a-z]{2}", message.replace(found[0], ""), re.I):
        return None
    if re.search(r"[\"“«`']\S", message):
        return None
    if found.end() == len(message.rstrip()) and not asks(message):
        return None
    rest = f"{message[: found.start()]}it{message[found.end() :]}"
    return Layout(found[0], re.sub(r"\b(?:it gets|gets) it\b", "it gets it", rest))


def _is_quoted(message: str, at: int) -> bool:
    """Whether a place of the message lies within a quotation."""
    parts = (part.raw for part in lift_quotes(message).parts.values() if part.inner is not None)
    begins = ((message.find(raw), len(raw)) for raw in parts)
    return any(0 <= begin <= at < begin + length for begin, length in begins)
