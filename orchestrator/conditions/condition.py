"""Defines the conditions before a run as values: what is asked, how patiently, and in which words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from orchestrator.config.wait_settings import Otherwise, WaitSettings
from orchestrator.timetable.placeholders import Moments, filled
from orchestrator.wording import shortened, spell

_LONGEST = 60  # characters of a query that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patience:
    """How often a condition is asked, how long, and what follows if it does not come true."""

    every: timedelta = timedelta(minutes=1)
    within: timedelta = timedelta(hours=1)
    otherwise: Otherwise = Otherwise.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCondition(_Patience):
    """A file exists, or a glob matches one."""

    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCondition(_Patience):
    """A URL answers with a status, or with a value in its JSON."""

    url: str
    """References to the environment are filled in where it is asked."""
    status: int | None = None
    json_field: str | None = None
    equals: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCondition(_Patience):
    """The first value of a query is true, or a number other than 0."""

    statement: str
    connection: str | None = None
    """The URL of a database, with references to the environment; None for dbt's target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCondition(_Patience):
    """A dbt source is fresh."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCondition(_Patience):
    """The last time of another schedule, at or before our own time, succeeded."""

    schedule: str
    until: datetime | None = None
    """Our own time; None for the present."""


Condition = FileCondition | HttpCondition | SqlCondition | SourceCondition | ScheduleCondition


def condition_of(wait: WaitSettings, moments: Moments | None = None) -> Condition:
    """Return the condition that the settings describe, for one time of a schedule.

    Raises:
        ValueError: A text has a placeholder, and the run belongs to no time of a schedule.
    """
    return _made(wait, lambda text: filled(text, moments), None if moments is None else moments.time.logical_time)


def _made(wait: WaitSettings, fill: Callable[[str], str], until: datetime | None) -> Condition:
    patience = _Patience(every=wait.every, within=wait.within, otherwise=wait.otherwise)
    times: dict[str, Any] = asdict(patience)
    if wait.file is not None:
        return FileCondition(place=fill(wait.file), **times)
    if wait.http is not None:
        answer: dict[str, Any] = {"status": wait.status, "json_field": wait.json_field, "equals": wait.equals}
        return HttpCondition(url=fill(wait.http), headers=dict(wait.headers), **answer, **times)
    if wait.sql is not None:
        return SqlCondition(statement=fill(wait.sql), connection=wait.connection, **times)
    if wait.source is not None:
        return SourceCondition(source=wait.source, **times)
    if wait.schedule is not None:
        return ScheduleCondition(schedule=wait.schedule, until=until, **times)
    raise TypeError("a condition has one of its kinds")


def words_of(condition: Condition) -> str:
    """Return what is waited for, in words: "file /in/orders.csv"."""
    match condition:
        case FileCondition():
            return f"file {condition.place}"
        case HttpCondition(json_field=None):
            wanted = "" if condition.status is None else f" to answer {condition.status}"
            return f"{condition.url}{wanted}"
        case HttpCondition():
            value = "true" if condition.equals is None else condition.equals
            return f"{condition.url} to answer {condition.json_field} = {value}"
        case SqlCondition():
            return f"sql {shortened(' '.join(condition.statement.split()), _LONGEST)}"
        case SourceCondition():
            return f"source {condition.source} to be fresh"
        case ScheduleCondition():
            return f"schedule {condition.schedule} to succeed"
        case _:
            assert_never(condition)


def patience_of(condition: Condition) -> str:
    """Return how patiently a condition is asked: "asked every 1 min for up to 1 h, then fail"."""
    every, within = (spell(span.total_seconds()) for span in (condition.every, condition.within))
    times = f"asked every {every} for up to {within}" if condition.within else "asked once"
    return f"{times}, then {condition.otherwise.value}"


def conditions_text(waits: Iterable[WaitSettings], moments: Moments | None = None) -> tuple[str, ...]:
    """Return one line for each condition of a schedule, as a plan shows it; secrets are references, as written.

    So are placeholders, unless the time is given that they stand for.
    """
    return tuple(f"{words_of(one)}, {patience_of(one)}" for one in _shown(waits, moments))


def conditions_json(waits: Iterable[WaitSettings], moments: Moments | None = None) -> list[dict[str, object]]:
    """Return the conditions of a schedule for programs."""
    return [
        {
            "condition": words_of(one),
            "every_seconds": one.every.total_seconds(),
            "within_seconds": one.within.total_seconds(),
            "otherwise": one.otherwise.value,
        }
        for one in _shown(waits, moments)
    ]


def _shown(waits: Iterable[WaitSettings], moments: Moments | None) -> Iterator[Condition]:
    for wait in waits:
        yield _made(wait, str, None) if moments is None else condition_of(wait, moments)
