"""A loaded model to ask: `open` loads one, `why` asks one that stays loaded."""

import os
import sys
import uuid
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from agent import (
    AgentError,
    AnswerText,
    Event,
    Failed,
    ReportReady,
    Session as Conversation,
    StepProgress,
    TextWritten,
    WriteRequest,
    draw_trace,
    export_trace,
    open_workspace,
    read_bundle,
    read_settings,
    tell_writing,
)
from askcircuit.answer import Answer, Trace, make_answer
from askcircuit.circuit import Circuit
from askcircuit.writing import Writing, chat_goes_on

if TYPE_CHECKING:
    from agent import Workspace
    from askcircuit.tables import Table

EventListener = Callable[[Event], None]


class Session:
    """A loaded model and the conversations about it; a context manager that frees both at its end.

    Conversations last as long as the session: `Answer.save` keeps one as a file.
    """

    def __init__(self, workspace: "Workspace", progress: bool = False) -> None:
        """Use `open` to get one; `progress` prints each step to stderr as it ends."""
        self._workspace, self._tell = workspace, _print_step if progress else _say_nothing
        self._talks: list[Conversation] = []
        self._end = weakref.finalize(self, _close, workspace, self._talks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the conversations and free the model; answers stay readable and can be saved."""
        self._end()

    def why(
        self,
        text: str,
        *,
        said: str | None = None,
        rather_than: str | None = None,
        question: str = "",
        since: str = "",
    ) -> Answer:
        """Why the model continues `text` as it does: with `said` (its first choice), not `rather_than`.

        `question` is the question in your own words. Of a long text the end is looked at: the last tokens,
        or what stands from `since`, a piece of it, on. Every claim is tested on the model. Begins a
        conversation of its own; a model without a concept lens first gets one, which takes minutes where
        it is large. Raises AgentError with a sentence.
        """
        if not text.strip():
            raise AgentError("The text is empty: give the text whose next token is to be explained.")
        talk = self._begin()
        self._workspace.look_from(text, since=since)
        self._workspace.wait_for_lens()
        return talk.collect_answer(talk.conversation.ask(question, text=text, said=said, foil=rather_than))

    def write(
        self,
        text: str = "",
        *,
        chat: bool | None = None,
        system: str | None = None,
        tokens: int = 40,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
    ) -> Writing:
        """Let the model write behind a text, or answer a message where it has a chat template.

        Without a text it goes on with the last conversation. Raises AgentError with a sentence.
        """
        talk = self._begin() if text and not chat_goes_on(self._talks, chat) else self._last()
        request = WriteRequest(
            text, chat, system, tokens=tokens, temperature=temperature, seed=seed, stop=tuple(stop)
        )
        return talk.write(request)

    def _last(self) -> "_Conversation":
        return _Conversation(self, self._talks[-1]) if self._talks else self._begin()

    def ask(self, message: str) -> Answer:
        """Anything the chat understands, going on with the last conversation. Raises AgentError."""
        return self._last().ask(message)

    def lens(self, text: str | None = None, *, at: str | None = None, best: int = 3) -> "Table":
        """What the concept lens reads on `text` (the last one without), a row a word that is read.

        The `best` words behind each layer at each word, or only `at` one; `score` says how many standard
        deviations each stands out against other texts. Nothing is tested. Raises AgentError.
        """
        from askcircuit.tables import LENS, table

        conversation = self._last().conversation if text is None else self._begin().conversation
        self._workspace.wait_for_lens()
        return table(conversation.read_lens(text, at=at, best=best).rows(), LENS)

    def trace(self, text: str, *, said: str | None = None, rather_than: str | None = None) -> Trace:
        """The pruned attribution graph of `text` with named groups; nothing is tested. Raises AgentError."""
        self._check_open()
        ends: dict[str, Any] = {"said": said, "foil": rather_than, "emit": self._tell}
        view = draw_trace(self._workspace, text, **ends)
        return Trace(Circuit(view), partial(export_trace, self._workspace, text, **ends))

    def read(self, path: str | Path) -> Answer:
        """An answer that was saved as a bundle (.json, .json.gz), to be asked on. Raises AgentError."""
        bundle = read_bundle(path)
        talk = self._begin()
        talk.conversation.open(bundle)
        return make_answer(bundle, talk)

    def about(self) -> dict[str, Any]:
        """What is loaded: model, family, features, layers, device, and what chooses the tests."""
        return self._workspace.about()

    def _begin(self) -> "_Conversation":
        self._check_open()
        conversation = Conversation(self._workspace, f"python-{uuid.uuid4().hex}")
        self._talks.append(conversation)
        return _Conversation(self, conversation)

    def _check_open(self) -> None:
        if not self._end.alive:
            raise AgentError("This session is closed. Open another with askcircuit.open().")


class _Conversation:
    """One conversation of a session; keeps the session, and with it the model, alive."""

    def __init__(self, session: Session, conversation: Conversation) -> None:
        self._session, self.conversation = session, conversation

    def ask(self, message: str) -> Answer:
        """The answer to a follow-up."""
        self._session._check_open()
        return self.collect_answer(self.conversation.ask(message))

    def scale(self, group: str, factor: float) -> Answer:
        """What happens when activations are multiplied."""
        self._session._check_open()
        return self.collect_answer(self.conversation.intervene(group, factor=factor))

    def swap(self, group: str, other: str) -> Answer:
        """What happens with another word's activations."""
        self._session._check_open()
        return self.collect_answer(self.conversation.intervene(group, other=other))

    def write(self, request: WriteRequest) -> Writing:
        """What the model writes."""
        self._session._check_open()
        data: dict[str, Any] = {}
        with closing(self.conversation.write(request)) as events:
            for event in events:
                if isinstance(event, Failed):
                    raise AgentError(event.why)
                if isinstance(event, TextWritten):
                    data = event.writing
                self._session._tell(event)
        return Writing(data, self)

    def explain_token(self, writing: str, position: int, rather_than: str | None) -> Answer:
        """Why a token stands in its place."""
        self._session._check_open()
        return self.collect_answer(self.conversation.explain_token(writing, position, foil=rather_than))

    def collect_answer(self, events: Generator[Event, None, None]) -> Answer:
        """Run a question to its end; raises AgentError with what went wrong."""
        parts, report = [], None
        try:
            for event in events:
                match event:
                    case Failed(why):
                        raise AgentError(why)
                    case AnswerText(text):
                        parts.append(text)
                    case ReportReady(whole):
                        report = whole
                    case TextWritten(writing, _, True):
                        parts.append(tell_writing(writing))  # type: ignore[arg-type]
                    case _:
                        self._session._tell(event)
        finally:
            events.close()
        return self._answer("".join(parts).strip(), report)

    def _answer(self, markdown: str, report: dict[str, Any] | None) -> Answer:
        drawing = self.conversation.last_drawing()
        answer = {"answer": {"markdown": markdown}, "claims": self.conversation.findings()}
        return Answer(
            markdown,
            report or answer,
            Circuit(drawing or {}),
            message=self.conversation.history()[-1],
            bundle=self.conversation.bundle() if drawing else None,
            conversation=self,
        )


def open(
    *,
    model: str | None = None,
    transcoders: str | None = None,
    progress: bool = False,
    **settings: Any,
) -> Session:
    """Load a model to ask: `with askcircuit.open() as session: session.why(text)`.

    `model` is a packaged one (embedded, smollm2), a folder, a GGUF file or a hub id; `transcoders` a set to
    trace in place of neurons; `settings` are those of docs/settings.md in small letters (nodes=2000).
    Raises AgentError with a sentence.
    """
    # read when torch is imported: idle threads that spin cost 4 to 10 times where the cores are shared
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    chosen = read_settings(model=model, transcoders=transcoders, **settings)
    return Session(open_workspace(chosen), progress)


@lru_cache(maxsize=1)
def _stays_open(model: str | None, transcoders: str | None, progress: bool) -> Session:
    return open(model=model, transcoders=transcoders, progress=progress)


def why(
    text: str,
    *,
    said: str | None = None,
    rather_than: str | None = None,
    model: str | None = None,
    transcoders: str | None = None,
    progress: bool = False,
) -> Answer:
    """Why a model continues `text` as it does, tested; the model stays loaded for the next question.

    `said` is the token to explain (the model's first choice without), `rather_than` the one it is compared
    with (the runner-up without). Use `open` to choose when a model is loaded and freed.
    Raises AgentError with a sentence.
    """
    session = _stays_open(model, transcoders, progress)
    return session.why(text, said=said, rather_than=rather_than)


def write(text: str, *, model: str | None = None, tokens: int = 40, **how: Any) -> Writing:
    """Let a model write behind a text, or answer a message; it stays loaded. `how`: as of Session.write.

    Raises AgentError with a sentence.
    """
    return _stays_open(model, None, False).write(text, tokens=tokens, **how)


def _close(workspace: "Workspace", talks: list[Conversation]) -> None:
    for talk in talks:
        talk.forget()
    talks.clear()
    workspace.close()


def _say_nothing(_event: Event) -> None:
    """Hear a step and keep quiet."""


def _print_step(event: Event) -> None:
    if isinstance(event, StepProgress) and event.done >= 1:
        sys.stderr.write(f"{event.step}: {event.note}\n" if event.note else f"{event.step}\n")
        sys.stderr.flush()
