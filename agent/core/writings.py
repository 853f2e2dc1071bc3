"""What the subject wrote, kept with the conversation: plain JSON of tokens in their places. No behaviour.

Tokens stand as the model has them, one after the other; what was given comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired

from typing_extensions import TypedDict  # as in state

from agent.core.state import Message
from agent.core.text_format import escape_md

USUAL_TOKENS, MOST_TOKENS = 40, 1000  # that one request asks for, and may ask for


class WrittenToken(TypedDict):
    """One token in its place."""

    text: str
    id: int
    start: int | None  # where it begins in the text; None where a text cannot end before it
    p: float | None  # None: not read
    likeliest: list[tuple[str, float]]


class Writing(TypedDict):
    """Tokens that were given, and those the model wrote behind them."""

    id: str  # W1
    text: str
    tokens: list[WrittenToken]
    given: int  # tokens that were given
    shown: int  # the first token that earlier writings have not shown
    template: list[int]  # positions of the chat template's own tokens
    roles: list[tuple[str, int, int]]  # role, first token, the one behind its last
    messages: list[dict[str, str]] | None  # role, content; None: a text, no conversation
    pen: dict[str, Any]
    ended: str  # end, length, stop, stopped
    notes: list[str]
    change: NotRequired["WritingChange"]


class WritingChange(TypedDict):
    """What was changed, in words; where it was held; what is written without it."""

    words: str
    where: str
    plain: Writing


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What to write, and how; without a text what was written or explained last is gone on with.

    chat    whether the text is a message; None: where the model has a chat template
    change  a group, features or a concept to change while it writes; factor, other: how
    hold    "all": changed as long as it writes; "text": only where the text stands
    """

    text: str = ""
    chat: bool | None = None
    system: str | None = None
    tokens: int = USUAL_TOKENS
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    change: str | None = None
    factor: float = 0.0
    other: str | None = None
    hold: str = "all"


def list_writings(history: Sequence[Message]) -> list[Writing]:
    """All writings of a conversation, oldest first; where something was changed also the one without it."""
    found: list[Any] = []
    for message in history:
        if writing := message.get("writing"):
            found += [writing["change"]["plain"], writing] if writing.get("change") else [writing]
    return found


def text_before(writing: Writing, position: int) -> str | None:
    """The text up to a token; None where a text cannot end there."""
    start = writing["tokens"][position]["start"]
    return None if start is None else writing["text"][:start]


def written_part(writing: Writing) -> str:
    """The text of what the model wrote itself."""
    given = next((t["start"] for t in writing["tokens"][writing["given"] :] if t["start"] is not None), None)
    return "" if given is None else writing["text"][given:]


def find_parting(writing: Writing) -> int | None:
    """The place of the first token that is another one without the change; None where none is."""
    plain = writing["change"]["plain"]["tokens"]
    pairs = zip(writing["tokens"], plain, strict=False)
    parted = next((i for i, (one, other) in enumerate(pairs) if one["id"] != other["id"]), None)
    if parted is None and len(plain) != len(writing["tokens"]):
        return min(len(plain), len(writing["tokens"]))
    return parted


def tell_writing(writing: Writing) -> str:
    """What was written, and what is to be known of it, as markdown; with a change both continuations."""
    own = [written_part(writing)]
    if change := writing.get("change"):
        before, after = written_part(change["plain"]), written_part(writing)
        own = [f"As it is: {before}", f"Written {change['words']}: {after}"]
    return "\n\n".join(escape_md(line) for line in [*own, *writing["notes"]])
