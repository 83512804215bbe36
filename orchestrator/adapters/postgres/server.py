"""Represents a PostgreSQL database in a run: its relations, the age of loads, and access for children."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from math import inf
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from orchestrator.adapters.contents import OutOfTimeError, Reader, Shape, read_contents
from orchestrator.adapters.postgres import postgres_content as content
from orchestrator.adapters.postgres.connection import cannot_connect, connect
from orchestrator.adapters.postgres.login import Login
from orchestrator.adapters.postgres.login_access import LoginAccess
from orchestrator.adapters.postgres.postgres_catalog import FUNCTIONS, SETTINGS, stored_functions
from orchestrator.errors import WarehouseError
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, Content, StoredFunction
from orchestrator.statement_watch import STATEMENT_WATCH, WatchedStatement

# From pg_catalog: information_schema lacks materialized views, and relations on which the user has no rights.
_RELATIONS = """
    select lower(n.nspname), lower(c.relname)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
"""
_LAST_LOAD = """
    select max(extract(epoch from inserted_at)) from {schema}._dlt_loads
    where status = 0 and load_id in (select _dlt_load_id from {schema}.{table})
"""


class PostgresServer:
    """One database of a server, queried on short connections: no process has to own it."""

    def __init__(self, login: Login, *, target: str) -> None:
        self._login = login
        self._target = target

    def require_open(self) -> None:
        """Raise WarehouseError with the reason if the database cannot be reached."""
        self._ask(sql.SQL("select 1"))

    def relations(self) -> frozenset[tuple[str, str]]:
        """Return every table and view as lower-case (schema, name)."""
        return frozenset((schema, name) for schema, name in self._ask(sql.SQL(_RELATIONS)))

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows; its changes are committed."""
        return self._ask(sql.SQL(statement))

    def last_load_age(self, relation: Relation, now: datetime) -> float | None:
        """Return the age in seconds of the last completed dlt load with rows in the table; None if there is none."""
        # dlt sets status 0 when a package is complete. Only rows in this table make a load count for it.
        query = sql.SQL(_LAST_LOAD).format(
            schema=sql.Identifier(relation.schema), table=sql.Identifier(relation.identifier)
        )
        [(loaded,)] = self._ask(query)
        return None if loaded is None else now.timestamp() - float(loaded)

    def contents(
        self,
        relations: Collection[Relation],
        budget: Budget,
        *,
        definitions_only: bool = False,
        rows_of_views: Collection[Relation] = (),
    ) -> Mapping[Relation, Content]:
        """Return what each relation that exists contains now, as far as the budget allows."""
        with self._cursor() as cursor:
            return read_contents(
                _reader(cursor, self._login.database),
                relations,
                budget,
                definitions_only=definitions_only,
                rows_of_views=rows_of_views,
            )

    def stored_functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions that users created, and those of extensions that are not immutable."""
        return stored_functions(self.ask(FUNCTIONS))

    def files_digest(self, names: Collection[str], seconds: float) -> str:
        """Raise WarehouseError: no dbt source on PostgreSQL is a file."""
        del seconds
        raise WarehouseError(f"PostgreSQL does not read {', '.join(names)}")

    def result_settings(self) -> Mapping[str, str]:
        """Return the settings of a session that can change the results of its statements."""
        return {str(name): str(value) for name, value in self.ask(SETTINGS)}

    def attached(self) -> Mapping[str, str]:
        """Return an empty mapping: PostgreSQL attaches no databases."""
        return {}

    def access(self) -> LoginAccess:
        """Return the access with which children log in themselves."""
        return LoginAccess(self._login)

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _ask(self, query: sql.Composable) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            return _rows(cursor, query)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        try:
            connection = connect(self._login)
        except psycopg2.Error as error:
            raise cannot_connect(self._login, str(error), target=self._target) from error
        with closing(connection), connection.cursor() as cursor:
            yield cursor


def _rows(cursor: Any, query: sql.Composable | str) -> list[tuple[Any, ...]]:  # noqa: ANN401  # psycopg2's own
    try:
        with STATEMENT_WATCH.over(
            WatchedStatement(cursor.connection, inf)
        ):  # a query may take long, but a signal ends it
            cursor.execute(query)
        return cursor.fetchall() if cursor.description else []
    except psycopg2.errors.QueryCanceled as error:
        raise OutOfTimeError(f"PostgreSQL cancelled a statement: {error}".strip()) from error
    except psycopg2.Error as error:
        raise WarehouseError(f"PostgreSQL rejected a query: {error}".strip()) from error


def _reader(cursor: Any, database: str) -> Reader:  # noqa: ANN401  # as above
    """Return a reader of relations' contents that uses the cursor."""

    def shapes(relations: Collection[Relation]) -> Mapping[Relation, Shape]:
        # A transaction, because PLAIN_NAMES lasts until its end.
        _rows(cursor, "begin")
        _rows(cursor, content.PLAIN_NAMES)
        found = content.shapes_of(relations, _rows(cursor, content.asks_for_shapes(relations)), database)
        _rows(cursor, "commit")
        return found

    def run_within(statement: str, seconds: float) -> list[tuple[Any, ...]]:
        # At least 1, because 0 means no limit.
        _rows(cursor, f"set statement_timeout = {max(1, int(seconds * 1000))}")
        return _rows(cursor, statement)

    def too_large(shape: Shape, limit: int) -> tuple[bool, int | None]:
        return content.is_too_large(shape, limit), None

    return Reader(shapes=shapes, select=content.checksums, ask=run_within, too_large=too_large)
