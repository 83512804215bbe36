"""Measures the disk space of a SQLite store, and returns unused space to the disk."""

from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

_PATIENCE = 1000
"""Milliseconds to wait for other processes: a smaller file is not worth a long wait."""
_BESIDE = ("", "-wal")
"""The database and its journal."""


def file_size(url: URL) -> int | None:
    """Return the size of a SQLite store on disk in bytes; None for a database on a server."""
    if url.get_backend_name() != "sqlite":
        return None
    path, size = Path(url.database or ""), 0
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            size += path.with_name(path.name + ending).stat().st_size
    return size


def shrink_file(engine: Engine) -> bool:
    """Rewrite a SQLite file without its free pages; return False if another process uses it or the disk is full."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.exec_driver_sql(f"pragma busy_timeout = {_PATIENCE}")
            connection.exec_driver_sql("vacuum")
            # In this journal mode VACUUM writes to the journal; the checkpoint moves that into the file.
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        except OperationalError:
            return False
    return True
