"""Reads DuckDB for expectations: through the pipe, on a cursor of the owner."""

import sqlalchemy as sa

from orchestrator.adapters.children.sql_pipe import PipeConnection
from orchestrator.adapters.great_expectations import pipe_dialect
from orchestrator.adapters.great_expectations.column_types import ColumnType, aliases_of
from orchestrator.adapters.great_expectations.read_only import ProgrammingError, ReadOnlyConnection, quoted


class DuckDbReading:
    """The owner's warehouse."""

    def __init__(self, pipe: PipeConnection) -> None:
        self._pipe = pipe

    def open(self, database: str | None, schema: str) -> ReadOnlyConnection:
        """Open a cursor of the owner with this schema as its search path."""
        cursor = self._pipe.cursor()
        path = ".".join(quoted(name) for name in (database, schema) if name is not None)
        try:
            cursor.execute(f"set search_path = '{path.replace(chr(39), chr(39) * 2)}'")
        except Exception as error:
            raise ProgrammingError(f"there is no schema {schema}") from error
        return ReadOnlyConnection(cursor, begin="begin transaction read only")

    def columns(self, connection: ReadOnlyConnection, schema: str, table: str) -> dict[str, ColumnType]:  # noqa: ARG002  # the port's signature
        """Return the columns with DuckDB's names of their types."""
        described = connection.read(f"describe select * from {quoted(table)}").fetchall()  # noqa: S608  # quoted
        aliases = aliases_of(connection.read("select type_name, logical_type from duckdb_types()").fetchall())
        return {row[0]: ColumnType(row[1], aliases) for row in described}

    def engine(self, connection: ReadOnlyConnection) -> sa.Engine:
        """Return an engine that writes PostgreSQL's SQL in a form that DuckDB accepts."""
        return pipe_dialect.connect(connection)
