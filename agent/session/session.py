"""One conversation: ask, and listen to what happens. The same thread id goes on after a restart.

The whole API of a conversation: `ask` and `intervene` give events, `answered` and `in_words` run them to
their end; `findings`, `history`, `last_drawing` and `bundle` say what there is. `agent/tour.ipynb` shows it.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, cast

from agent.answers import Bundle, bundle_of, circuit_id, cites, last_said, report, with_tests
from agent.core import (
    AgentError,
    Answered,
    Brain,
    Drew,
    Event,
    Failed,
    Message,
    QuestionError,
    Said,
    Settings,
    SettingsError,
    State,
    Stopped,
    Working,
    claims_of,
    escaped,
    plain_claim,
)
from agent.evidence import description_of
from agent.experiments import Tried, asked, kept, told, try_out
from agent.planners import (
    FRESH,
    REPORTED,
    Budget,
    LLMBrain,
    OneShotBrain,
    RuleBrain,
    TextBrain,
    lacking,
    right_one,
)
from agent.questions import Intent, Question, parse
from agent.session.loop import STEPS, Deps, WentInCircles, build_loop, forget, forget_past
from agent.workspace import Closed, Desk, waited

log = logging.getLogger(__name__)

GOING_ON = {Intent.WHY, Intent.USES}  # about the same text they keep what its answer is compared with
CIRCLES = "This took too many steps without an answer. Ask a narrower question."


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked, as the conversation shows it, and how it is understood when its turn comes."""

    message: str
    focus: dict[str, str] | None
    understood: Callable[[State], Question]


class Session:
    """A conversation on one thread."""

    def __init__(self, desk: Desk, thread: str, brain: str | None = None, *, thorough: bool = False) -> None:
        """`brain` names another than the settings' (rules, llm, one-shot, text-only).

        `thorough` tests as many groups as can be told apart from chance, however soon a why is settled.
        """
        self._desk, self._deciding = desk, brain or desk.settings.deciding
        self._thorough = thorough
        self._loop = build_loop(desk.checkpoints(), desk.guard)
        self._config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": STEPS}

    def ask(
        self,
        message: str,
        *,
        text: str | None = None,
        said: str | None = None,
        foil: str | None = None,
        focus: dict[str, str] | None = None,
        cancel: threading.Event | None = None,
    ) -> Generator[Event, None, None]:
        """Answer, event by event; a failure is the last event, not an exception, and loses nothing."""

        def understood(old: State) -> Question:
            has_graph = bool(old.get("graph"))
            return parse(message, text=text, said=said, foil=foil, has_graph=has_graph, focus=focus)

        yield from self._in_turn(_Asked(message or text or "", focus, understood), cancel)

    def intervene(
        self,
        group: str,
        *,
        factor: float = 0.0,
        other: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Generator[Event, None, None]:
        """Test an intervention on a group of the last answer, on a feature of its graph, or on several.

        `group` is S2, its name, or ids such as L11.N1234+@5 with commas between; their activations are
        multiplied by `factor` (0 removes them), or, where `other` is a word or a text, swapped for those
        it brings. Events as of `ask`; `findings` has the numbers.
        """
        intent = Intent.INTERVENE if other is None else Intent.SWAP
        what = f"Swap {group} for {other}." if other else f"Multiply {group} by {factor:g}."
        question = Question(intent, group=group, factor=factor, other=other, raw=what)
        yield from self._in_turn(_Asked(what, None, lambda _old: question), cancel)

    def concepts(
        self, text: str, *, at: str | None = None, cancel: threading.Event | None = None
    ) -> Generator[Event, None, None]:
        """What the model has in mind on a text, at each word or at one; the chain to its answer is tested.

        Events as of `ask`; `findings` has the concepts, their tests and the numbers.
        """
        what = f"What does it have in mind at {at!r}?" if at else "What does it have in mind?"
        question = Question(Intent.CONCEPTS, text=text, group=at, raw=what)
        yield from self._in_turn(_Asked(what, None, lambda _old: question), cancel)

    def swap_concept(
        self,
        concept: str,
        other: str,
        *,
        at: str | None = None,
        text: str | None = None,
        cancel: threading.Event | None = None,
    ) -> Generator[Event, None, None]:
        """Exchange a concept that the model holds for another one, beside matched exchanges.

        On the text of the last answer, or on `text`; at the word `at`, or where it is held most strongly.
        Events as of `ask`; `findings` has the numbers.
        """
        what = f"Put {other} in the place of {concept}."
        question = Question(Intent.SWAP, text=text, group=concept, other=other, at=at, concept=True, raw=what)
        yield from self._in_turn(_Asked(what, None, lambda _old: question), cancel)

    def _in_turn(self, asked: "_Asked", cancel: threading.Event | None) -> Iterator[Event]:
        stop = cancel or threading.Event()
        try:
            with self._desk.turns.place(stop) as place:
                if not (yield from waited(place)):
                    raise Stopped
                with _limited(self._desk.settings.max_seconds, stop) as expired:
                    yield from self._answer(asked, stop, expired)
        except Stopped:
            yield Failed("Stopped.")
        except Closed as exc:
            yield Failed(str(exc))

    def _answer(self, asked: "_Asked", stop: threading.Event, expired: threading.Event) -> Iterator[Event]:
        start, before, old = time.perf_counter(), self._desk.spent(), self._state()
        try:
            question = asked.understood(old)
            for piece in (question.text, question.said, question.foil, question.group, question.other):
                _refuse_control_characters(piece)
            state = _turn(old, question, asked.message, asked.focus)
            settings = self._desk.settings
            brain = choose_brain(self._deciding, settings, stop, thorough=self._thorough)
            yield from self._run(state, brain, stop)
            spent = brain.spent() if isinstance(brain, LLMBrain) else {}
            yield from self._finish({**self._cost(before, start), **spent})
        except (AgentError, Stopped, WentInCircles) as exc:
            stopped = self._took_too_long() if expired.is_set() else "Stopped."
            why = {Stopped: stopped, WentInCircles: CIRCLES}.get(type(exc), str(exc))
            self._go_back(old, asked.message, why)
            yield Failed(why)

    def _go_back(self, old: State, message: str, why: str) -> None:
        """After a failure the conversation stands where it stood, but for the question and its end."""
        said = [
            Message(role="user", content=_clean(message)),
            Message(role="assistant", content=escaped(why)),
        ]
        update = {**old, "history": [*old.get("history", []), *said], "finished": True}
        self._loop.update_state(self._config, update, as_node="act")
        self._forget_past()

    def _took_too_long(self) -> str:
        return (
            f"This took longer than the {self._desk.settings.max_seconds} seconds a question may take here "
            "(ASKCIRCUIT_MAX_SECONDS), and was stopped. Ask about a shorter text."
        )

    def _forget_past(self) -> None:
        forget_past(self._loop, self._config["configurable"]["thread_id"])

    def try_out(self, focus: str, factor: float) -> Tried:
        """Scale a group or feature of the drawing by hand and look, once; raises AgentError."""
        return try_out(self._desk, self._state(), focus, factor)

    def keep(self, tried: Tried) -> None:
        """Enter in the conversation and the ledger what was tried by hand, as the reader's own."""
        old = self._state()
        state = cast(State, {**old, "turn": old.get("turn", 0) + 1})
        claim, sentence = kept(state, tried)
        claims = [*state.get("claims", []), claim]
        marked = {**state, "claims": claims}
        marks = _marks(cast(State, marked), [{"text": sentence.text, "claims": [claim["id"]]}])
        said = [
            Message(role="user", content=asked(tried)),
            cast(Message, {"role": "assistant", "content": told(sentence), **marks}),
        ]
        update = {"turn": state["turn"], "claims": claims, "history": [*old["history"], *said]}
        drawing = with_tests(state.get("drawing") or {}, state.get("groups") or [], claims)
        self._loop.update_state(self._config, {**update, "drawing": drawing, "finished": True}, as_node="act")
        self._forget_past()

    def forget(self) -> None:
        """Delete this conversation."""
        forget(self._loop, self._config["configurable"]["thread_id"])

    def history(self) -> list[Message]:
        """What was said so far."""
        return self._state().get("history", [])

    def last_drawing(self) -> dict[str, Any] | None:
        """The circuit that was shown last."""
        drawing = self._state().get("drawing")
        return drawing if drawing and drawing["nodes"] else None

    def findings(self) -> list[dict[str, Any]]:
        """The claims of the last turn, as reports have them: predicted, measured, controls, p, verdict."""
        state = self._state()
        return [plain_claim(claim) for claim in claims_of(state) if claim.turn == state["turn"]]

    def bundle(self, title: str = "") -> Bundle:
        """The last explanation and all it rests on; raises AgentError when there is none yet."""
        settings, about = self._desk.settings, self._desk.about()
        how = {"model": about["model"], "nodes": settings.nodes, "controls": settings.controls}
        return bundle_of(self._state(), {**how, "brain": self._deciding}, title)

    def open(self, bundle: Bundle) -> None:
        """Make this conversation the bundle's; raises AgentError where it is about another model.

        A read-only desk has no model: there it can be read, whatever it is about.
        """
        there = bundle.report["model"]
        here = there if self._desk.settings.read_only else self._desk.subject.name
        if here != there:
            raise AgentError(f"The bundle is about {there}; the model loaded here is {here}.")
        self._loop.update_state(self._config, bundle.state, as_node="act")

    def _state(self) -> State:
        values: State = self._loop.get_state(self._config).values  # type: ignore[assignment]
        return values

    def _run(self, state: State, brain: Brain, cancel: threading.Event) -> Iterator[Event]:
        deps = Deps(self._desk, brain, cancel, brain if isinstance(brain, LLMBrain) else None)
        stream = self._loop.stream(
            state, self._config, context=deps, stream_mode=["custom", "updates"], durability="exit"
        )
        done = False
        try:
            for mode, item in stream:
                if mode == "custom":
                    assert isinstance(item, Working)
                    yield item
                elif (drawing := _new(item, "drawing")) and drawing["nodes"]:
                    yield Drew(drawing)
            done = True
        finally:
            if not done:  # nobody listens any more; closing waits for the running step, so end it first
                cancel.set()
            stream.close()  # type: ignore[attr-defined]

    def _finish(self, cost: dict[str, Any]) -> Iterator[Event]:
        """Tell the answer, redraw with verdicts, and remember both."""
        state = self._state()
        reply = state["reply"]
        marks = _marks(state, reply["sentences"])
        said = cast(Message, {"role": "assistant", "content": reply["markdown"], **marks})
        update: dict[str, Any] = {"history": [*state["history"], said], "features": []}
        whole = None
        if (
            Intent(state["question"]["intent"]) in REPORTED
            and state.get("groups") is not None
            and reply["sentences"]
        ):
            whole = report(state, self._desk.subject.name, reply, cost)
            update["report"] = whole
        if state.get("drawing"):
            update["drawing"] = with_tests(
                state["drawing"] or {}, state.get("groups") or [], state.get("claims", [])
            )
        self._loop.update_state(self._config, update)
        self._forget_past()
        if "drawing" in update and update["drawing"]["nodes"]:
            yield Drew(update["drawing"])
        for part in reply["markdown"].split("\n\n"):
            yield Said(part + "\n\n", tuple(marks["cites"]), marks["circuit"])
        if whole is not None:
            yield Answered(whole)
        if state.get("features"):  # last: the reader should not wait for the library
            new = [f for f in state["features"] if f.get("source", "text") == "text"]
            self._desk.file([description_of(self._desk.features_of, f) for f in new])

    def _cost(self, before: dict[str, int], start: float) -> dict[str, Any]:
        spent = {name: now - before[name] for name, now in self._desk.spent().items()}
        return {"seconds": round(time.perf_counter() - start, 3), **spent}


def choose_brain(name: str, settings: Settings, stop: threading.Event, *, thorough: bool = False) -> Brain:
    """The brain of this name."""
    budget = Budget(settings.max_actions, settings.answer_within, settings.max_passes)
    match name:
        case "llm":
            return LLMBrain(settings, stop, budget, thorough=thorough)
        case "one-shot":
            return OneShotBrain(settings.nodes)
        case "text-only":
            return TextBrain(settings.nodes)
        case "rules":
            return RuleBrain(settings.nodes, budget, thorough=thorough)
        case _:
            raise SettingsError(f"There is no brain {name!r}; there are rules, llm, one-shot and text-only.")


def _marks(state: State, sentences: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sentences of an answer cite and which parts of the drawing they are about."""
    path = (state.get("flows") or {}).get("path", [])
    found = cites(sentences, state.get("claims", []), state.get("groups") or [], path)
    return {"cites": found, "circuit": circuit_id((state.get("drawing") or {}).get("graph_id", ""))}


@contextmanager
def _limited(seconds: int | None, stop: threading.Event) -> Iterator[threading.Event]:
    """Stop what runs in the block after this time; the event yielded tells that it was the time."""
    expired = threading.Event()

    def end() -> None:
        expired.set()
        stop.set()

    clock = threading.Timer(seconds or 0, end)
    clock.daemon = True
    if seconds is not None:
        clock.start()
    try:
        yield expired
    finally:
        clock.cancel()


def _new(item: Any, name: str) -> Any:
    """What a step's update holds under this name, if anything."""
    for update in item.values() if isinstance(item, dict) else ():
        if isinstance(update, dict) and update.get(name):
            return update[name]
    return None


def _turn(old: State, question: Question, message: str, focus: dict[str, str] | None) -> State:
    """The state a turn starts from: explanations start anew, other questions go on with what is there."""
    asked = asdict(question)
    asked["lacking"] = lacking(question, focus, old.get("case")) if old.get("case") or question.text else ""
    intent = Intent.HELP if asked["lacking"] else question.intent
    asked["intent"] = str(intent)
    case = old.get("case")
    turn = old.get("turn", 0) + 1
    history = [*old.get("history", []), Message(role="user", content=message)]
    fresh = intent in FRESH
    if intent is Intent.EVIDENCE:
        asked["about"] = last_said(old)
    elsewhere = (
        not asked["lacking"] and bool(question.text) and (case is None or case["text"] != question.text)
    )
    state: dict[str, Any] = {"turn": turn, "history": history, "question": asked, "focus": focus}
    state |= {"finished": False, "log": [], "found": None, "spent": None}
    if fresh or elsewhere:
        asked["text"] = question.text or (case["text"] if case else None)
        if question.intent is Intent.WHY_NOT and not question.text:
            asked["said"] = None
        if question.intent in GOING_ON and case and not elsewhere and not (question.said or question.foil):
            asked["foil"] = case["foil"]  # what it was compared with before
        if question.intent is Intent.MISTAKE and not asked["foil"] and asked["text"]:
            asked["foil"], asked["assumed"] = right_one(asked["text"], case if not elsewhere else None)
        state |= dict.fromkeys(("case", "graph", "concepts", "groups", "flows", "drawing", "report"))
        state |= {"features": [], "claims": []}
    return cast(State, state)


def _clean(text: str) -> str:
    """Text that can be stored: lone surrogates cannot be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _refuse_control_characters(piece: str | None) -> None:
    """Tabs and line ends are text; other control characters and lone surrogates are a broken input."""
    for c in piece or "":
        if (ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000:
            raise QuestionError(
                f"The text holds the control character U+{ord(c):04X}, which cannot be read. Remove it."
            )


def answered(events: Iterator[Event]) -> dict[str, Any]:
    """Run a question to its end and return the report; raises AgentError with what went wrong."""
    report = None
    for event in events:  # to the last one: the library is filled after the answer
        if isinstance(event, Failed):
            raise AgentError(event.why)
        if isinstance(event, Answered):
            report = event.report
    if report is None:
        raise AgentError("The question was answered in words, without a report: in_words gives them.")
    return report


def in_words(events: Iterator[Event]) -> str:
    """Run a question to its end and return the answer as markdown; raises AgentError with what went wrong."""
    parts = []
    for event in events:
        if isinstance(event, Failed):
            raise AgentError(event.why)
        if isinstance(event, Said):
            parts.append(event.text)
    return "".join(parts).strip()
