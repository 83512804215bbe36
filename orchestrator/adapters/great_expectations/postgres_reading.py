"""Reads PostgreSQL for expectations: on the child's own connection, in one snapshot of the data."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.pipe_dialect import PipeDriver, PlainTexts
from orchestrator.adapters.great_expectations.read_only import ProgrammingError, ReadOnlyConnection
from orchestrator.adapters.postgres.connection import connect
from orchestrator.adapters.postgres.login import Login

_BEGIN = "begin transaction isolation level repeatable read, read only"
_PATH = """
    select to_regnamespace(quote_ident(%s)) is not null,
        set_config('search_path', concat_ws(', ', quote_ident(%s), nullif(current_setting('search_path'), '')), false)
"""
_COLUMNS = """
    select attname::text, format_type(atttypid, atttypmod)
    from pg_catalog.pg_attribute
    where attrelid = to_regclass(format('%%I.%%I', %s, %s)) and attnum > 0 and not attisdropped
    order by attnum
"""
_ALIASES = {
    "int2": "smallint",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "float": "double precision",
    "float8": "double precision",
    "double_precision": "double precision",
    "double": "double precision",
    "float4": "real",
    "decimal": "numeric",
    "bool": "boolean",
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "timestamp": "timestamp without time zone",
    "datetime": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}


class _Driver(PipeDriver):
    """The object that SQLAlchemy uses as the driver module: psycopg2 takes parameters by name."""

    paramstyle = "pyformat"


class ServerDialect(PGDialect):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """PostgreSQL's own dialect on the connection used for reading."""

    driver = "elt_server"
    supports_statement_cache = False
    default_paramstyle = _Driver.paramstyle
    statement_compiler = PlainTexts

    @classmethod
    def import_dbapi(cls) -> type[_Driver]:
        """Return the driver."""
        return _Driver

    def initialize(self, connection: Any) -> None:  # noqa: ANN401  # SQLAlchemy's own
        """Query only the version."""
        version = int(connection.exec_driver_sql("show server_version_num").scalar())
        self.server_version_info = (version // 10000, version % 10000)

    def do_ping(self, dbapi_connection: object) -> bool:  # noqa: ARG002  # SQLAlchemy's signature
        """Return True; a broken connection is noticed at the next statement."""
        return True


class _ServerCursor:
    """A cursor that closes its connection when it is closed."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401  # psycopg2 ships without types
        self._connection = connection
        self._cursor = connection.cursor()

    @property
    def description(self) -> Any:  # noqa: ANN401  # DBAPI's own
        return self._cursor.description

    def execute(self, sql: str, parameters: Any = None) -> None:  # noqa: ANN401  # DBAPI's own
        self._cursor.execute(sql, parameters)

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def close(self) -> None:
        self._connection.close()


class PostgresReading:
    """The database that the login connects to."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def open(self, database: str | None, schema: str) -> ReadOnlyConnection:  # noqa: ARG002  # the login names the database
        """Open a connection with the schema first on the search path, before the profile's own path.

        Types and functions are found through the profile's path.
        """
        try:
            cursor = _ServerCursor(connect(self._login))
        except Exception as error:
            raise ProgrammingError(str(error).strip()) from error
        cursor.execute(_PATH, [schema, schema])
        [(there, _)] = cursor.fetchall()
        if not there:
            cursor.close()
            raise ProgrammingError(f"there is no schema {schema}")
        return ReadOnlyConnection(cursor, begin=_BEGIN)

    def columns(self, connection: ReadOnlyConnection, schema: str, table: str) -> dict[str, ColumnType]:
        """Return the columns with PostgreSQL's names of their types."""
        described = connection.read(_COLUMNS, [schema, table]).fetchall()
        if not described:
            raise ProgrammingError(f"there is no table or view {schema}.{table}")
        return {name: ColumnType(_precision_last(type_), _ALIASES) for name, type_ in described}

    def engine(self, connection: ReadOnlyConnection) -> sa.Engine:
        """Return an engine that writes PostgreSQL's SQL."""
        sa.dialects.registry.register("postgresql.elt_server", __name__, "ServerDialect")
        return sa.create_engine("postgresql+elt_server://", creator=lambda: connection, poolclass=sa.pool.StaticPool)


def _precision_last(type_: str) -> str:
    """Return `timestamp(6) without time zone` as `timestamp without time zone(6)`, the form of other types."""
    before, bracket, rest = type_.partition("(")
    precision, closing, after = rest.partition(") ")
    return f"{before} {after}({precision})" if bracket and closing else type_
