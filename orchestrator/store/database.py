"""Opens the store, a SQLite file or a PostgreSQL database, at the version that this elt writes."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote as quoted
from urllib.parse import quote

from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, make_url, select, table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from orchestrator.errors import CorruptStoreError, MissingExtraError, NewerStoreError, NothingRecordedError, StoreError
from orchestrator.faults import Point, passing
from orchestrator.full_disk import REMEDY, full_disk_sentence, holds_is_full, says_disk_is_full
from orchestrator.installing import install_hint
from orchestrator.store.json_text import to_json_text
from orchestrator.store.statement_limits import DRIVER, without_limit

VERSION = "0011"
VERSION_TABLE = "store_version"
_BUSY_SECONDS, _CONNECT_SECONDS = 30, 20
_LEAST_ROOM = 1_000_000
"""Bytes: with less, SQLite cannot extend its journal."""
_LOCK = 0x656C74  # the number of our advisory lock on a PostgreSQL server
_CORRUPT = ("file is not a database", "malformed", "disk image")
_HINT = "In elt.yml set `store` to a file (.elt/history.db) or to postgresql://user:password@host/database."


def store_url(location: str, project_root: Path) -> URL:
    """Return the database URL for the setting `store`, which is a path or a URL.

    Raises:
        StoreError: the URL is invalid, or its database is not supported.
    """
    if "://" not in location:
        return URL.create("sqlite", database=str((project_root / location).absolute()))
    try:
        url = make_url(location)
    except (SQLAlchemyError, ValueError):
        raise StoreError("The setting `store` is not a database URL.", hint=_HINT) from None  # it may hold a password
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise StoreError(f"The store does not support {url.get_backend_name()}.", hint=_HINT)
    return url.set(drivername=DRIVER) if url.drivername in {"postgresql", "postgresql+psycopg2"} else url


def open_for_writing(url: URL, *, set_aside: bool = False) -> Engine:
    """Open the store; create it if it does not exist, and migrate an older one.

    Raises:
        StoreError: the store cannot be written, is corrupt (it is then renamed if `set_aside`), or has a newer version.
    """
    if _is_file(url):
        _make_folder(_path(url))
    engine = _engine(url, read_only=False)
    with explained_errors(url, set_aside=set_aside), engine.begin() as connection:
        _bring_up_to_date(connection, url)
    return engine


def open_for_reading(url: URL) -> Engine:
    """Open an existing store, for reading only.

    Raises:
        StoreError: the store does not exist, is corrupt, or has another version.
    """
    if _is_file(url) and not _path(url).exists():
        raise NothingRecordedError(
            f"Nothing is recorded yet: {_path(url)} does not exist.", hint="`elt run` creates the record."
        )
    engine = _engine(url, read_only=True)
    with explained_errors(url), engine.connect() as connection:
        found = _version(connection)
        if found is None:
            raise NothingRecordedError(f"{_named(url)} contains no record.", hint="`elt run` creates the record.")
        _refuse_newer(found, url)
        if found < VERSION:
            raise NothingRecordedError(
                f"{_named(url)} was written by an older elt (version {found} of the store, this elt reads {VERSION}).",
                hint="The next `elt run` upgrades it.",
            )
    return engine


def is_empty(url: URL) -> bool:
    """Return whether nothing was ever recorded in a store; nothing is created."""
    if _is_file(url) and not _path(url).exists():
        return True
    with explained_errors(url), _engine(url, read_only=True).connect() as connection:
        return _version(connection) is None


def _bring_up_to_date(connection: Connection, url: URL) -> None:
    found = _version(connection)
    if found is not None:
        _refuse_newer(found, url)
    if found == VERSION:
        return
    with without_limit(connection):
        have_alone(connection)
        if _version(connection) == VERSION:  # migrated by another run that started at the same moment
            return
        from orchestrator.store.migrate import migrate  # here, because alembic is slow to import

        migrate(connection, VERSION_TABLE)
    passing(Point.STORE_MADE)


def have_alone(connection: Connection) -> None:
    """Begin a transaction during which no other process changes the schema of the store or its leases.

    Python's SQLite driver would otherwise commit each `create table` at once, and a crash could leave half a schema.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("begin immediate" if is_sqlite else f"select pg_advisory_xact_lock({_LOCK})")


def _version(connection: Connection) -> str | None:
    """Return the version of a store; all have four digits, so they sort as text."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return found


def _refuse_newer(found: str, url: URL) -> None:
    if found > VERSION:
        raise NewerStoreError(
            f"{_named(url)} was written by a newer elt: the store has version {found}, this elt supports {VERSION}.",
            hint="Nothing was changed. Use the newer elt, or set `store` in elt.yml to another place.",
        )


def _engine(url: URL, *, read_only: bool) -> Engine:
    if not _is_file(url):
        return _server_engine(url, read_only=read_only)
    path = _path(url)
    mode = "ro" if read_only else "rwc"
    engine = create_engine(
        URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": mode, "uri": "true"}),
        connect_args={"timeout": _BUSY_SECONDS},
        poolclass=NullPool,
        json_serializer=to_json_text,
    )
    event.listen(engine, "connect", _read_only if read_only else _durable)
    return engine


def _server_engine(url: URL, *, read_only: bool) -> Engine:
    patience = {"connect_timeout": url.query.get("connect_timeout", _CONNECT_SECONDS)}  # a server may say nothing
    # After waiting for our advisory lock, the next statement must see what the other run committed.
    options = {"isolation_level": "READ COMMITTED", "connect_args": patience, "json_serializer": to_json_text}
    try:
        engine = create_engine(url, pool_pre_ping=True, **options)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise MissingExtraError(
            "The store is set to PostgreSQL, but its driver is not installed.",
            hint=install_hint("elt-orchestrator[postgres]"),
        ) from None
    return engine.execution_options(postgresql_readonly=True) if read_only else engine


def _durable(connection: sqlite3.Connection, _record: object) -> None:
    """Make each commit reach the disk, so that what was recorded survives a power loss."""
    _write_ahead(connection)
    connection.execute("pragma synchronous = full")
    # SQLite ignores foreign keys otherwise, and deleting a run would leave its steps and events.
    connection.execute("pragma foreign_keys = on")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to write-ahead logging. The file keeps this mode, so only the first connection changes it.

    SQLite does not wait for the lock that this change needs, whatever the timeout of the connection.
    """

    def change() -> None:
        if connection.execute("pragma journal_mode").fetchone() != ("wal",):
            connection.execute("pragma journal_mode = wal")

    try:
        change()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        from tenacity import Retrying, stop_after_delay, wait_random

        Retrying(wait=wait_random(0.01, 0.1), stop=stop_after_delay(_BUSY_SECONDS), reraise=True)(change)


def _read_only(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma query_only = on")


@contextmanager
def explained_errors(url: URL, *, set_aside: bool = False) -> Iterator[None]:
    """Turn database errors into StoreErrors that tell the user what to do; a corrupt file is renamed if `set_aside`."""
    try:
        yield
    except DBAPIError as error:
        raise explained(url, error.orig, set_aside=set_aside) from error


def explained(url: URL, error: BaseException | None, *, set_aside: bool = False) -> StoreError:
    """Return a StoreError that explains a database error to the user; a corrupt file is renamed if `set_aside`."""
    if is_corruption(url, error):
        return _corrupt(_path(url), _reason(error), set_aside=set_aside)
    if _is_file(url) and (says_disk_is_full(_reason(error)) or _is_out_of_room(url, error)):
        which = holds_is_full(_path(url))
        return StoreError(f"{_named(url)} cannot be written. {which}", hint=f"{REMEDY}, then run the command again.")
    return StoreError(f"{_named(url)} cannot be used: {_reason(error)}", hint=_way_out(url))


def _is_out_of_room(url: URL, error: BaseException | None) -> bool:
    """Return whether SQLite's unspecific I/O error comes from a disk without room."""
    if "disk I/O error" not in _reason(error):
        return False
    return shutil.disk_usage(_path(url).parent).free < _LEAST_ROOM


def unwritten(url: URL, error: BaseException | None) -> StoreError:
    """Return a StoreError that says why a run can no longer be recorded."""
    reason = _reason(error)
    if says_disk_is_full(reason) or (_is_file(url) and _is_out_of_room(url, error)):
        which = holds_is_full(_path(url)) if _is_file(url) else full_disk_sentence(str(error))
        return StoreError(
            f"The run can no longer be recorded. {which}",
            hint=f"No further step was started. {REMEDY}, then continue with: elt resume",
        )
    todo = f"{REMEDY} or make it writable" if _is_file(url) else "Check that the server answers"
    return StoreError(
        f"The run can no longer be recorded: {reason}.",
        hint=f"No further step was started. {todo}, then continue with: elt resume",
    )


def is_corruption(url: URL, error: BaseException | None) -> bool:
    """Return whether the error means that the SQLite file of the store is corrupt."""
    return _is_file(url) and any(word in _reason(error) for word in _CORRUPT)


def _reason(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0]


def _corrupt(path: Path, reason: str, *, set_aside: bool) -> StoreError:
    if not set_aside:
        # With its journal, which a new store must not find next to itself.
        folder = quoted(str(path.parent / f"corrupt-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
        move = f"mkdir {folder} && mv {quoted(str(path))}* {folder}"
        return CorruptStoreError(
            f"The record of runs {path} is corrupt: {reason}. Nothing was changed.",
            hint=f"Put a backup in its place, or start a new record: {move}\n"
            "Schedules begin again with a new record: `elt schedule run NAME` runs the latest time of one.",
        )
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    path.rename(aside)
    # The journal belongs to the corrupt file: a new store must not find it next to itself.
    for rest in ("-wal", "-shm"):
        if (left := path.with_name(path.name + rest)).exists():
            left.rename(aside.with_name(aside.name + rest))
    return CorruptStoreError(
        f"The record of runs {path} is corrupt: {reason}. It was renamed to {aside.name}; nothing was run.",
        hint="Run again to start a new record, or restore a backup of the old one first.",
    )


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The record of runs {path} cannot be written: {error.strerror}",
            hint="Make the folder writable, or set `store` in elt.yml to another place.",
        ) from error


def _way_out(url: URL) -> str:
    if _is_file(url):
        return "Make the file and its folder writable, or set `store` in elt.yml to another place."
    return "Check the URL in the setting `store` of elt.yml, and that the server answers."


def _named(url: URL) -> str:
    if _is_file(url):
        return f"The record of runs {_path(url)}"
    port = f":{url.port}" if url.port is not None else ""  # the rest of the URL may contain a password
    return f"The record of runs at {url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _is_file(url: URL) -> bool:
    return bool(url.get_backend_name() == "sqlite")


def _path(url: URL) -> Path:
    return Path(url.database or "")
