"""Defines the settings of a condition before a run: what is waited for, how often it is asked, and what follows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from orchestrator.config.readers import as_written, duration, one_of, text
from orchestrator.config.sections import at, line_of_key
from orchestrator.masking import is_secret_name
from orchestrator.timetable.placeholders import checked

KINDS = ("file", "http", "sql", "source", "schedule")
"""The keys of which a condition has exactly one: what is waited for."""
_REFERENCE = re.compile(r"\$\{[^}]*\}")
_SECRET_HEADERS = re.compile(r"authorization|cookie|api-?key|token|secret", re.IGNORECASE)
_SOURCE = re.compile(r"\w+(\.\w+)?")
_LEAST = timedelta(seconds=1)


class Otherwise(StrEnum):
    """What happens to the run if a condition does not come true in time."""

    FAIL = "fail"
    SKIP = "skip"
    RUN = "run"


def place(value: object) -> str:
    """Return a path, a glob or a URL of files, as it is written; placeholders are checked."""
    where = checked(text(value))
    return _without_secrets(where) if "://" in where else where


def address(value: object) -> str:
    """Return the URL of an HTTP request, as it is written."""
    url = checked(text(value))
    if not url.startswith(("http://", "https://", "${")):
        raise ValueError("expected a URL that begins with http:// or https://")
    return _without_secrets(url)


def connection(value: object) -> str:
    """Return the URL of a database, as it is written."""
    url = text(value)
    if "://" not in url and not url.startswith("${"):
        raise ValueError("expected the URL of a database, such as postgresql://user:${PASSWORD}@host/database")
    return _without_secrets(url)


def statement(value: object) -> str:
    """Return a query; placeholders are checked."""
    query = text(value).strip().rstrip(";")
    if "{{" in query or "{%" in query:
        raise ValueError("Jinja is not rendered here; write the name of the table with its schema")
    return checked(query)


def source_name(value: object) -> str:
    """Return the name of a dbt source, or of one of its tables."""
    name = text(value).removeprefix("source:")
    if _SOURCE.fullmatch(name) is None:
        raise ValueError("expected a dbt source, such as shop.orders, or shop for all of its tables")
    return name


def http_status(value: object) -> int:
    """Return a status of HTTP."""
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    if isinstance(value, str) and value.isdecimal():
        return http_status(int(value))
    raise ValueError("expected a status of HTTP, such as 200")


def value_as_text(value: object) -> str:
    """Return a value as JSON writes it, texts without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def pause(value: object) -> timedelta:
    """Return the time between two questions."""
    span = duration(value)
    if span < _LEAST:
        raise ValueError("expected at least 1s")
    return span


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitSettings:
    """One condition that is waited for before a run; exactly one of the keys in `KINDS` is set."""

    file: str | None = field(default=None, metadata=at("file", as_written(place)))
    """A path or a glob, local or of an object storage. References to the environment are filled in when it is asked."""
    http: str | None = field(default=None, metadata=at("http", as_written(address)))
    """A URL, as it is written."""
    status: int | None = field(default=None, metadata=at("status", http_status))
    """The status of the answer; None for any that means success."""
    json_field: str | None = field(default=None, metadata=at("field", text))
    """A field of the answer's JSON, as a path with dots."""
    equals: str | None = field(default=None, metadata=at("equals", value_as_text))
    """The value of that field; None for any that is true."""
    headers: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), metadata=at("headers.*", as_written(text))
    )
    """The headers of the request, with references to the environment."""
    sql: str | None = field(default=None, metadata=at("sql", statement))
    """A query: the condition is true if its first value is."""
    connection: str | None = field(default=None, metadata=at("connection", as_written(connection)))
    """The database of the query; None for dbt's target."""
    source: str | None = field(default=None, metadata=at("source", source_name))
    """A dbt source that must be fresh."""
    schedule: str | None = field(default=None, metadata=at("schedule", text))
    """Another schedule that must have succeeded."""
    every: timedelta = field(default=timedelta(minutes=1), metadata=at("every", pause))
    """The time between two questions."""
    within: timedelta = field(default=timedelta(hours=1), metadata=at("within", duration))
    """How long it is waited for."""
    otherwise: Otherwise = field(default=Otherwise.FAIL, metadata=at("otherwise", one_of(Otherwise)))
    line: int = line_of_key()


def problems_of(wait: WaitSettings) -> Iterator[str]:
    """Yield what no single key of a condition shows."""
    kinds = [kind for kind in KINDS if getattr(wait, kind) is not None]
    if len(kinds) != 1:
        found = "it has none of them" if not kinds else "it has " + " and ".join(f"'{kind}'" for kind in kinds)
        yield f"a condition is exactly one of {', '.join(KINDS)}; {found}"
    if wait.http is None:
        asked = {"status": wait.status, "field": wait.json_field, "equals": wait.equals, "headers": wait.headers}
        yield from (f"'{name}' belongs to a condition with 'http'" for name, value in asked.items() if value)
    elif wait.equals is not None and wait.json_field is None:
        yield "'equals' needs 'field': the field of the answer that has this value"
    if wait.connection is not None and wait.sql is None:
        yield "'connection' belongs to a condition with 'sql'"
    for name, value in wait.headers.items():
        if (_SECRET_HEADERS.search(name) or is_secret_name(name)) and not _REFERENCE.search(value):
            yield f"the header '{name}' is a secret; write it as a variable of the environment, such as ${{TOKEN}}"


def _without_secrets(url: str) -> str:
    """Return a URL whose secrets are references to the environment; raises ValueError for one that is written out."""
    bare = _REFERENCE.sub("", url)  # what is left of a secret that is a reference is empty
    try:
        parts = urlsplit(bare)
        has_secret = bool(parts.password) or any(
            is_secret_name(name) and value for name, value in parse_qsl(parts.query)
        )
    except ValueError:
        raise ValueError("not a URL") from None
    if has_secret:
        raise ValueError("a secret belongs in the environment; write it as a variable, such as ${TOKEN}")
    return url
