"""What machines may ask for: typed arguments in, words and JSON out. Knows no protocol.

A verb is a pydantic model of its arguments with a method that does it. Runs in a thread; reports its progress
by a callback and is ended by an event.
"""

import json
import re
import tempfile
import threading
import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent import LONGEST_TEXT
from ui.base import ModelLoader, Refused, render_step

if TYPE_CHECKING:
    from agent import Event, Session, Workspace

THREAD = re.compile(r"[0-9a-f]{32}")
LARGEST = 800_000  # bytes of a graph in one message: clients read at most 1 MiB
Tell = Callable[[str], None]
Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Thread = Annotated[
    str | None,
    Field(
        description="Conversation to go on with, as an earlier answer named it; over stdio the last without."
    ),
]


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb gives back: markdown to read and JSON to work with."""

    words: str
    data: dict[str, Any]


@dataclass(slots=True)
class Client:
    """Whoever calls: one program over stdio, or anybody over HTTP, who has to name the thread."""

    alone: bool
    opening: ModelLoader
    waiting: int  # calls that may wait while one is answered
    last: str | None = field(default=None)

    def session(self, thread: str | None) -> "tuple[str, Session]":
        """The conversation to go on with; raises Refused when it is not said which."""
        chosen = thread or (self.last if self.alone else None)
        if chosen is None:
            raise Refused("There is no answer to go on from yet: call `why` first, and give its `thread`.")
        if not THREAD.fullmatch(chosen):
            raise Refused("The thread is not one that `why` gave: it should be 32 letters and digits.")
        from agent import Session

        workspace = self.opening.workspace()
        session = Session(workspace, chosen, asks=self.alone or workspace.settings.asks_for_more)
        if not session.history() and session.unfinished() is None:
            raise Refused("There is no conversation of this thread: call `why` first, and give its `thread`.")
        self.last = chosen
        return chosen, session


@dataclass(frozen=True, slots=True)
class Call:
    """One call under way."""

    client: Client
    tell: Tell
    cancel: threading.Event

    def workspace(self) -> "Workspace":
        """The workspace; the first calls wait until the model is loaded."""
        while not self.client.opening.ready:
            what, done = self.client.opening.at
            self.tell(f"loading the {what} {done:.0%}")
            if self.cancel.wait(0.3):
                raise Refused("Stopped.")
        return self.client.opening.workspace()

    def collect_answer(self, events: "Generator[Event, None, None]") -> "tuple[str, dict[str, Any] | None]":
        """The words and the report of an answer; raises Refused with what went wrong."""
        from agent import (
            AnswerText,
            Failed,
            PermissionNeeded,
            ReportReady,
            StepProgress,
            TextWritten,
            tell_writing,
            unfolded,
        )

        words, report = [], None
        with closing(events):  # whatever happens here, the turn is given up
            for event in events:
                match event:
                    case StepProgress(step, done, note):
                        self.tell(render_step(step, done, note))
                    case AnswerText(text):
                        words.append(text)
                    case ReportReady(whole):
                        report = whole
                    case TextWritten(writing, _, True):
                        words.append(tell_writing(writing))  # type: ignore[arg-type]
                    case PermissionNeeded(what):
                        words.append(f"{what}\n\nCall `go_on`, with `allow` true or false.")
                    case Failed(why):
                        raise Refused(why)
        return unfolded("".join(words).strip()), report


class Verb(BaseModel):
    """Arguments that were checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]

    def run(self, call: Call) -> Result:
        """Do it; raises Refused or AgentError with one sentence."""
        raise NotImplementedError


class Trace(Verb):
    """Trace why the model continues a text as it does.

    Gives the attribution graph of logit(said) - logit(rather_than), pruned, with supernodes and labels, in
    words and numbers. Nothing is tested; `why` tests.
    """

    name: ClassVar[str] = "trace"
    text: Text = Field(description="The text whose next token is traced.")
    said: Token | None = Field(None, description="The token to trace; the most probable one by default.")
    rather_than: Token | None = Field(None, description="The token to compare with.")
    graph: bool = Field(
        False, description="Also give the graph as Neuronpedia writes it: its nodes and its strongest links."
    )

    def run(self, call: Call) -> Result:
        """Trace into a file that lives as long as the call."""
        from agent import StepProgress, export_trace, show_graph

        def emit(event: "Event") -> None:
            if isinstance(event, StepProgress):
                call.tell(render_step(event.step, event.done, event.note))

        with tempfile.TemporaryDirectory(prefix="askcircuit-") as folder:
            path = Path(folder) / "graph.json"
            done = export_trace(
                call.workspace(), self.text, path, said=self.said, foil=self.rather_than, emit=emit,
                cancel=call.cancel,
            )  # fmt: skip
            shown = show_graph(path)
            done.pop("path")
            if self.graph:
                done["graph"], done["links_given"] = shrink_graph(
                    json.loads(path.read_text(encoding="utf-8"))
                )
        return Result("\n\n".join(filter(None, (done["note"], shown["markdown"]))), done)


class Why(Verb):
    """Explain why the model continues a text as it does.

    The circuit is traced; what removing its groups of features does is predicted, then tested on the
    model, each group against 99 matched random ones. Gives the answer as markdown, the whole report, and
    a thread for `intervene` and `ask`.
    """

    name: ClassVar[str] = "why"
    text: Text = Field(description="The text whose next token is explained.")
    said: Token | None = Field(None, description="The token to explain; the most probable one by default.")
    rather_than: Token | None = Field(None, description="The token it is compared with.")
    since: Text | None = Field(
        None, description="Of a long text, a piece of it: what stands from there on is looked at."
    )

    def run(self, call: Call) -> Result:
        """Ask in a new conversation."""
        from agent import Session

        thread, workspace = uuid.uuid4().hex, call.workspace()
        call.client.last = thread
        workspace.look_from(self.text, since=self.since or "")
        call.tell(f"thread {thread}")  # first: `go_on` needs it, should the answer be cut off
        session = Session(workspace, thread, asks=call.client.alone or workspace.settings.asks_for_more)
        asked = session.ask("", text=self.text, said=self.said, foil=self.rather_than, cancel=call.cancel)
        words, report = call.collect_answer(asked)
        return Result(words, {"thread": thread, "report": report})


class Intervene(Verb):
    """Test an intervention on the circuit that the last `why` found.

    Removes or scales a group of features, or gives it the values it has with another word. The effect is
    predicted first, then measured beside 99 matched random groups.
    """

    name: ClassVar[str] = "intervene"
    kind: Literal["ablate", "steer", "swap"] = Field(
        "ablate",
        description="ablate removes, steer multiplies by `factor`, swap takes over from `other`.",
    )
    group: Token | None = Field(None, description="A group of the answer, such as S1, or a word in its name.")
    features: list[Token] = Field(
        [], max_length=200, description="Instead of a group: features of the graph, such as L11.N1234+@5."
    )
    factor: float | None = Field(None, ge=-20, le=20, description="steer: what multiplies the activations.")
    other: Text | None = Field(None, description="swap: a word to put in its place, or a whole text.")
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Ask for it without a detour through English."""
        target = self.group or ",".join(self.features)
        if not target or (self.group and self.features):
            raise Refused("Say what to change: either a `group`, such as S1, or `features`.")
        if (self.kind == "steer") != (self.factor is not None):
            raise Refused("A `factor` belongs to steer, and steer needs one, such as 2 or 0.5.")
        if (self.kind == "swap") != (self.other is not None):
            raise Refused("What is put in its place (`other`) belongs to swap, and swap needs it.")
        call.workspace()
        thread, session = call.client.session(self.thread)
        if session.last_drawing() is None:
            raise Refused("There is no circuit in this thread to intervene on: call `why` first.")
        events = session.intervene(target, factor=self.factor or 0.0, other=self.other, cancel=call.cancel)
        words, _ = call.collect_answer(events)
        return Result(words, {"thread": thread, "claims": session.findings()})


class Concepts(Verb):
    """Read what the model has in mind at each word of a text, and test what leads to its answer.

    Concepts are read by a lens, taken out and exchanged for others, each beside 99 changes that move the
    model as far. Gives words, the claims with all numbers, and a thread for `swap` and `ask`.
    """

    name: ClassVar[str] = "concepts"
    text: Text = Field(description="The text.")
    at: Token | None = Field(None, description="Only at this word.")

    def run(self, call: Call) -> Result:
        """Ask in a new conversation."""
        from agent import Session

        thread = uuid.uuid4().hex
        session = Session(call.workspace(), thread)
        words, _ = call.collect_answer(session.concepts(self.text, at=self.at, cancel=call.cancel))
        call.client.last = thread
        return Result(words, {"thread": thread, "claims": session.findings()})


class Swap(Verb):
    """Exchange a concept that the model holds for another one, and see what it says.

    Such as Texas for Georgia on a text that speaks of Dallas. Says whether the other's answer was installed
    or the own one only knocked out, beside 99 exchanges of unrelated words.
    """

    name: ClassVar[str] = "swap"
    concept: Token = Field(description="The concept to take away, as `concepts` or `why` names it.")
    other: Token = Field(description="The one to put in its place.")
    at: Token | None = Field(None, description="The word at which it is held; the strongest by default.")
    text: Text | None = Field(None, description="The text; that of the thread by default.")
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Exchange them, in the conversation or in a new one."""
        from agent import Session

        workspace = call.workspace()
        if self.text is not None:
            thread = uuid.uuid4().hex
            session = Session(workspace, thread)
        else:
            thread, session = call.client.session(self.thread)
        events = session.swap_concept(
            self.concept, self.other, at=self.at, text=self.text, cancel=call.cancel
        )
        words, _ = call.collect_answer(events)
        call.client.last = thread
        return Result(words, {"thread": thread, "claims": session.findings()})


class Ask(Verb):
    """Ask a follow-up question about the last `why`, in English.

    Such as: how does Texas reach the last token? which words mattered? how sure are you? show the
    evidence for sentence 3.
    """

    name: ClassVar[str] = "ask"
    message: Text = Field(description="The question.")
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Go on with a conversation."""
        call.workspace()
        thread, session = call.client.session(self.thread)
        words, report = call.collect_answer(session.ask(self.message, cancel=call.cancel))
        known = {"thread": thread, "report": report, "claims": session.findings()}
        return Result(words, {**known, "choices": session.choices()})


class GoOn(Verb):
    """Go on with a question of this thread that was cut off, or that asks whether it may spend more.

    It goes on behind the last step that was done, and gives what the question would have given.
    """

    name: ClassVar[str] = "go_on"
    allow: bool = Field(
        True, description="Whether it may spend more; without, it answers with what is known."
    )
    thread: Thread = None

    def run(self, call: Call) -> Result:
        """Take the question up again."""
        call.workspace()
        thread, session = call.client.session(self.thread)
        words, report = call.collect_answer(session.go_on(allow=self.allow, cancel=call.cancel))
        return Result(words, {"thread": thread, "report": report, "claims": session.findings()})


class SearchFeatures(Verb):
    """Find features by meaning.

    Among all of the packaged model's, or, for another model, those described so far in any traced text.
    """

    name: ClassVar[str] = "search_features"
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)] = Field(
        description="What the features should be about."
    )
    k: int = Field(10, ge=1, le=100, description="How many to give.")

    def run(self, call: Call) -> Result:
        """Look them up."""
        found = call.workspace().search(self.query, self.k)
        lines = [
            f"- {hit['id'].rpartition('/')[2]} ({hit['similarity']:.2f}): {hit['label']}" for hit in found
        ]
        none = "No feature is described yet; `why` and `trace` describe those of a text."
        return Result("\n".join(lines) or none, {"features": found})


def shrink_graph(graph: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A graph with as many of its strongest links as one message holds, and how many those are."""
    room = LARGEST - len(json.dumps({**graph, "links": []}))
    if room < 0:
        raise Refused(
            "The graph is too large for one message; write it with `askcircuit trace TEXT -o FILE`."
        )
    given = []
    for link in sorted(graph["links"], key=lambda link: -abs(link["weight"])):
        room -= len(json.dumps(link)) + 2
        if room < 0:
            break
        given.append(link)
    return {**graph, "links": given}, len(given)
