"""Whose conversations there are: owner, thread, title, last question. Knows no logins and no browsers."""

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.core import open_database

MOST = 200  # conversations of one owner that are listed
_TABLE = (
    "create table if not exists roster (thread_id text primary key, owner text not null, "
    "title text not null, moment real not null)"
)


class ConversationIndex:
    """The conversations of each owner, beside the conversations themselves; safe from several threads.

    An owner is any name; a conversation is entered once and stays its owner's.
    """

    def __init__(self, folder: Path) -> None:
        """Kept in the database of this folder; in memory where it cannot be written."""
        self._folder = folder
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def list_conversations(self, owner: str) -> list[dict[str, Any]]:
        """{"thread", "title", "time"} of an owner's conversations, newest first; time in Unix seconds."""
        rows = self._run(
            "select thread_id, title, moment from roster where owner = ? "
            "order by moment desc, rowid desc limit ?",
            (owner, MOST),
        )
        return [{"thread": thread, "title": title, "time": moment} for thread, title, moment in rows]

    def enter(self, owner: str, thread: str, title: str) -> None:
        """A question was asked there; the first is its title at first. Somebody else's is left alone."""
        self._run(
            "insert into roster values (?, ?, ?, ?) "
            "on conflict (thread_id) do update set moment = excluded.moment where owner = excluded.owner",
            (thread, owner, title, time.time()),
        )

    def rename(self, owner: str, thread: str, title: str) -> None:
        """Call an owner's conversation by what it is about."""
        self._run("update roster set title = ? where thread_id = ? and owner = ?", (title, thread, owner))

    def owns(self, owner: str, thread: str) -> bool:
        """Whether this conversation is the owner's."""
        found = self._run("select 1 from roster where thread_id = ? and owner = ?", (thread, owner))
        return bool(found)

    def drop(self, owner: str, thread: str) -> None:
        """Take a conversation off its owner's list; the conversation itself is its session's to forget."""
        self._run("delete from roster where thread_id = ? and owner = ?", (thread, owner))

    def close(self) -> None:
        """Close the database."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._guard:
            if self._connection is None:
                self._connection = open_database(self._folder)
                self._connection.execute(_TABLE)
            with self._connection as connection:
                return connection.execute(sql, values).fetchall()
