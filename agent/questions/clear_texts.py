"""Whether a message is plainly a text to continue, or may be a request. Knows no intent.

A text that is traced changes what the conversation is about, so what may be a request is asked back.
"""

import re
from collections.abc import Collection

from agent.questions.layout import is_pasted
from agent.questions.patterns_fallback import UNFINISHED

_ORDERS = (
    r"explain|tell|show|give|make|put|get|go|undo|redo|save|export|download|load|open|close|reset|restore"
    r"|return|switch|change"
    r"|swap|replace|remove|delete|drop|kill|mute|scale|set|turn|test|check|try|compare|find|search|list"
    r"|draw|plot|trace|skip"
    r"|use|only|just|shorter|longer|simpler|more|less|again|same|next|back|stop|start|continue|repeat"
    r"|summari[sz]e|translate"
    r"|write|say|answer|do|don'?t|let'?s?|can|could|would|will|please|pls|plz|help|why|y|what|wat|whats"
    r"|how|hows|which|wich|who"
    r"|where|when|is|are|does|did|was|should|has|have|am|i|im|i'm|you|u|ok|okay|so|and|but|no|yes|hm+|oops"
    r"|thanks?|thx|hi|hello"
    r"|hey|sorry|wait|now|then|also|actually|maybe|forget|nevermind|never|read|run|look|see|ask|describe"
    r"|define|print|share|copy"
    r"|keep|hide|zoom|focus|ignore|disable|enable|increase|decrease|double|halve|cut|take|add|bring|move"
    r"|clear|cancel|prove"
    r"|rephrase|reword|clarify|elaborate|expand|rather|instead|without|with|in|as|about|for|and|auf|mach"
    r"|zeig|sag|bitte|dime"
)
ORDER = re.compile(rf"\W*(?:{_ORDERS})\b", re.I)
OF_THE_METHOD = re.compile(
    r"\b(?:groups?|super ?nodes?|features?|neurons?|layers?|tokens?|graphs?|circuits?|controls?|heads?"
    r"|logits?|[sc]\d+"
    r"|l\d+\.?n\d+|evidence|sentence \d|answers?|explanations?|the model|gemma|claims?|verdicts?|pls|plz"
    r"|please|imo|lol|btw"
    r"|this one|that one|the other one|asap|idk|u)\b",
    re.I,
)
CODE = re.compile(
    r"^\s*(?:import|from|def|class|for|while|if|return|select|#include|<\w|\{|\[|print\(|const|let|var"
    r"|public)\b|[{}<>;=]|\w\(",
    re.I,
)
ASKED = re.compile(
    r"\W*(?:(?:why|y|how come|explain)\b|(?:who|what|where|when|which|how)(?:'s)? "
    r"(?:should|can|do|does|did|would|could|will) (?:i|you|u|we|it)\b)",
    re.I,
)
ONLY_ORDERS = re.compile(
    r"\W*(?:why|y|what|how|which|explain|tell|show|give|undo|save|export|download|translate|please|pls"
    r"|summari[sz]e|can|could|would|help|does|did|do|compare|find|list|write|oops|thanks?)\b",
    re.I,
)
ENDS_WHOLE = re.compile(r"[.!?…][\"”')]?\s*$")
FEW = 3  # words; what has fewer is hardly a text


def is_clear_text(message: str, *, talks: bool, known: Collection[str] = ()) -> bool:
    """Whether a message that no phrase fits is a text and nothing else.

    `talks` says that a conversation is going on; `known` are words that it is about.
    """
    text = message.strip()
    if text.endswith("?") or not text:
        return False
    if is_pasted(message):
        return True
    words = text.split()
    asks = bool(ORDER.match(text))
    if UNFINISHED.search(text) and not (asks and len(words) < FEW + 1 and talks):
        return not ASKED.match(text)
    if CODE.search(text) and not OF_THE_METHOD.search(text) and not asks:
        return True
    if OF_THE_METHOD.search(text):
        return False
    if not talks:
        return not asks or (
            text[0].isupper()
            and len(words) > FEW
            and not ENDS_WHOLE.search(text)
            and not ONLY_ORDERS.match(text)
        )
    named = {word.casefold() for word in known}
    mentions = any(word.strip("“”\"'.,;:!?").casefold() in named for word in words)
    return (
        not asks and not mentions and len(words) >= FEW and text[0].isupper() and not ENDS_WHOLE.search(text)
    )
