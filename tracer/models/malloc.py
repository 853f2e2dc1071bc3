"""Gives freed memory back to the system. Knows nothing of what was held there."""

import ctypes
import sys


def give_back_memory() -> None:
    """Return to the system what large tensors left behind: glibc keeps it, and a host would swell."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # musl has none
        trim(0)
