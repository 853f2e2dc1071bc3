"""A desk that opens in the background: who needs it waits, who does not goes on. Knows no widgets."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent import Desk

Progress = Callable[[str, float], None]


class Waited(Exception):
    """Whoever waited for the desk was told to stop."""


class Opening:
    """A desk on its way: the model is loaded in a thread of its own, once."""

    def __init__(self, open_desk: "Callable[[Progress], Desk]") -> None:
        """Begin to open it."""
        self._at: tuple[str, float] = ("model", 0.0)
        self._desk: Future[Desk] = Future()
        self._open_desk = open_desk
        threading.Thread(target=self._run, name="opening", daemon=True).start()

    def _run(self) -> None:
        try:
            self._desk.set_result(self._open_desk(self._heard))
        except BaseException as exc:
            self._desk.set_exception(exc)  # told to everybody who asks for the desk

    def _heard(self, what: str, done: float) -> None:
        self._at = (what, done)

    @property
    def ready(self) -> bool:
        """Whether the desk is there, or it is known that it never will be."""
        return self._desk.done()

    @property
    def failed(self) -> bool:
        """Whether it is known that there will be no desk."""
        return self._desk.done() and self._desk.exception() is not None

    @property
    def at(self) -> tuple[str, float]:
        """What is being loaded and how far it is, from 0 to 1."""
        return self._at

    def desk(self, cancel: threading.Event | None = None) -> "Desk":
        """The desk, when it is there; raises what went wrong, or Waited when told to stop."""
        while cancel is not None and not self._desk.done():
            if cancel.wait(0.1):
                raise Waited
        return self._desk.result()

    def close(self) -> None:
        """Wait for the desk and close it."""
        if self._desk.exception() is None:
            self._desk.result().close()


def opened(desk: "Desk") -> Opening:
    """A desk that is open already."""
    opening = Opening(lambda _progress: desk)
    opening.desk()
    return opening
