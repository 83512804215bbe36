"""Answers whether a query on a database of its own is true: DuckDB directly, any other through SQLAlchemy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.conditions.answer import Answer, impossible, is_true_value, not_yet, true, unknown
from orchestrator.installing import missing_module, module_hint
from orchestrator.wording import shortened

_DUCKDB = "duckdb:///"
_SHOWN = 100
_HEADS = ("Runtime Error", "Database Error", "Compilation Error")
"""The beginnings of the first line of dbt's errors."""
_SECONDS = 25
_CORRECT = "Correct the query of the condition."


def ask_database(statement: str, url: str, folder: Path) -> Answer:
    """Return whether the first value of a query is true; a relative path of a file starts at the folder."""
    if (several := several_statements(statement)) is not None:
        return several
    return (
        _ask_duckdb(statement, folder / url.removeprefix(_DUCKDB)) if url.startswith(_DUCKDB) else _ask(statement, url)
    )


def several_statements(text: str) -> Answer | None:
    """Return the answer for several statements: a `commit` among them would keep what they write; None for one."""
    import sqlparse

    found = [one for one in sqlparse.split(sqlparse.format(text, strip_comments=True)) if one.strip(" ;\n\t")]
    return impossible(f"it has {len(found)} statements", "Write one query.") if len(found) > 1 else None


def verdict_on(rows: Sequence[Sequence[Any]]) -> Answer:
    """Return the answer that the rows of a query give."""
    if not rows or not rows[0]:
        return not_yet("the query returned no row")
    value = rows[0][0]
    words = f"the query returned {'null' if value is None else shortened(str(value), _SHOWN)}"
    is_false = isinstance(value, str) and value.strip().lower() in {"", "false", "f", "no", "0"}
    return true(words) if is_true_value(value) and not is_false else not_yet(words)


def telling_line(message: str) -> str:
    """Return the line of an error that says what happened."""
    lines = [line.strip() for line in message.splitlines()]
    return next((line for line in lines if line and not line.startswith(_HEADS)), "the database refused it")


def refused(message: str) -> Answer:
    """Return the answer for a database that refused a query: never for a statement that is no SQL, else not now."""
    first = telling_line(message)
    if "syntax error" in message.lower() or "parser error" in message.lower():
        return impossible(first, _CORRECT)
    # A table or a column that is missing may be created by what is waited for.
    return unknown(first)


def _ask_duckdb(statement: str, path: Path) -> Answer:
    import duckdb

    if not path.exists():
        return not_yet(f"the database {path} does not exist")
    try:
        with duckdb.connect(str(path), read_only=True) as database:
            return verdict_on(database.execute(statement).fetchmany(1))
    except duckdb.Error as error:
        if "Could not set lock on file" in str(error):
            return unknown(f"another process has locked {path}")
        if "read-only" in str(error):
            return impossible("the statement writes", _CORRECT)
        return refused(str(error))


def _ask(statement: str, url: str) -> Answer:
    from sqlalchemy import create_engine, exc, make_url
    from sqlalchemy.pool import NullPool

    try:
        address = make_url(url)
        if address.drivername in {"postgresql", "postgres"}:  # the driver that dbt and the store use as well
            address = address.set(drivername="postgresql+psycopg2")
        engine = create_engine(address, poolclass=NullPool)
    except ImportError as error:
        module = missing_module(str(error)) or "a driver"
        return impossible(f"the driver {module} of the database is missing", module_hint(module))
    except exc.NoSuchModuleError:
        scheme = url.partition("://")[0]
        return impossible(
            f"the scheme {scheme}:// is unknown",
            "Write a URL of SQLAlchemy, such as postgresql:// or duckdb:///, or install its dialect.",
        )
    except exc.ArgumentError:
        return impossible("the connection is not a URL", "Write postgresql://user:${PASSWORD}@host/database.")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":  # a server goes on when its client is gone
                connection.exec_driver_sql(f"set statement_timeout = '{_SECONDS}s'")
            # Without parameters, percent signs and colons are those of the query.
            rows = connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            first = [tuple(row) for row in rows.fetchmany(1)] if rows.returns_rows else []
            connection.rollback()
            return verdict_on(first)
    except exc.SQLAlchemyError as error:
        return refused(str(getattr(error, "orig", None) or error))
