"""Whose conversations a page lists: a login's own, or else those of the browser. Knows no widgets."""

import re
import uuid
from typing import TYPE_CHECKING, Any

from ui.base import show_hidden

if TYPE_CHECKING:
    from agent import ConversationIndex

KEY = re.compile(r"[0-9a-f]{32}")
TITLE = 90


def key_of(value: Any) -> str:
    """The name a browser gave itself, or a new one: 128 random bits that nobody else knows."""
    known = isinstance(value, str) and KEY.fullmatch(value)
    return value if known else uuid.uuid4().hex


def owner_of(login: str | None, key: Any) -> str:
    """Whose conversations these are: with logins the login's, on whatever browser; else the browser's."""
    return f"login {login}" if login else f"browser {key_of(key)}"


def list_conversation(roster: "ConversationIndex", owner: str, thread: str, asked: str) -> None:
    """Put a conversation on top of its owner's list; its first question is its title until it is answered."""
    roster.enter(owner, thread, " ".join(show_hidden(asked).split())[:TITLE] or "…")


def name_conversation(roster: "ConversationIndex", owner: str, thread: str, title: str) -> None:
    """Call a conversation by what it is about, once that is known."""
    if title:
        roster.rename(owner, thread, " ".join(show_hidden(title).split())[:TITLE])
