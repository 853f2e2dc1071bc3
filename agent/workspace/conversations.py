"""What is kept of conversations: where each stands, in one record, and the question in hand, step by step.

Where a conversation stands is written once a question has its answer. Until then the question is in hand:
LangGraph keeps a checkpoint after each of its steps, on a thread of its own (`name_question_thread`), which
is deleted with the answer. So what is kept grows with the conversations, not with the steps. A question in
hand that nobody works on was cut off, and can be gone on with.
"""

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from agent.core import State, open_database

DAY = 86_400
CUT_OFF_DAYS = 7  # for which a question that was cut off can be gone on with
TABLES = (
    "create table if not exists standing "
    "(thread_id text primary key, moment real not null, kind text not null, state blob not null)",
    "create table if not exists in_hand "
    "(thread_id text primary key, moment real not null, message text not null)",
)

OLD = (
    "select thread_id from standing where moment < ? union select thread_id from in_hand where moment < ? "
    "except select thread_id from in_hand where moment >= ?"
)


class OpenQuestion(NamedTuple):
    """A question that has no answer yet."""

    thread: str
    message: str


class Conversations:
    """The conversations in one folder; safe from several threads, and from several processes."""

    def __init__(self, folder: Path) -> None:
        """Open them; in memory where the folder cannot be written."""
        self._serde = JsonPlusSerializer(allowed_msgpack_modules=None)
        self._guard = threading.Lock()
        self._records = open_database(folder)
        steps = open_database(folder)
        steps.execute("pragma synchronous = normal")  # a step lost with the power is made again
        self.saver = SqliteSaver(steps, serde=self._serde)
        with self._guard, self._records as records:
            known = {name for (name,) in records.execute("select name from sqlite_master")}
            for table in TABLES:
                records.execute(table)
        if "checkpoints" in known and "standing" not in known:
            self._take_over(folder)
        self._forget_cut_off()

    def state(self, thread: str) -> State:
        """Where a conversation stands; empty where nothing was said."""
        found = self._run("select kind, state from standing where thread_id = ?", thread)
        return cast(State, self._serde.loads_typed(tuple(found[0])) if found else {})

    def keep(self, thread: str, state: State, *, goes_on: bool = False) -> None:
        """Where the conversation stands from now on; its question stays in hand only where it `goes_on`."""
        self._write(thread, state, time.time())
        if not goes_on:
            self.drop(thread)

    def begin(self, thread: str, message: str) -> None:
        """A question is in hand; what was in hand before is dropped."""
        self.drop(thread)
        self._run("insert into in_hand values (?, ?, ?)", thread, time.time(), message)

    def open_question(self, thread: str) -> OpenQuestion | None:
        """The question of this conversation that has no answer yet."""
        found = self._run("select thread_id, message from in_hand where thread_id = ?", thread)
        return OpenQuestion(*found[0]) if found else None

    def last_open_question(self, prefix: str) -> OpenQuestion | None:
        """The newest question without an answer in conversations of this kind of name."""
        newest = (
            "select thread_id, message from in_hand where substr(thread_id, 1, ?) = ? order by moment desc"
        )
        found = self._run(f"{newest} limit 1", len(prefix), prefix)
        return OpenQuestion(*found[0]) if found else None

    def drop(self, thread: str) -> None:
        """Forget the question in hand with all its steps."""
        if self._run("delete from in_hand where thread_id = ? returning 1", thread):
            self.saver.delete_thread(name_question_thread(thread))

    def forget(self, thread: str) -> None:
        """Delete a conversation."""
        self.drop(thread)
        self._run("delete from standing where thread_id = ?", thread)

    def forget_older(self, days: int) -> int:
        """Delete the conversations nobody went on with for so many days; how many there were."""
        since = time.time() - days * DAY
        if self._run("select 1 from sqlite_master where name = 'roster'"):
            self._run("delete from roster where moment < ?", since)
        old = self._run(OLD, since, since, since)
        for (thread,) in old:
            self.forget(thread)
        return len(old)

    def close(self) -> None:
        """Release the files."""
        self._records.close()
        self.saver.conn.close()

    def _write(self, thread: str, state: State, moment: float) -> None:
        values = (thread, moment, *self._serde.dumps_typed(dict(state)))
        self._run("insert or replace into standing values (?, ?, ?, ?)", *values)

    def _take_over(self, folder: Path) -> None:
        """Conversations of versions up to 0.4, which kept each as the newest checkpoint of a thread."""
        taken: set[str] = set()
        for thread, moment, state in _list_old_checkpoints(
            SqliteSaver(open_database(folder), serde=self._serde)
        ):
            if thread not in taken:
                self._write(thread, state, moment)
            taken.add(thread)
        for thread in taken:
            self.saver.delete_thread(thread)

    def _forget_cut_off(self) -> None:
        since = time.time() - CUT_OFF_DAYS * DAY
        for (thread,) in self._run("select thread_id from in_hand where moment < ?", since):
            self.drop(thread)

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._guard, self._records as records:
            return records.execute(sql, values).fetchall()


def name_question_thread(thread: str) -> str:
    """The LangGraph thread of a conversation's question in hand."""
    return f"{thread}/question"


def _list_old_checkpoints(saver: SqliteSaver) -> Iterator[tuple[str, float, State]]:
    """Thread, moment and state of each checkpoint, newest first."""
    for found in saver.list(None):
        thread = str(found.config["configurable"]["thread_id"])
        values = {name: v for name, v in found.checkpoint["channel_values"].items() if name in OLD_KEYS}
        if values and not thread.endswith(name_question_thread("")):
            yield thread, datetime.fromisoformat(found.checkpoint["ts"]).timestamp(), cast(State, values)
    saver.conn.close()


OLD_KEYS = frozenset(State.__annotations__)
