"""Converts the record of runs to rows of the store's tables and back.

A field and a column of the same name hold the same value, so only the others are named here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter
from sqlalchemy import Row, Table

from orchestrator.execution.codec import is_mapping
from orchestrator.execution.events import RunStarted
from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.recorded import Opening, RecordedAttempt, RecordedStep, RunHead
from orchestrator.execution.recorded_schedule import scheduled_of
from orchestrator.plan.plan_words import kind_of, told_of
from orchestrator.plan.status import Status
from orchestrator.store.json_text import plain
from orchestrator.store.prepared import Values
from orchestrator.store.tables import attempts, parts, runs
from orchestrator.timetable.scheduled_time import ScheduledTime

Value = TypeVar("Value")


def _same(kind: type[Any], table: Table) -> Callable[[Any], Values]:
    """Return a function that returns the fields of a value that have a column of the same name."""
    names = [one.name for one in fields(kind) if one.name in table.c]
    return lambda value: {name: getattr(value, name) for name in names}


_of_run, _of_attempt, _of_part = _same(Opening, runs), _same(Outcome, attempts), _same(Part, parts)


@dataclass(slots=True)
class RunTimes:
    """The times that are computed from the events of a run."""

    events: int = 0
    last_event_at: datetime | None = None
    idle: timedelta = timedelta()
    """The total time between the last event before each resume that is not a notice, and that resume."""


def run_values(opening: Opening, event: RunStarted, plan_digest: str, manifest_digest: str | None) -> Values:
    """Return the row of a new run."""
    return {
        **_of_run(opening),
        "plan_digest": plan_digest,
        "manifest_digest": manifest_digest,
        "git_commit": opening.code.commit if opening.code else None,
        "git_dirty": opening.code.dirty if opening.code else None,
        "user": opening.process.user,
        "host": opening.process.host,
        "process": opening.process.pid,
        "process_started_at": opening.process.started_at,
        "heartbeat_at": event.at,
        "steps": len(event.plan.steps),
    }


def step_values(event: RunStarted, opening: Opening) -> list[Values]:
    """Return a row for each step of the plan."""
    return [
        {
            "run_id": opening.run_id,
            "step_id": step.id,
            "position": position,
            "kind": kind_of(step),
            "name": step.name,
            "path": step.path,
            "why": told_of(step),
            "place": opening.places.get(step.id, ""),
        }
        for position, step in enumerate(event.plan.steps)
    ]


def attempt_values(outcome: Outcome) -> Values:
    """Return the values that the end of an attempt adds to its row."""
    texts = {"message": plain(outcome.message), "log": plain(outcome.log) or None}
    values = {**_of_attempt(outcome), **end_values(outcome), **texts}
    del values["step_id"]
    return values


def end_values(outcome: Outcome) -> Values:
    """Return the status of an ended step and its reason."""
    return {"status": outcome.status.value, "reason": outcome.reason.code.value, "blame": outcome.reason.blame}


def part_values(outcome: Outcome) -> list[Values]:
    """Return a row for each part of an outcome."""
    return [
        {
            **_of_part(part),
            "position": position,
            "name": plain(part.name),
            "status": part.status.value,
            "message": plain(part.message),
        }
        for position, part in enumerate(outcome.parts)
    ]


def head_of(row: Row[Any], counts: Mapping[Status, int], times: RunTimes) -> RunHead:
    """Return the list entry of a run from its row."""
    process = {"host": row.host, "pid": row.process, "started_at": row.process_started_at, "user": row.user}
    code = {"commit": row.git_commit, "dirty": row.git_dirty} if row.git_commit else None
    last_event_at = times.last_event_at or row.started_at
    return _read(
        RunHead,
        row,
        scheduled=scheduled_of(row.selected),
        process=process,
        code=code,
        last_event_at=last_event_at,
        idle=times.idle,
        counts=counts,
        events=times.events,
    )


def attempt_of(row: Row[Any], its_parts: tuple[Part, ...]) -> RecordedAttempt:
    """Return an attempt from its row."""
    texts = {"log": row.log or "", "dbt_results": row.dbt_results or ()}
    outcome = None if row.status is None else _read(Outcome, row, reason=_reason(row), parts=its_parts, **texts)
    return RecordedAttempt(number=row.attempt, started_at=row.started_at, outcome=outcome)


def part_of(row: Row[Any]) -> Part:
    """Return a part of an outcome from its row."""
    return _read(Part, row)


def step_of(row: Row[Any], its_attempts: tuple[RecordedAttempt, ...]) -> RecordedStep:
    """Return a step from its row."""
    return _read(RecordedStep, row, reason=_reason(row) if row.reason else None, attempts=its_attempts)


def _reason(row: Row[Any]) -> Values:
    return {"code": row.reason, "blame": row.blame}


def _read(kind: type[Value], row: Row[Any], **others: object) -> Value:
    """Return a value from a row, with other values for the fields that the row does not have in this form."""
    return _converter().structure({**row._asdict(), **others}, kind)  # public, despite its name


_KEPT = frozenset({datetime, timedelta, ScheduledTime, tuple[Part, ...], tuple[RecordedAttempt, ...]})


def _is_kept(kind: Any) -> bool:  # noqa: ANN401  # as cattrs asks: any type
    """Return whether a row has values of this type as they are, or they were made from other rows."""
    return is_mapping(kind) or kind in _KEPT


@cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_func(_is_kept, lambda found, _kind: found)
    return converter
