"""Where and how long conversations are kept: their database, how old ones go. Knows not what they say."""

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

DATABASE = "talks.sqlite"
DAY = 86_400
SINCE_1582 = 0x01B21DD213814000  # 100 ns steps from the start of the Gregorian calendar to 1970 (RFC 9562)


def forget_older(database: Path, days: int) -> int:
    """Delete the conversations nobody went on with for so many days; how many there were.

    A checkpoint's id is a UUID of version 6: it starts with its time, so that ids sort by time.
    """
    if not database.exists():
        return 0
    since = time.time() - days * DAY
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master")}
        if "roster" in tables:
            connection.execute("delete from roster where moment < ?", (since,))
        if "checkpoints" not in tables:
            return 0
        old = "select thread_id from checkpoints group by thread_id having max(checkpoint_id) < ?"
        threads = connection.execute(old, (id_of(since),)).fetchall()
        for table in ("writes", "checkpoints"):
            connection.executemany(f"delete from {table} where thread_id = ?", threads)
    return len(threads)


def open_database(folder: Path) -> sqlite3.Connection:
    """The database in this folder; in memory, with a warning, where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(folder / DATABASE, check_same_thread=False, timeout=30)
        connection.execute("create table if not exists askcircuit_can_write (x)")
        connection.commit()
    except (OSError, sqlite3.OperationalError) as exc:
        log.warning("conversations are not kept: %s cannot be written (%s)", folder, exc)
        connection = sqlite3.connect(":memory:", check_same_thread=False)
    return connection


def id_of(moment: float) -> str:
    """The start of a version 6 UUID made at this Unix time (seconds)."""
    ticks = int(moment * 10_000_000) + SINCE_1582
    return f"{ticks >> 28:08x}-{(ticks >> 12) & 0xFFFF:04x}-6{ticks & 0xFFF:03x}"
