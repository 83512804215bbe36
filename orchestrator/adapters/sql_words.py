"""Writes values and names as SQL, in the form that DuckDB and PostgreSQL share."""

from datetime import UTC, datetime


def literal(value: str | int | datetime | None) -> str:
    """Write a value as SQL."""
    match value:
        case None:
            return "null"
        case int():
            return str(value).lower()  # `true` is one, too
        case datetime():
            return f"timestamp '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Write a name as SQL."""
    return '"' + name.replace('"', '""') + '"'
