"""PostgreSQL as expectations read it: by a connection of the child's own, in one snapshot of the data."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from orchestrator.adapters.great_expectations.column_types import ColumnType
from orchestrator.adapters.great_expectations.pipe_dialect import PipeDriver
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
    """What SQLAlchemy takes for the database's driver: psycopg2 reads parameters by name."""

    paramstyle = "pyformat"


class ServerDialect(PGDialect):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Postgres' own dialect, on the connection that is read through."""

    driver = "elt_server"
    supports_statement_cache = False
    default_paramstyle = _Driver.paramstyle

    @classmethod
    def import_dbapi(cls) -> type[_Driver]:
        """Give the driver."""
        return _Driver

    def initialize(self, connection: Any) -> None:  # noqa: ANN401  # SQLAlchemy's own
        """Ask for the version only."""
        version = int(connection.exec_driver_sql("show server_version_num").scalar())
        self.server_version_info = (version // 10000, version % 10000)
        self._backslash_escapes = False

    def do_ping(self, dbapi_connection: object) -> bool:  # noqa: ARG002  # SQLAlchemy's signature
        """Say that the connection is there; a broken one shows at the next statement."""
        return True


class _ServerCursor:
    """A cursor that takes its connection with it when it is closed."""

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
    """The database that a login leads to."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def open(self, database: str | None, schema: str) -> ReadOnlyConnection:  # noqa: ARG002  # the login's
        """Open a connection on the schema, with the profile's own path behind it for types and functions."""
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
        """Give the columns with the types that Postgres gives them."""
        described = connection.read(_COLUMNS, [schema, table]).fetchall()
        if not described:
            raise ProgrammingError(f"there is no table or view {schema}.{table}")
        return {name: ColumnType(_precision_last(type_), _ALIASES) for name, type_ in described}

    def engine(self, connection: ReadOnlyConnection) -> sa.Engine:
        """Give an engine that writes Postgres' SQL."""
        sa.dialects.registry.register("postgresql.elt_server", __name__, "ServerDialect")
        return sa.create_engine("postgresql+elt_server://", creator=lambda: connection, poolclass=sa.pool.StaticPool)


def _precision_last(type_: str) -> str:
    """Give `timestamp(6) without time zone` as `timestamp without time zone(6)`, as other types are written."""
    before, bracket, rest = type_.partition("(")
    precision, closing, after = rest.partition(") ")
    return f"{before} {after}({precision})" if bracket and closing else type_
