"""The system's memory: what is free, and giving back what was freed. Knows nothing of what is held there."""

import ctypes
import os
import sys
from pathlib import Path


def give_back_memory() -> None:
    """Return to the system what large tensors left behind: glibc keeps it, and a host would swell."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # musl has none
        trim(0)


def free_memory() -> int:
    """Bytes of memory that programs can still take, within what a container allows."""
    try:
        room = Path("/sys/fs/cgroup")
        limit, used = (int((room / f"memory.{name}").read_text("ascii")) for name in ("max", "current"))
        held = (line.split() for line in (room / "memory.stat").read_text("ascii").splitlines())
        used -= next((int(size) for name, size in held if name == "inactive_file"), 0)  # given up when asked
    except (OSError, ValueError):  # no container, or one without a limit
        return _unclaimed()
    return min(_unclaimed(), limit - used)


def _unclaimed() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
