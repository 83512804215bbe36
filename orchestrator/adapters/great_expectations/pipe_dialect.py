"""DuckDB as SQLAlchemy sees it from the child process: Postgres' SQL, over the pipe to the owner's cursor.

GX has a form of nearly every check for Postgres and none for DuckDB. DuckDB understands Postgres' SQL, so this
dialect says that it is Postgres and puts right the few words that mean something else in DuckDB.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer, PGTypeCompiler

from orchestrator.adapters.great_expectations.read_only import DatabaseError, ProgrammingError, ReadOnlyConnection


class PipeDriver:
    """The module that SQLAlchemy takes for the database's driver."""

    paramstyle = "numeric_dollar"
    Error = DatabaseError
    DatabaseError = DatabaseError
    ProgrammingError = ProgrammingError


class _QuoteAll(PGIdentifierPreparer):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """DuckDB reserves words that Postgres does not, and quoting costs nothing: it never looks at case."""

    def _requires_quotes(self, value: str) -> bool:  # noqa: ARG002  # SQLAlchemy's signature
        return True


class _DuckDbTypes(PGTypeCompiler):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Postgres' FLOAT has 64 bits and its NUMERIC any number of digits; DuckDB's have 32 bits and 3 digits."""

    def visit_FLOAT(self, type_: object, **kw: object) -> str:  # noqa: ARG002, N802  # SQLAlchemy's names
        return "DOUBLE"

    def visit_NUMERIC(self, type_: object, **kw: object) -> str:  # noqa: N802  # SQLAlchemy's name
        return "DOUBLE" if getattr(type_, "precision", None) is None else str(super().visit_NUMERIC(type_, **kw))


class _DuckDbCompiler(PGCompiler):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Postgres escapes a LIKE pattern with a backslash unless told otherwise; DuckDB with nothing."""

    def visit_like_op_binary(self, binary: object, operator: object, **kw: object) -> str:
        return self._with_escape(super().visit_like_op_binary(binary, operator, **kw), binary)

    def visit_not_like_op_binary(self, binary: object, operator: object, **kw: object) -> str:
        return self._with_escape(super().visit_not_like_op_binary(binary, operator, **kw), binary)

    @staticmethod
    def _with_escape(sql: str, binary: object) -> str:
        return sql if getattr(binary, "modifiers", {}).get("escape") else f"{sql} ESCAPE '\\'"


class PipeDialect(PGDialect):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Postgres' dialect without what only a Postgres server can answer."""

    driver = "elt_pipe"
    supports_statement_cache = False
    default_paramstyle = PipeDriver.paramstyle
    statement_compiler = _DuckDbCompiler
    type_compiler_cls = _DuckDbTypes
    preparer = _QuoteAll
    div_is_floordiv = False

    @classmethod
    def import_dbapi(cls) -> type[PipeDriver]:
        """Give the driver."""
        return PipeDriver

    def initialize(self, connection: object) -> None:  # noqa: ARG002  # SQLAlchemy's signature
        """Ask the database nothing."""
        self.server_version_info = (16, 0)
        self._backslash_escapes = False

    def do_ping(self, dbapi_connection: object) -> bool:  # noqa: ARG002  # SQLAlchemy's signature
        """Say that the pipe is there; a broken one shows at the next statement."""
        return True


def connect(connection: ReadOnlyConnection) -> sa.Engine:
    """Give a SQLAlchemy engine that runs everything on one connection."""
    sa.dialects.registry.register("duckdb.elt_pipe", __name__, "PipeDialect")
    return sa.create_engine("duckdb+elt_pipe://", creator=lambda: connection, poolclass=sa.pool.StaticPool)
