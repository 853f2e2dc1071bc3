"""Lets whoever waits for long work end it: loops over layers and batches give a pulse, a caller may listen.

Progress tells how far a whole step is; a pulse only says that a piece of it is done, a few times a second.
The listener is bound to the caller's own context (thread), so that it ends its own work and no other's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[], None]) -> Iterator[None]:
    """Within the block, `listener` is called between pieces of work; what it raises ends the work."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def pulse() -> None:
    """A piece of work is done."""
    listener = _LISTENER.get()
    if listener is not None:
        listener()
