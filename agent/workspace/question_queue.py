"""Who is asking, in the order they came: one question at a time, and a way to end them all."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from agent.core import AgentError, StepProgress
from tracer import give_back_memory


class QueueClosed(AgentError):
    """No questions are taken any more."""


class QueuePlace:
    """One question's place in the line."""

    def __init__(self, line: "QuestionQueue", stop: threading.Event) -> None:
        self._line, self.stop = line, stop

    def ahead(self) -> int:
        """How many questions are answered before this one."""
        return self._line.ahead(self)

    def wait(self, seconds: float) -> bool:
        """Wait for the turn at most this long; tells whether it has come."""
        return self._line.wait(self, seconds)


class QuestionQueue:
    """First come, first served; a lock would let any of those who wait go first."""

    def __init__(self) -> None:
        self._line: list[QueuePlace] = []
        self._changed = threading.Condition()
        self._closed = ""

    def __len__(self) -> int:
        return len(self._line)

    @contextmanager
    def place(self, stop: threading.Event) -> Iterator[QueuePlace]:
        """Stand in the line for as long as the block lasts; raises Closed."""
        place = QueuePlace(self, stop)
        with self._changed:
            if self._closed:
                raise QueueClosed(self._closed)
            self._line.append(place)
        try:
            yield place
        finally:
            give_back_memory()  # before the next one begins
            with self._changed:
                self._line.remove(place)
                self._changed.notify_all()

    def ahead(self, place: QueuePlace) -> int:
        """How many stand before this place."""
        with self._changed:
            return self._line.index(place)

    def wait(self, place: QueuePlace, seconds: float) -> bool:
        """Whether the place is the first within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._line[0] is place, seconds)

    def close(self, why: str) -> None:
        """Take no more questions; whoever asks is told why."""
        with self._changed:
            self._closed = why

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether every question has ended within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._line, seconds)

    def stop(self) -> None:
        """End every question, running or waiting, within a step."""
        with self._changed:
            for place in self._line:
                place.stop.set()


def wait_turn(place: QueuePlace) -> Generator[StepProgress, None, bool]:
    """Wait, and say how many come before whenever that changes; whether the turn came before a stop."""
    told = 0
    while not place.wait(0.2):
        if place.stop.is_set():
            return False
        ahead = place.ahead()
        if ahead and ahead != told:
            others = "another question is" if ahead == 1 else f"{ahead} questions are"
            yield StepProgress("wait", 0.0, f"{others} answered before this one")
            told = ahead
    if told:
        yield StepProgress("wait", 1.0)
    return True
