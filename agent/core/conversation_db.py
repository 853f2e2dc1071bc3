"""Where conversations are kept: their database. Knows not what they say."""

import logging
import sqlite3
from pathlib import Path

log = logging.getLogger(__name__)

DATABASE = "talks.sqlite"


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
