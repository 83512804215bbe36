"""Declares how a child reads one relation, whatever the database, and chooses the implementation."""

from collections.abc import Mapping
from typing import Protocol

import sqlalchemy as sa

from orchestrator.adapters.children.sql_pipe import PipeConnection
from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.read_only import ReadOnlyConnection
from orchestrator.adapters.postgres.login import Login


class Reading(Protocol):
    """A database in which relations are read."""

    def open(self, database: str | None, schema: str) -> ReadOnlyConnection:
        """Open a connection in which unqualified names are in this schema; raises ProgrammingError."""

    def columns(self, connection: ReadOnlyConnection, schema: str, table: str) -> Mapping[str, ColumnType]:
        """Return the relation's columns in order, with their types; raises ProgrammingError if it is missing."""

    def engine(self, connection: ReadOnlyConnection) -> sa.Engine:
        """Return a SQLAlchemy engine that runs everything on the connection."""


def reading_of(kind: str, warehouse: Channel) -> Reading:
    """Return the reading for the kind of database at the other end of the channel."""
    if kind == "postgres":
        from orchestrator.adapters.great_expectations.postgres_reading import PostgresReading

        return PostgresReading(Login(**warehouse.receive()))
    from orchestrator.adapters.great_expectations.duckdb_reading import DuckDbReading

    return DuckDbReading(PipeConnection(warehouse))
