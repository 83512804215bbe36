"""Converts the record of runs to rows of the store's tables and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from orchestrator.execution.events import RunStarted
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, Reason, ReasonCode
from orchestrator.execution.recorded import (
    Code,
    Opening,
    Process,
    RecordedAttempt,
    RecordedStep,
    RunHead,
)
from orchestrator.plan.explain import kind_of, told_of
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.store.json_text import plain
from orchestrator.store.prepared import Values


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
        "run_id": opening.run_id,
        "verb": opening.verb,
        "trigger": opening.trigger,
        "command": list(opening.command),
        "selected": dict(opening.selected),
        "vars": dict(opening.vars),
        "logical_date": opening.logical_date,
        "plan_digest": plan_digest,
        "manifest_digest": manifest_digest,
        "git_commit": opening.code.commit if opening.code else None,
        "git_dirty": opening.code.dirty if opening.code else None,
        "versions": dict(opening.versions),
        "target": opening.target,
        "target_identity": opening.target_identity,
        "database": opening.database,
        "user": opening.process.user,
        "host": opening.process.host,
        "process": opening.process.pid,
        "process_started_at": opening.process.started_at,
        "started_at": opening.started_at,
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
    return {
        **end_values(outcome),
        "started_at": outcome.started_at,
        "ended_at": outcome.ended_at,
        "tool_word": outcome.tool_word,
        "message": plain(outcome.message),
        "rows_affected": outcome.rows_affected,
        "row_count": outcome.row_count,
        "bytes_processed": outcome.bytes_processed,
        "query_seconds": outcome.query_seconds,
        "failures": outcome.failures,
        "error_class": outcome.error_class,
        "path": outcome.path,
        "compiled_path": outcome.compiled_path,
        "log": plain(outcome.log) or None,
        "dbt_results": list(outcome.dbt_results),
    }


def end_values(outcome: Outcome) -> Values:
    """Return the status of an ended step and its reason."""
    return {"status": outcome.status.value, "reason": outcome.reason.code.value, "blame": outcome.reason.blame}


def part_values(outcome: Outcome) -> list[Values]:
    """Return a row for each part of an outcome."""
    return [
        {
            "position": position,
            "name": plain(part.name),
            "status": part.status.value,
            "message": plain(part.message),
            "rows": part.rows,
            "detail": dict(part.detail),
        }
        for position, part in enumerate(outcome.parts)
    ]


def head_of(row: Row[Any], counts: Mapping[Status, int], times: RunTimes) -> RunHead:
    """Return the list entry of a run from its row."""
    return RunHead(
        run_id=row.run_id,
        verb=row.verb,
        trigger=row.trigger,
        command=tuple(row.command),
        target=row.target,
        target_identity=row.target_identity,
        database=row.database,
        status=Status(row.status) if row.status else None,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        last_event_at=times.last_event_at or row.started_at,
        idle=times.idle,
        ended_at=row.ended_at,
        process=Process(host=row.host, pid=row.process, started_at=row.process_started_at, user=row.user),
        code=Code(commit=row.git_commit, dirty=bool(row.git_dirty)) if row.git_commit else None,
        versions=row.versions,
        counts=counts,
        steps=row.steps,
        events=times.events,
    )


def attempt_of(row: Row[Any], parts: tuple[Part, ...]) -> RecordedAttempt:
    """Return an attempt from its row."""
    if row.status is None:
        return RecordedAttempt(number=row.attempt, started_at=row.started_at, outcome=None)
    outcome = Outcome(
        step_id=StepId(row.step_id),
        status=Status(row.status),
        tool_word=row.tool_word,
        reason=_reason(row),
        message=row.message,
        started_at=row.started_at,
        ended_at=row.ended_at,
        rows_affected=row.rows_affected,
        row_count=row.row_count,
        bytes_processed=row.bytes_processed,
        query_seconds=row.query_seconds,
        failures=row.failures,
        error_class=ErrorClass(row.error_class) if row.error_class else None,
        path=row.path,
        compiled_path=row.compiled_path,
        log=row.log or "",
        parts=parts,
        dbt_results=tuple(row.dbt_results or ()),
    )
    return RecordedAttempt(number=row.attempt, started_at=row.started_at, outcome=outcome)


def part_of(row: Row[Any]) -> Part:
    """Return a part of an outcome from its row."""
    return Part(name=row.name, status=Status(row.status), message=row.message, rows=row.rows, detail=row.detail)


def step_of(row: Row[Any], attempts: tuple[RecordedAttempt, ...]) -> RecordedStep:
    """Return a step from its row."""
    return RecordedStep(
        step_id=StepId(row.step_id),
        name=row.name,
        kind=row.kind,
        why=row.why,
        status=Status(row.status) if row.status else None,
        reason=_reason(row) if row.reason else None,
        attempts=attempts,
    )


def _reason(row: Row[Any]) -> Reason:
    return Reason(code=ReasonCode(row.reason), blame=StepId(row.blame) if row.blame else None)
