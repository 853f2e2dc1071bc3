"""What the model wrote: text, a table of its tokens, and why any of them stands there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from agent import AgentError, find_token, written_part

if TYPE_CHECKING:
    from agent import Session as Conversation
    from askcircuit.answer import Answer
    from askcircuit.tables import Table


class Talk(Protocol):
    """Where it was written, and can be asked about."""

    def explain_token(self, writing: str, position: int, rather_than: str | None) -> "Answer":
        """Why a token stands in its place."""


@dataclass(frozen=True, repr=False)
class Writing:
    """One continuation; prints as what the model wrote itself."""

    json: dict[str, Any]  # tokens with their probabilities, roles, how it ended, notes
    talk: Talk

    @property
    def text(self) -> str:
        """What the model wrote itself, byte for byte."""
        return written_part(self.json)  # type: ignore[arg-type]

    @property
    def whole(self) -> str:
        """What was given and what was written."""
        return str(self.json["text"])

    @property
    def notes(self) -> list[str]:
        """What is to be known of the text that was given, a sentence each."""
        return list(self.json["notes"])

    @property
    def tokens(self) -> "Table":
        """A row a token: text, probability in its place, whether it was written, the likeliest ones there."""
        from askcircuit.tables import table

        template, given = set(self.json["template"]), self.json["given"]
        rows = [
            {
                "token": token["text"],
                "p": token["p"],
                "by": "template" if i in template else "given" if i < given else "written",
                "likeliest": token["likeliest"],
            }
            for i, token in enumerate(self.json["tokens"])
        ]
        return table(rows, ("token", "p", "by", "likeliest"))

    def why(self, word: str | int, *, rather_than: str | None = None) -> "Answer":
        """Why a word (its last place), or the token at a place, stands there. Raises AgentError."""
        place = word if isinstance(word, int) else find_token(self.json, word)  # type: ignore[arg-type]
        if place is None:
            raise AgentError(f"The word {word!r} is not in what was written.")
        return self.talk.explain_token(self.json["id"], place, rather_than)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        count = len(self.json["tokens"]) - self.json["given"]
        return f"<Writing of {count} tokens: {self.text[:60]!r}>"


def chat_goes_on(talks: "Sequence[Conversation]", chat: bool | None) -> bool:
    """Whether a message belongs to the last conversation: the model speaks with somebody in it."""
    last = (
        next((line["writing"] for line in reversed(talks[-1].history()) if "writing" in line), None)
        if talks
        else None
    )
    return chat is not False and last is not None and last["messages"] is not None
