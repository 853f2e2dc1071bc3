"""The verbs by which machines let the subject speak, and ask about its words."""

import uuid
from contextlib import closing
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from agent import LONGEST_TEXT
from ui.base import Refused
from ui.machines.verbs import Call, Result, Text, Thread, Token, Verb


class Write(Verb):
    """Let the model write behind a text, or answer a message where it has a chat template.

    Gives what it wrote, each token with its probability and the likeliest ones there, and a thread:
    `why_token` explains any of these tokens in its place; without a text it goes on with the last writing.
    """

    name: ClassVar[str] = "write"
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)] = Field(
        "", description="The text or message; nothing goes on with the thread's last one."
    )
    tokens: int = Field(40, ge=1, le=1000, description="How many tokens at most.")
    temperature: float = Field(0.0, ge=0, le=5, description="0 takes the likeliest token each time.")
    seed: int = Field(0, ge=0, description="What is drawn, where the temperature is not 0.")
    stop: list[Token] = Field([], max_length=10, description="Stop behind one of these texts.")
    system: Text | None = Field(None, description="System prompt of the conversation.")
    chat: bool | None = Field(
        None, description="Whether the text is a message; by the model's template without."
    )
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Write in the conversation, or in a new one."""
        from agent import Failed, Session, TextWritten, WriteRequest, written_part

        workspace = call.workspace()
        if self.thread is None and self.text:
            thread = uuid.uuid4().hex
            session = Session(workspace, thread)
        else:
            thread, session = call.client.session(self.thread)
        request = WriteRequest(
            self.text, self.chat, self.system, tokens=self.tokens, temperature=self.temperature,
            seed=self.seed, stop=tuple(self.stop),
        )  # fmt: skip
        writing: dict[str, Any] = {}
        with closing(session.write(request, cancel=call.cancel)) as events:
            for event in events:
                if isinstance(event, Failed):
                    raise Refused(event.why)
                if isinstance(event, TextWritten):
                    writing = event.writing
                    call.tell(f"{len(writing['tokens']) - writing['given']} tokens")
        call.client.last = thread
        words = "\n\n".join([written_part(writing), *writing["notes"]])  # type: ignore[arg-type]
        return Result(words, {"thread": thread, "writing": writing})


class WhyToken(Verb):
    """Explain why a token of what `write` gave back stands in its place, with all before it as the text."""

    name: ClassVar[str] = "why_token"
    place: int = Field(ge=0, description="The token's place in the writing's `tokens`.")
    writing: Token | None = Field(None, description="The writing's id, such as W1; the last one without.")
    rather_than: Token | None = Field(None, description="The token it is compared with.")
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Ask about it."""
        call.workspace()
        thread, session = call.client.session(self.thread)
        known = [line["writing"] for line in session.history() if "writing" in line]
        if not known:
            raise Refused("Nothing was written in this thread yet: call `write` first.")
        name = self.writing or known[-1]["id"]
        events = session.explain_token(name, self.place, foil=self.rather_than, cancel=call.cancel)
        words, report = call.collect_answer(events)
        return Result(words, {"thread": thread, "report": report})
