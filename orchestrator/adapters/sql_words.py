"""Writes values and names as SQL, in the form that DuckDB and PostgreSQL share."""

from datetime import UTC, datetime


def literal(value: str | int | datetime | None) -> str:
    """Return a value as a SQL literal."""
    match value:
        case None:
            return "null"
        case int():
            return str(value).lower()  # also for bool: `true`
        case datetime():
            return f"timestamp '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
