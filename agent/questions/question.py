"""What a message was read as: the value that the reader makes and everybody else looks at. No behaviour."""

from dataclasses import dataclass

from agent.core import Intent
from agent.questions.parts_of_text import PartOfText

__all__ = ["EXAMPLES", "Question"]

EXAMPLES = (
    "Why does 'Texas, whose capital is' continue with Austin rather than Houston?",
    "What happens if you remove the Texas group?",
    "Does this hold for other states?",
)


@dataclass(frozen=True, slots=True)
class Question:
    """An intent and its slots; a slot is None where the message does not fill it.

    text    the text to explain, byte for byte      said   the token the model is said to say
    foil    the token it is asked to have said      group  a supernode, node, word or start of a path
    factor  what to multiply a group's activation by (0 removes it)
    at      the word at which a concept is exchanged      concept  whether `group` is surely a concept
    other   what is compared, swapped in, generalised to, searched for, or the sentence's number
    layer   the layer that is asked about, or the first of several      up_to  the last of several
    maybe   a text that the message could be, where it is not clear that it is one
    guess   the request that the message could be, as it would be understood
    part    of a long text, what is to be looked at
    either  two readings that are as likely: neither is done before it is said which
    language  of the message, where a language model read it: de, fr …
    then    the further requests of the same message, in order
    """

    intent: Intent
    text: str | None = None
    said: str | None = None
    foil: str | None = None
    group: str | None = None
    factor: float | None = None
    other: str | None = None
    at: str | None = None
    concept: bool = False
    raw: str = ""
    layer: int | None = None
    up_to: int | None = None
    maybe: str | None = None
    guess: str | None = None
    part: PartOfText | None = None
    either: tuple["Question", ...] = ()
    language: str | None = None
    then: tuple["Question", ...] = ()
