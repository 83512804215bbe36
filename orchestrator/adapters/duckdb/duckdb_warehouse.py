"""Opens the one DuckDB instance of a run, which all parts of the process share through cursors.

All connections of one process to one file share an instance if their configuration is the same. dbt-duckdb therefore
gets this instance when it opens the file with the configuration used here.
"""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestrator.adapters.children.sql_pipe import PipeAccess
from orchestrator.adapters.contents import Built, OutOfTimeError, Reader, Shape, read_contents
from orchestrator.adapters.duckdb import duckdb_content as content
from orchestrator.adapters.duckdb.database_copy import DatabaseCopy, copy_database
from orchestrator.adapters.duckdb.duckdb_built import content_in_duckdb
from orchestrator.adapters.duckdb.duckdb_catalog import ATTACHED, FUNCTIONS, SETTINGS, result_settings, stored_functions
from orchestrator.adapters.duckdb.files import files_digest
from orchestrator.adapters.duckdb.lock import Holder, holder_of
from orchestrator.adapters.duckdb.opening_errors import cannot_open, locked
from orchestrator.adapters.duckdb.storage_format import require_format
from orchestrator.adapters.sql_words import literal
from orchestrator.config.settings import StorageVersion
from orchestrator.errors import StorageVersionError, WarehouseError
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, Content, StoredFunction

_PAUSE = 0.2
"""Seconds between two attempts to open a locked file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFile:
    """The file to open, and its configuration: the same as dbt's, so that dbt shares the instance."""

    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Callable[[], Mapping[str, Any]] = dict
    """Returns what dbt sets for each of its sessions, from the target's `settings` in profiles.yml."""
    storage: StorageVersion | None = None
    """The storage format that the file must have, or an older one."""


class DuckdbWarehouse:
    """An open DuckDB file; its cursors see one another's committed changes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: DatabaseFile) -> None:
        self.file = file
        self._connection = connection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Open a cursor with its own transaction; may be called from any thread."""
        return self._connection.cursor()

    def relations(self) -> frozenset[tuple[str, str]]:
        """Return every table and view as lower-case (schema, name)."""
        with self.cursor() as cursor:
            rows = cursor.execute(
                "select lower(table_schema), lower(table_name) from information_schema.tables"
            ).fetchall()
        return frozenset((schema, name) for schema, name in rows)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on a new cursor and return its rows; its changes are committed."""
        try:
            with self.cursor() as cursor:
                return cursor.execute(statement).fetchall()
        except duckdb.Error as error:
            raise WarehouseError(str(error)) from error

    def exists(self, relation: Relation) -> bool:
        """Return whether a table or view of this name exists now."""
        return relation.key() in self.relations()

    def last_load_age(self, relation: Relation, now: datetime) -> float | None:
        """Return the age in seconds of the last completed dlt load with rows in the table; None if there is none."""
        # dlt sets status 0 when a package is complete. Only rows in this table make a load count for it.
        schema = _quoted(relation.schema)
        query = (
            f"select max(epoch(inserted_at)) from {schema}._dlt_loads"  # noqa: S608  # quoted names
            f" where status = 0 and load_id in (select _dlt_load_id from {schema}.{_quoted(relation.identifier)})"
        )
        try:
            with self.cursor() as cursor:
                row = cursor.execute(query).fetchone()
        except duckdb.Error as error:
            raise WarehouseError(str(error)) from error
        return None if row is None or row[0] is None else now.timestamp() - float(row[0])

    def contents(
        self,
        relations: Collection[Relation],
        budget: Budget,
        *,
        definitions_only: bool = False,
        rows_of_views: Collection[Relation] = (),
    ) -> Mapping[Relation, Content]:
        """Return what each relation that exists contains now, as far as the budget allows."""
        with self._session() as cursor:
            # With dbt's settings, under which builds record their checksums: they can change the text of a value.
            return read_contents(
                _reader(cursor), relations, budget, definitions_only=definitions_only, rows_of_views=rows_of_views
            )

    def stored_functions(self) -> Mapping[str, StoredFunction]:
        """Return the macros and functions that users created, by lower-case name."""
        rows = self.ask(FUNCTIONS)
        with self.cursor() as cursor:
            return stored_functions(rows, lambda call: _binds(cursor, call))

    def files_digest(self, names: Collection[str], seconds: float) -> str:
        """Return the digest of the names and bytes of all files that match; raises WarehouseError after `seconds`."""
        return files_digest(self.ask, sorted(names), seconds)

    def result_settings(self) -> Mapping[str, str]:
        """Return the settings of a dbt session that can change the results of its statements."""
        # A fresh instance shows which settings are DuckDB's own; the others come with extensions.
        with self._session() as cursor, duckdb.connect(":memory:") as fresh:
            return result_settings(
                cursor.execute(SETTINGS).fetchall(), fresh.execute(SETTINGS).fetchall(), self.file.settings()
            )

    def attached(self) -> Mapping[str, str]:
        """Return the attached databases by name, each as its type and path."""
        return {name: f"{of_type} {path or ''}".strip() for name, of_type, path in self.ask(ATTACHED)}

    @contextmanager
    def _session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor with the settings of a dbt session; settings that DuckDB refuses here are ignored."""
        settings = self.file.settings()
        with self.cursor() as cursor:
            # setting an unknown name would load its extension, or try to install it
            known = {name.lower() for name, _ in cursor.execute(SETTINGS).fetchall()} if settings else set()
            for name, value in settings.items():
                if name.lower() in known:
                    with suppress(duckdb.Error):
                        cursor.execute(f"set {_quoted(name)} = {literal(str(value))}")
            yield cursor

    def dbt_session(self) -> duckdb.DuckDBPyConnection:
        """Open a cursor with the settings of a dbt session; as in dbt, DuckDB may refuse one."""
        cursor = self.cursor()
        for name, value in self.file.settings().items():
            cursor.execute(f"set {name} = {literal(str(value))}")
        return cursor

    def built_content(self, cursor: Any, built: Built) -> Content | None:  # noqa: ANN401  # one of `dbt_session`
        """Return the content of what was just built, in the transaction of the cursor."""
        return content_in_duckdb(cursor, built, self.file.settings())

    def access(self) -> PipeAccess:
        """Return the access through which children send their SQL here: they cannot open the file themselves."""
        return PipeAccess(self.cursor, str(self.file.path))

    def copy_to(self, copy: Path) -> DatabaseCopy:
        """Put a copy of the file for readers at a path; raises WarehouseError."""
        return copy_database(self.file.path, copy, self.ask)

    def close(self) -> None:
        """Close our connection; the file is released when all cursors of others are closed too."""
        with suppress(duckdb.Error):
            self._connection.close()


def _binds(cursor: duckdb.DuckDBPyConnection, call: str) -> bool:
    """Return whether a call may be valid: the catalog does not show the defaults of a macro's parameters."""
    try:
        cursor.execute(f"explain {call}")
    except duckdb.Error as error:
        return "does not support the supplied arguments" not in str(error)
    return True


def _reader(cursor: duckdb.DuckDBPyConnection) -> Reader:
    """Return a reader of relations' contents that uses the cursor."""

    def run(statement: str) -> list[Any]:
        try:
            return cursor.execute(statement).fetchall()
        except duckdb.InterruptException as error:
            raise OutOfTimeError(str(error)) from error
        except duckdb.Error as error:
            raise WarehouseError(str(error)) from error

    def run_within(statement: str, seconds: float) -> list[Any]:
        # DuckDB has no setting that limits the time of a statement.
        timer = threading.Timer(seconds, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return run(statement)
        finally:
            timer.cancel()
            # Otherwise an interrupt that is just being sent could hit the next statement.
            timer.join()

    def shapes(relations: Collection[Relation]) -> Mapping[Relation, Shape]:
        [(database,)] = run("select current_database()")
        return content.shapes_of(relations, run(content.asks_for_shapes(relations)), database)

    def too_large(shape: Shape, limit: int) -> tuple[bool, int | None]:
        count = int(run(content.asks_for_count(shape))[0][0])
        return count > limit, count

    return Reader(shapes=shapes, select=content.checksums, ask=run_within, too_large=too_large)


def open_warehouse(
    file: DatabaseFile,
    *,
    lock_timeout: float,
    on_wait: Callable[[Holder], None] = lambda _holder: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> DuckdbWarehouse:
    """Open the file, waiting at most `lock_timeout` seconds for another process to release it.

    Raises WarehouseLockedError, which names that process, or WarehouseError for errors that waiting does not resolve.
    """
    _require_writable_folder(file)
    deadline = clock() + lock_timeout
    is_reported = False
    while True:
        try:
            # With dbt's configuration: DuckDB refuses a second connection to the file with a different one.
            return _of_format(DuckdbWarehouse(duckdb.connect(str(file.path), config=dict(file.config)), file))
        except duckdb.Error as error:
            # DuckDB does not wait for a lock on its file.
            holder = holder_of(str(error))
            if holder is None:
                raise cannot_open(file.path, str(error)) from error
            if clock() >= deadline:
                raise locked(file.path, holder, lock_timeout) from error
            if not is_reported:
                on_wait(holder)
                is_reported = True
            sleep(_PAUSE)


def _of_format(warehouse: DuckdbWarehouse) -> DuckdbWarehouse:
    try:
        require_format(warehouse.ask, warehouse.file.storage)
    except StorageVersionError:
        warehouse.close()
        raise
    return warehouse


def _require_writable_folder(file: DatabaseFile) -> None:
    """Refuse a folder in which the database's log cannot be written: DuckDB would notice only at the first commit."""
    folder = file.path.parent
    reads_only = str(file.config.get("access_mode", "")).lower() == "read_only"
    if folder.is_dir() and not reads_only and not os.access(folder, os.W_OK | os.X_OK):
        raise cannot_open(file.path, f"Permission denied in the folder {folder}")


def _named(relation: Relation) -> str:
    return f"{_quoted(relation.schema)}.{_quoted(relation.identifier)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
