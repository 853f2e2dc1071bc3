"""What a visitor keeps: their list of conversations, as their own browser remembers it. Knows no widgets."""

import time
from typing import Any

from ui.render import visible
from ui.talks import THREAD

MOST_LISTED = 50
TITLE = 90


def listed(kept: Any) -> list[dict[str, Any]]:
    """The conversations a browser says it has, newest first; what makes no sense is left out.

    A browser can only name threads it was given: an id has 128 random bits.
    """
    out: dict[str, dict[str, Any]] = {}
    for entry in kept if isinstance(kept, list) else []:
        if not isinstance(entry, dict):
            continue
        thread, title, when = (entry.get(name) for name in ("thread", "title", "time"))
        good = isinstance(thread, str) and THREAD.fullmatch(thread) and isinstance(when, (int, float))
        if good and isinstance(title, str):
            out[str(thread)] = {"thread": thread, "title": visible(title)[:TITLE], "time": when}
    return sorted(out.values(), key=lambda entry: -entry["time"])[:MOST_LISTED]


def with_talk(kept: Any, thread: str, title: str) -> list[dict[str, Any]]:
    """The list with one conversation on top; its first question stays its title."""
    known = {entry["thread"]: entry for entry in listed(kept)}
    name = known[thread]["title"] if thread in known else " ".join(visible(title).split())[:TITLE]
    known[thread] = {"thread": thread, "title": name or "…", "time": round(time.time())}
    return listed(list(known.values()))


def without_talk(kept: Any, thread: str) -> list[dict[str, Any]]:
    """The list without one conversation."""
    return [entry for entry in listed(kept) if entry["thread"] != thread]
