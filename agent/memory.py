"""How memory goes back to the system, so that a server does not swell. Without glibc nothing is done."""

import ctypes
import sys
from typing import Any

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # parameters of mallopt(3)
ARENAS = 2
LARGE = 2 << 20  # bytes


def share_memory() -> None:
    """Let the threads of a server take memory from two places, and large pieces from the system itself.

    Each thread has an arena of its own otherwise, and small things that live on keep what lies beside them:
    call it before the threads begin.
    """
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
        mallopt(MMAP_THRESHOLD, LARGE)


def give_back_memory() -> None:
    """Return to the system what large tensors left behind: glibc keeps it, and a host would swell."""
    trim = getattr(_libc(), "malloc_trim", None)  # musl has none
    if trim is not None:
        trim(0)


def _libc() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
