"""The conversations that are open on the page, and how one is listened to. Knows no widgets."""

import queue
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ui.base import ModelLoader, WaitCancelled

if TYPE_CHECKING:
    from agent import Bundle, Event, Session, Unfinished

MOST_OPEN = 256
LEAVING = 10.0  # seconds
THREAD = re.compile(r"[0-9a-f]{32}")
WRITING = re.compile(r"W\d{1,6}")


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """What was opened from a file or a link: it can be looked at before the model is there."""

    history: list[dict[str, Any]]
    drawing: dict[str, Any] | None
    bundle: "Bundle | None" = None  # None: somebody's graph file, which can only be looked at

    @staticmethod
    def of(bundle: "Bundle") -> "OpenedFile":
        """A bundle as it was left."""
        return OpenedFile([dict(each) for each in bundle.history], bundle.drawing.plain(), bundle)


@dataclass(slots=True)
class OpenConversation:
    """One conversation that is open on some page."""

    opening: ModelLoader
    thread: str
    busy: threading.Lock = field(default_factory=threading.Lock)
    cancel: threading.Event = field(default_factory=threading.Event)
    still: "OpenedFile | None" = None  # what was opened here and not yet asked about
    shown: str | None = None  # the circuit that was drawn while the last question was answered
    page: str | None = None  # the page that asked the last question
    _session: "Session | None" = None

    def session(self, cancel: threading.Event | None = None) -> "Session":
        """The agent's side of it, once the workspace is there; raises AgentError when it never will be."""
        if self._session is None:
            from agent import Session

            workspace = self.opening.workspace(cancel)
            self._session = Session(workspace, self.thread, asks=workspace.settings.asks_for_more)
        if self.still is not None and self.still.bundle is not None:
            self._session.open(self.still.bundle)
        self.still = None
        return self._session

    def left(self, page: str | None) -> bool:
        """Whether it can be shown on this page: its own answer, where one is on its way, shows itself.

        That of a page that was closed or loaded again stops within a step, for which this waits.
        """
        if self.page != page and self.busy.acquire(timeout=LEAVING):
            self.busy.release()
        return self.page != page or not self.busy.locked()

    def history(self) -> list[dict[str, Any]]:
        """What was said so far."""
        if self.still is not None:
            return self.still.history
        return [dict(each) for each in self.session().history()]

    def unfinished(self) -> "Unfinished | None":
        """The question that was cut off, or waits for a yes; none while one is being answered."""
        if self.still is not None or self.busy.locked() or not self.opening.ready or self.opening.failed:
            return None
        return self.session().unfinished()

    def title(self) -> str:
        """What it is about; empty where no text was looked at yet."""
        return "" if self._session is None else self._session.title()

    def choices(self) -> list[str]:
        """Both readings of the last message, where it was not clear how it was meant."""
        return [] if self.still is not None or not self.opening.ready else self.session().choices()

    def drawing(self) -> dict[str, Any] | None:
        """The circuit that was shown last."""
        return self.still.drawing if self.still is not None else self.session().last_drawing()

    def bundle(self) -> "Bundle":
        """The explanation with all it rests on; raises AgentError where there is none."""
        if self.still is not None and self.still.bundle is not None:
            return self.still.bundle
        return self.session().bundle()


class OpenConversations:
    """The open conversations by thread id; the longest unused one is let go."""

    def __init__(self, opening: ModelLoader) -> None:
        """Start with none."""
        self._opening = opening
        self._open: OrderedDict[str, OpenConversation] = OrderedDict()
        self._guard = threading.Lock()

    def asked_on(self, page: str | None) -> bool:
        """Whether a question was asked on this page."""
        with self._guard:
            return page is not None and any(talk.page == page for talk in self._open.values())

    def get(self, thread: str) -> OpenConversation:
        """The conversation of a thread id, opened when it is not."""
        with self._guard:
            if thread not in self._open:
                self._open[thread] = OpenConversation(self._opening, thread)
            self._open.move_to_end(thread)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return self._open[thread]


def read_thread(value: Any) -> str:
    """A thread id a browser sent, or a new one when it is none of ours."""
    known = isinstance(value, str) and THREAD.fullmatch(value)
    return value if known else uuid.uuid4().hex


def read_focus(click: Any) -> dict[str, str] | None:
    """What a click in the drawing means; the browser's word is trusted no further than this."""
    kind, node, label = (str(getattr(click, name, "")) for name in ("kind", "id", "label"))
    if kind not in ("node", "supernode") or not node or len(node) > 100:
        return None
    return {"kind": kind, "id": node, "label": label[:80]}


def read_factor(click: Any) -> float | None:
    """What the slider stands at; None for what is no number between -2 and 3."""
    try:
        factor = float(getattr(click, "factor", "nan"))
    except (TypeError, ValueError):
        return None
    return factor if -2 <= factor <= 3 else None


def read_number(click: Any) -> int:
    """The number of a request, so that the page knows which answer belongs to it."""
    number = getattr(click, "n", 0)
    return number if isinstance(number, int) else 0


def try_factor(talk: OpenConversation, click: Any) -> dict[str, Any] | None:
    """What the model says with what is pinned scaled once, without controls; None for what asks nothing."""
    from agent import AgentError

    focus, factor = read_focus(click), read_factor(click)
    if focus is None or factor is None:
        return None
    known = {"n": read_number(click), "id": focus["id"]}
    if not talk.opening.ready:
        return {**known, "why": "The model is still loading."}
    try:
        return {**talk.session().try_out(focus["id"], factor).plain(), **known}
    except AgentError as exc:
        return {**known, "why": str(exc)}


def write_action(click: Any) -> str | None:
    """What a button of the drawing asks in words: a test of what was scaled, or a swap."""
    act, words, factor = getattr(click, "act", ""), str(getattr(click, "words", "")), read_factor(click)
    if act == "test" and factor is not None:
        return "Remove this." if factor == 0 else f"Scale this by {factor:g}."
    if act == "swap" and words.strip():
        return f"Swap this for '{words.strip()[:100]}'"
    return None


def read_token(click: Any) -> dict[str, Any] | None:
    """Which token of what the subject wrote is asked about, and against which other; None for no token."""
    name, at = str(getattr(click, "writing", "")), getattr(click, "at", None)
    foil = str(getattr(click, "foil", "") or "")[:200].replace("⏎", "\n").replace("⇥", "\t")
    if getattr(click, "act", "") != "token" or not WRITING.fullmatch(name) or not isinstance(at, int):
        return None
    return {"writing": name, "position": at, "foil": foil or None}


def stream_events(talk: OpenConversation, question: dict[str, Any]) -> "Iterator[Event | None]":
    """The events of an answer, and None twice a second so that a clock can go on.

    The session runs in one thread of its own: the page takes a new one for each piece it draws.
    """
    heard: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            for event in stream_answer(talk, question):
                heard.put(event)
        finally:
            heard.put(None)

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(work)
        try:
            yield from iterate_queue(heard)
        finally:
            talk.cancel.set()  # the pool then waits for the thread, which stops within a step
        run.result()


def stream_answer(talk: OpenConversation, question: dict[str, Any]) -> "Iterator[Event]":
    """The events of an answer, after those of the model's loading where it is not there yet."""
    from agent import AgentError, Failed, StepProgress

    try:
        while not talk.opening.ready:
            what, done = talk.opening.at
            yield StepProgress(f"load {what}", min(done, 0.99))
            if talk.cancel.wait(1.0):
                raise WaitCancelled
        session = talk.session(talk.cancel)
    except WaitCancelled:
        yield Failed("Stopped.")
        return
    except AgentError as exc:
        yield Failed(str(exc))
        return
    if (request := question.get("write")) is not None:
        yield from session.write(request, cancel=talk.cancel)
    elif (token := question.get("token")) is not None:
        yield from session.explain_token(**token, cancel=talk.cancel)
    else:
        yield from session.ask(**question, cancel=talk.cancel)


def iterate_queue(heard: "queue.SimpleQueue[Event | None]") -> "Iterator[Event | None]":
    """What is put into the queue up to the None that ends it; None whenever nothing came."""
    while True:
        try:
            event = heard.get(timeout=0.5)
        except queue.Empty:
            yield None
            continue
        if event is None:
            return
        yield event
