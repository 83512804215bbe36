"""How a child reads one relation, whatever the database: the port, and which adapter answers to it."""

from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Protocol

import sqlalchemy as sa

from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.read_only import ReadOnlyConnection
from orchestrator.adapters.postgres.login import Login
from orchestrator.adapters.sql_pipe import PipeConnection


class Reading(Protocol):
    """A database in which relations are read."""

    def open(self, database: str | None, schema: str) -> ReadOnlyConnection:
        """Open a connection in which names without a schema are those of this one; raises ProgrammingError."""

    def columns(self, connection: ReadOnlyConnection, schema: str, table: str) -> Mapping[str, ColumnType]:
        """Give the relation's columns in their order with their types; raises ProgrammingError when it is missing."""

    def engine(self, connection: ReadOnlyConnection) -> sa.Engine:
        """Give a SQLAlchemy engine that runs everything on the connection."""


def reading_of(kind: str, pipe: Connection) -> Reading:
    """Read the kind of database that is at the other end of the pipe."""
    if kind == "postgres":
        from orchestrator.adapters.great_expectations.postgres_reading import PostgresReading

        return PostgresReading(Login(**pipe.recv()))
    from orchestrator.adapters.great_expectations.duckdb_reading import DuckDbReading

    return DuckDbReading(PipeConnection(pipe))
