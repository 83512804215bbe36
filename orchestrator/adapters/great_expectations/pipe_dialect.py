"""Connects SQLAlchemy in the child process to DuckDB: PostgreSQL's SQL, through the pipe to the owner's cursor.

GX has a PostgreSQL form of nearly every check, and no DuckDB form. DuckDB understands PostgreSQL's SQL, so this dialect
claims to be PostgreSQL and corrects the few constructs that mean something else in DuckDB.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer, PGTypeCompiler
from sqlalchemy.sql.compiler import SQLCompiler

from orchestrator.adapters.great_expectations.read_only import DatabaseError, ProgrammingError, ReadOnlyConnection


class PipeDriver:
    """The object that SQLAlchemy uses as the database's driver module."""

    paramstyle = "numeric_dollar"
    Error = DatabaseError
    DatabaseError = DatabaseError
    ProgrammingError = ProgrammingError


class _QuoteAll(PGIdentifierPreparer):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Quotes every name: DuckDB reserves words that PostgreSQL does not, and ignores case even in quoted names."""

    def quote(self, ident: str) -> str:
        return str(self.quote_identifier(ident))


class _DuckDbTypes(PGTypeCompiler):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Writes DOUBLE: DuckDB's FLOAT has only 32 bits and its NUMERIC 3 digits after the point, unlike PostgreSQL's."""

    def visit_FLOAT(self, type_: object, **kw: object) -> str:  # noqa: ARG002, N802  # SQLAlchemy's names
        return "DOUBLE"

    def visit_NUMERIC(self, type_: object, **kw: object) -> str:  # noqa: N802  # SQLAlchemy's name
        return "DOUBLE" if getattr(type_, "precision", None) is None else str(super().visit_NUMERIC(type_, **kw))


class PlainTexts(PGCompiler):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """Writes a backslash in a text as it is, as the SQL standard says; PostgreSQL's dialect first asks the server."""

    def render_literal_value(self, value: object, type_: object) -> str:
        """Return the value as SQL."""
        return str(SQLCompiler.render_literal_value(self, value, type_))


_MATCHES = {"~": "regexp_matches", "!~": "NOT regexp_matches"}


class _DuckDbCompiler(PlainTexts):
    """Writes patterns so that they mean the same as in PostgreSQL.

    PostgreSQL's LIKE uses a backslash by default, DuckDB's has no escape character. The operator `~` of DuckDB 1
    matches a whole text. PostgreSQL's matches a part of it, and so does `regexp_matches` in every release of DuckDB.
    """

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:  # noqa: ANN401  # SQLAlchemy's
        function = _MATCHES.get(operator.opstring)
        if function is None:
            return str(super().visit_custom_op_binary(element, operator, **kw))
        text, pattern = (self.process(side, **kw) for side in (element.left, element.right))
        return f"{function}({text}, {pattern})"

    def visit_like_op_binary(self, binary: object, operator: object, **kw: object) -> str:
        return self._with_escape(super().visit_like_op_binary(binary, operator, **kw), binary)

    def visit_not_like_op_binary(self, binary: object, operator: object, **kw: object) -> str:
        return self._with_escape(super().visit_not_like_op_binary(binary, operator, **kw), binary)

    @staticmethod
    def _with_escape(sql: str, binary: object) -> str:
        return sql if getattr(binary, "modifiers", {}).get("escape") else f"{sql} ESCAPE '\\'"


class PipeDialect(PGDialect):  # type: ignore[misc]  # SQLAlchemy is not followed by mypy here
    """PostgreSQL's dialect without what only a PostgreSQL server can answer."""

    driver = "elt_pipe"
    supports_statement_cache = False
    default_paramstyle = PipeDriver.paramstyle
    statement_compiler = _DuckDbCompiler
    type_compiler_cls = _DuckDbTypes
    preparer = _QuoteAll
    div_is_floordiv = False

    @classmethod
    def import_dbapi(cls) -> type[PipeDriver]:
        """Return the driver."""
        return PipeDriver

    def initialize(self, connection: object) -> None:  # noqa: ARG002  # SQLAlchemy's signature
        """Set the version without a query."""
        self.server_version_info = (16, 0)

    def do_ping(self, dbapi_connection: object) -> bool:  # noqa: ARG002  # SQLAlchemy's signature
        """Return True; a broken pipe is noticed at the next statement."""
        return True


def connect(connection: ReadOnlyConnection) -> sa.Engine:
    """Return a SQLAlchemy engine that runs everything on one connection."""
    sa.dialects.registry.register("duckdb.elt_pipe", __name__, "PipeDialect")
    return sa.create_engine("duckdb+elt_pipe://", creator=lambda: connection, poolclass=sa.pool.StaticPool)
