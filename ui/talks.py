"""The conversations that are open on the page, and how one is listened to. Knows no widgets."""

import queue
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent import Event, Session

MOST_OPEN = 256
THREAD = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class Talk:
    """One conversation that is open on some page."""

    session: "Session"
    busy: threading.Lock = field(default_factory=threading.Lock)
    cancel: threading.Event = field(default_factory=threading.Event)


class Talks:
    """The open conversations by thread id; the longest unused one is let go."""

    def __init__(self, open_session: "Callable[[str], Session]") -> None:
        """Start with none."""
        self._open_session = open_session
        self._open: OrderedDict[str, Talk] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, thread: str) -> Talk:
        """The conversation of a thread id, opened when it is not."""
        with self._guard:
            if thread not in self._open:
                self._open[thread] = Talk(self._open_session(thread))
            self._open.move_to_end(thread)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
            return self._open[thread]


def thread_of(value: Any) -> str:
    """A thread id a browser sent, or a new one when it is none of ours."""
    known = isinstance(value, str) and THREAD.fullmatch(value)
    return value if known else uuid.uuid4().hex


def focus_of(click: Any) -> dict[str, str] | None:
    """What a click in the drawing means; the browser's word is trusted no further than this."""
    kind, node, label = (str(getattr(click, name, "")) for name in ("kind", "id", "label"))
    if kind not in ("node", "supernode") or not node or len(node) > 100:
        return None
    return {"kind": kind, "id": node, "label": label[:80]}


def listen(talk: Talk, question: dict[str, Any]) -> "Iterator[Event | None]":
    """The events of an answer, and None twice a second so that a clock can go on.

    The session runs in one thread of its own: the page takes a new one for each piece it draws.
    """
    heard: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            for event in talk.session.ask(**question, cancel=talk.cancel):
                heard.put(event)
        finally:
            heard.put(None)

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(work)
        try:
            yield from until_none(heard)
        finally:
            talk.cancel.set()  # the pool then waits for the thread, which stops within a step
        run.result()


def until_none(heard: "queue.SimpleQueue[Event | None]") -> "Iterator[Event | None]":
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
