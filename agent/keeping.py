"""How long conversations are kept: deletes old ones from the database. Knows nothing of what they hold."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

DAY = 86_400
SINCE_1582 = 0x01B21DD213814000  # 100 ns steps from the start of the Gregorian calendar to 1970 (RFC 9562)


def forget_older(database: Path, days: int) -> int:
    """Delete the conversations nobody went on with for so many days; how many there were.

    A checkpoint's id is a UUID of version 6: it starts with its time, so that ids sort by time.
    """
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        there = "select 1 from sqlite_master where name = 'checkpoints'"
        if connection.execute(there).fetchone() is None:
            return 0
        old = "select thread_id from checkpoints group by thread_id having max(checkpoint_id) < ?"
        threads = connection.execute(old, (id_of(time.time() - days * DAY),)).fetchall()
        for table in ("writes", "checkpoints"):
            connection.executemany(f"delete from {table} where thread_id = ?", threads)
    return len(threads)


def id_of(moment: float) -> str:
    """The start of a version 6 UUID made at this Unix time (seconds)."""
    ticks = int(moment * 10_000_000) + SINCE_1582
    return f"{ticks >> 28:08x}-{(ticks >> 12) & 0xFFFF:04x}-6{ticks & 0xFFF:03x}"
