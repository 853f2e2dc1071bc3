"""One conversation: ask, and listen to what happens. The same thread id goes on after a restart.

`ask`, `intervene` and `go_on` give events, `collect_report` and `collect_markdown` run them to their end;
`findings`, `history`, `last_drawing`, `bundle` say what there is, `unfinished` what was cut off.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any, cast

from langgraph.types import Command

from agent.answers import add_verdicts, build_report, change_drawn
from agent.core import (
    AgentError,
    AnswerText,
    DrawingReady,
    Event,
    Failed,
    Message,
    PermissionNeeded,
    Planner,
    QuestionRead,
    ReportReady,
    State,
    StepProgress,
    Stopped,
    WriteRequest,
    escape_md,
)
from agent.evidence import make_description
from agent.planners import REPORTED_INTENTS, LLMPlanner
from agent.questions import Intent, Question, asks_again, read_choice, read_reply, read_writing_request
from agent.session.history_lines import STOPPED, collect_citations, drop_stopped_turn, find_last_question
from agent.session.loop import MAX_STEPS, PERMISSION_NODE, Dependencies, TooManySteps, build_loop
from agent.session.outcomes import newly
from agent.session.recall import go_back, mark_earlier, shelve
from agent.session.standing import Standing
from agent.session.turns import (
    Continuation,
    Request,
    Unfinished,
    ask_about_token,
    choose_planner,
    clean_message,
    in_mind,
    limit_time,
    make_budget,
    make_first_state,
    measure_cost,
    refuse_control_characters,
    say_took_too_long,
    to_change,
    to_exchange,
)
from agent.session.understanding import list_choices, name_reader, show_reading, understand
from agent.session.writer import find_written, read_token, to_write, write
from agent.workspace import QueueClosed, Workspace, name_question_thread, wait_turn

log = logging.getLogger(__name__)

Events = Generator[Event, None, None]

TOO_MANY_STEPS = "This took too many steps without an answer. Ask a narrower question."
NOTHING_CUT_OFF = "There is no question to go on with: none was cut off, and none waits for a yes."


class Session(Standing):
    """A conversation on one thread."""

    def __init__(
        self,
        workspace: Workspace,
        thread: str,
        planner: str | None = None,
        *,
        thorough: bool = False,
        asks: bool = False,
    ) -> None:
        """`planner` names another than the settings' (rules, llm, one-shot, text-only).

        `thorough` tests as many groups as can be told apart from chance, however soon a why is settled.
        `asks` says that who listens can be asked (`PermissionNeeded`) before a question takes more forward
        passes, seconds or dollars than the settings allow; it is answered with what there is otherwise.
        """
        super().__init__(workspace, thread, planner or workspace.settings.planner_name)
        self._thorough, self._asks = thorough, asks
        self._loop = build_loop(workspace.conversations.saver)
        own = {"thread_id": name_question_thread(thread)}
        self._config: Any = {"configurable": own, "recursion_limit": MAX_STEPS}

    def ask(
        self,
        message: str,
        *,
        text: str | None = None,
        said: str | None = None,
        foil: str | None = None,
        focus: dict[str, str] | None = None,
        cancel: threading.Event | None = None,
    ) -> Events:
        """Answer, event by event; a failure is the last event, not an exception, and loses nothing.

        Where a question waits or was cut off, a yes, a no or "go on" is about that; anything else drops it.
        "Ask again" asks the last one anew; a number takes one of `choices`.
        """
        if text is said is foil is None:
            message = read_choice(message, self.choices()) or message
            if asks_again(message):
                message = find_last_question(self.history())
        if text is said is foil is None and (allow := self._reply(message)) is not None:
            yield from self.go_on(allow=allow, cancel=cancel)
            return
        if text is said is foil is None and (wanted := read_writing_request(message)) is not None:
            yield from self.write(to_write(wanted), cancel=cancel)
            return

        further: list[Question] = []  # what the same message asks for behind that
        given = {"text": text, "said": said, "foil": foil}

        def understood(old: State, planner: Planner) -> Question:
            further[:] = (found := understand(message, old, given, focus, planner)).then
            return find_written(self._workspace, old, found)

        def reader(old: State, planner: Planner) -> str:
            return name_reader(message, old, given, focus, planner)

        asked = Request(message or text or "", focus, understood, reader)
        yield from self._in_turn(partial(self._answer, asked), cancel)
        for one in further:
            if self.unfinished() is not None:  # it waits or was stopped: what follows is not begun
                return
            yield AnswerText(f"**{escape_md(one.raw)}**\n\n")
            yield from self._ask_just(one, cancel)

    def intervene(
        self,
        group: str,
        *,
        factor: float = 0.0,
        other: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Events:
        """Test an intervention on a group of the last answer, on a feature of its graph, or on several.

        `group` is S2, its name, or ids such as L11.N1234+@5 with commas between; their activations are
        multiplied by `factor` (0 removes them), or, where `other` is a word or a text, swapped for those
        it brings. Events as of `ask`; `findings` has the numbers.
        """
        question = to_change(group, factor, other)
        yield from self._ask_just(question, cancel)

    def concepts(self, text: str, *, at: str | None = None, cancel: threading.Event | None = None) -> Events:
        """What the model has in mind on a text, at each word or `at` one, tested. Events as of `ask`."""
        question = in_mind(text, at)
        yield from self._ask_just(question, cancel)

    def swap_concept(
        self, concept: str, other: str, *, at: str | None = None, text: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Events:  # fmt: skip
        """Exchange a concept held on the last text, or on `text`, for another one. Events as of `ask`."""
        question = to_exchange(concept, other, at, text)
        yield from self._ask_just(question, cancel)

    def unfinished(self) -> Unfinished | None:
        """The question that waits for a yes or was cut off; also one that is being answered just now."""
        found = self._workspace.conversations.open_question(self._thread)
        if found is None:
            return None
        stands = self._loop.get_state(self._config)
        if not stands.values:
            return None
        return Unfinished(found.message, stands.interrupts[0].value if stands.interrupts else "")

    def go_on(self, *, allow: bool = True, cancel: threading.Event | None = None) -> Events:
        """Go on with the question that waits or was cut off, behind the last step it ended.

        Events as of `ask`. `allow` is the reply to what it asks for: more may be spent, or it is answered
        with what there is.
        """
        found = self.unfinished()
        if found is None:
            yield Failed(NOTHING_CUT_OFF)
            return
        yield from self._in_turn(partial(self._answer, Continuation(found.message, allow)), cancel)

    def choices(self) -> list[str]:
        """Both readings of a message that could be a text or a question."""
        return list_choices(self._state().get("question"))

    def _reply(self, message: str) -> bool | None:
        """What a message allows a question that waits or was cut off; None where it is about neither."""
        word = read_reply(message)
        if word == "go on":
            return True  # where there is nothing to go on with, that is said
        found = self.unfinished() if word else None
        return word != "no" if found is not None and found.asks else None

    def write(self, request: WriteRequest, *, cancel: threading.Event | None = None) -> Events:
        """The subject writes behind a text, a message, or what it wrote last: `TextWritten` events."""

        def work(stop: threading.Event, _expired: threading.Event) -> Iterator[Event]:
            old = self._state()
            try:
                lines = yield from write(self._workspace, old, request, stop)
            except AgentError as exc:
                yield Failed(str(exc))
                return
            self._keep(cast(State, {**old, "history": [*old.get("history", []), *lines], "finished": True}))

        yield from self._in_turn(work, cancel)

    def explain_token(
        self, writing: str, position: int, *, foil: str | None = None, cancel: threading.Event | None = None
    ) -> Events:
        """Why a token of what was written or given (W1, its place) stands there. Events as of `ask`."""
        try:
            found = read_token(self._workspace, self.history(), writing, position)
        except AgentError as exc:
            yield Failed(str(exc))
            return
        yield from self._ask_just(ask_about_token(**found, foil=foil), cancel)

    def _ask_just(self, question: Question, cancel: threading.Event | None) -> Iterator[Event]:
        """Answer what needs not be read."""
        asked = Request(question.raw, None, lambda _old, _planner: question)
        yield from self._in_turn(partial(self._answer, asked), cancel)

    def _in_turn(
        self,
        work: Callable[[threading.Event, threading.Event], Iterator[Event]],
        cancel: threading.Event | None,
    ) -> Iterator[Event]:
        stop = cancel or threading.Event()
        try:
            with self._workspace.turns.place(stop) as place:
                if not (yield from wait_turn(place)):
                    raise Stopped
                with limit_time(self._workspace.settings.max_seconds, stop) as expired:
                    yield from work(stop, expired)
        except Stopped:
            yield Failed("Stopped.")
        except QueueClosed as exc:
            yield Failed(str(exc))

    def _answer(
        self, asked: Request | Continuation, stop: threading.Event, expired: threading.Event
    ) -> Iterator[Event]:
        start, before, old = time.perf_counter(), self._workspace.spent(), self._state()
        try:
            planner = self._make_planner(stop)
            if isinstance(asked, Request):
                if reader := asked.reader(old, planner):
                    yield StepProgress(f"reading with {reader}", 0.0)
                question = asked.understood(old, planner)
                if question.intent is Intent.UNDO:
                    yield from self._recall(old, question, asked.message)
                    return
                given: Any = self._start(asked, question, old)
                if read := show_reading(question, old.get("case")):
                    yield QuestionRead(read)
            else:
                given = self._resume(asked, planner)
            earlier = self._read_spent() if isinstance(asked, Continuation) else {}
            yield from self._run(given, planner, stop, old)
            if asks := self._loop.get_state(self._config).interrupts:
                yield PermissionNeeded(asks[0].value)
                return
            spent = planner.spent() if isinstance(planner, LLMPlanner) else {}
            yield from self._finish(old, {**measure_cost(self._workspace, before, start, earlier), **spent})
        except (AgentError, Stopped, TooManySteps) as exc:
            stopped = say_took_too_long(self._workspace.settings) if expired.is_set() else STOPPED
            why = {Stopped: stopped, TooManySteps: TOO_MANY_STEPS}.get(type(exc), str(exc))
            self._go_back(old, asked.message, why)
            yield Failed(why)

    def _recall(self, old: State, question: Question, message: str) -> Iterator[Event]:
        """Go back to an earlier text of the conversation; what is left is kept too."""
        state, said = go_back(old, question)
        asked = Message(role="user", content=clean_message(message))
        lines = [*old.get("history", []), asked, Message(role="assistant", content=said)]
        self._keep(cast(State, {**state, "history": lines, "question": None, "finished": True}))
        if (drawing := state.get("drawing")) and drawing["nodes"]:
            yield DrawingReady(drawing)
        yield AnswerText(said + "\n\n")

    def _make_planner(self, stop: threading.Event) -> Planner:
        """What decides; where the user is asked before more is spent, it goes on until a no."""
        settings = self._workspace.settings
        budget = make_budget(settings)
        if self._asks:
            budget = budget._replace(seconds=float("inf"), passes=sys.maxsize)
        return choose_planner(self._planner_name, settings, stop, budget, thorough=self._thorough)

    def _start(self, asked: Request, question: Question, old: State) -> State:
        """What the loop is given for a new question, which is in hand from now on."""
        refuse_control_characters(question)
        state = make_first_state(old, question, asked.message, asked.focus)
        self._workspace.conversations.begin(self._thread, asked.message)
        return state

    def _resume(self, asked: Continuation, planner: Planner) -> Command[Any] | None:
        """What the loop is given to go on with the question in hand."""
        stands = self._loop.get_state(self._config)
        if isinstance(planner, LLMPlanner) and (known := stands.values.get("brain")):
            planner.go_on(known)
        return Command(resume=asked.allow) if stands.interrupts else None

    def _read_spent(self) -> dict[str, float]:
        """What the question in hand has taken before it is gone on with."""
        return self._loop.get_state(self._config).values.get("spent") or {}

    def _run(
        self, given: State | Command[Any] | None, planner: Planner, cancel: threading.Event, old: State
    ) -> Iterator[Event]:
        """The events of the loop, until it has an answer or asks for something."""
        budget = make_budget(self._workspace.settings) if self._asks else None
        stream = self._loop.stream(
            given,
            self._config,
            context=Dependencies(self._workspace, planner, cancel, budget),
            stream_mode=["custom", "updates"],
            durability="sync",  # after each node; a question can then go on from there
        )
        done = False
        try:
            for mode, item in stream:
                if mode == "custom":
                    assert isinstance(item, StepProgress)
                    yield item
                elif (drawing := newly(item, "drawing")) and drawing["nodes"]:
                    yield DrawingReady(mark_earlier(drawing, old))
            done = True
        finally:
            if not done:  # nobody listens any more; closing waits for the running step, so end it first
                cancel.set()
                stream.close()  # type: ignore[attr-defined]
                self._keep_last_step()

    def _keep_last_step(self) -> None:
        """Of a question that was stopped keep only the last step, which is enough to go on from."""
        stands = self._loop.get_state(self._config)
        if stands.values and not stands.interrupts:
            self._loop.checkpointer.delete_thread(name_question_thread(self._thread))  # type: ignore[union-attr]
            self._loop.update_state(self._config, stands.values, as_node=PERMISSION_NODE)

    def _finish(self, old: State, cost: dict[str, Any]) -> Iterator[Event]:
        """Tell the answer, redraw with verdicts, and remember both."""
        state: State = self._loop.get_state(self._config).values  # type: ignore[assignment]
        words = state["reply"]
        marks = collect_citations(state, words["sentences"])
        said = cast(Message, {"role": "assistant", "content": words["markdown"], **marks})
        before = drop_stopped_turn(old.get("history", []), state["said"][0])
        update: dict[str, Any] = {"history": [*before, *state["said"], said], "features": []}
        update["earlier"] = shelve(old, state)
        whole = None
        if (
            Intent(state["question"]["intent"]) in REPORTED_INTENTS
            and state.get("groups") is not None
            and words["sentences"]
        ):
            known = cast(State, {**state, "report": old.get("report")})
            whole = build_report(known, self._workspace.subject.name, words, cost)
            update["report"] = whole
        if state.get("drawing"):
            groups, claims = state.get("groups") or [], state.get("claims", [])
            drawn = add_verdicts(state["drawing"] or {}, groups, claims, change_drawn(state))
            update["drawing"] = mark_earlier(drawn, old)
        self._keep(cast(State, {**old, **state, **update}))
        if "drawing" in update and update["drawing"]["nodes"]:
            yield DrawingReady(update["drawing"])
        for part in words["markdown"].split("\n\n"):
            yield AnswerText(part + "\n\n", tuple(marks["cites"]), marks["circuit"])
        if whole is not None:
            yield ReportReady(whole)
        if state.get("features"):  # last: the reader should not wait for the library
            new = [f for f in state["features"] if f.get("source", "text") == "text"]
            self._workspace.file([make_description(self._workspace.features_of, f) for f in new])

    def _go_back(self, old: State, message: str, why: str) -> None:
        """After a failure the conversation stands where it stood, but for the question and its end.

        One that was stopped stays in hand.
        """
        asked = Message(role="user", content=clean_message(message))
        said = [*drop_stopped_turn(old.get("history", []), asked), asked]
        said.append(Message(role="assistant", content=escape_md(why)))
        stands = cast(State, {**old, "history": said, "finished": True})
        self._workspace.conversations.keep(self._thread, stands, goes_on=why == STOPPED)
