"""How the threads of a server share memory, so that it does not swell. Without glibc nothing is done."""

import ctypes
import sys

ARENA_MAX = -8  # a parameter of mallopt(3)
ARENAS = 2


def share_memory() -> None:
    """Let the threads of a server take memory from two places.

    Each thread has an arena of its own otherwise, and small things that live on keep what lies beside them:
    call it before the threads begin.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    mallopt = getattr(libc, "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
