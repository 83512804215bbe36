"""Reports a run to a program: one JSON object per line, as docs/output.md describes it."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO, assert_never

from orchestrator.execution.events import (
    AttemptEnded,
    Event,
    Noticed,
    RunEnded,
    RunEvent,
    RunNotStarted,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.verdict import count_by_status, exit_code
from orchestrator.plan.explain import kind_of, plan_to_json
from orchestrator.plan.step import StepId
from orchestrator.report.event_line import Steps
from orchestrator.report.streams import Lines

VERSION = 1

Json = dict[str, object]


class JsonReport:
    """Writes an object for each event as it happens."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = Lines(stream)
        self._steps: Steps = {}
        self._started_at: datetime | None = None

    def hear(self, event: Event) -> None:
        """Write the event's object."""
        if isinstance(event, RunNotStarted):
            return
        if isinstance(event, RunStarted):
            self._steps, self._started_at = event.plan.by_id, event.at
        word, fields = self._fields(event)
        line = {"version": VERSION, "event": word, "at": _time(event.at), **fields}
        # A detail from a tool may hold a type that JSON does not have, such as a date.
        self._lines.write(json.dumps(line, default=str, allow_nan=False, separators=(",", ":")))

    def _fields(self, event: RunEvent) -> tuple[str, Json]:
        match event:
            case RunStarted():
                plan = plan_to_json(event.plan)
                again: Json = {"resumed": True, "settled": len(event.settled)} if event.resumed else {}
                return "run_started", {"run_id": event.run_id, "database": event.database, "plan": plan, **again}
            case StepStarted():
                verifies: Json = {"verifies": True} if event.verifies else {}
                return "step_started", {**self._step(event.step_id), **verifies}
            case AttemptEnded():
                again = {"attempt": event.attempt, "most": event.most, "again_at": _time(event.again_at)}
                return "attempt_ended", {**self._step(event.outcome.step_id), **again, **_outcome(event.outcome)}
            case StepEnded():
                return "step_ended", {**self._step(event.outcome.step_id), **_outcome(event.outcome)}
            case Noticed():
                return "noticed", {"notice": event.kind, "message": event.message, "step_id": event.step_id}
            case RunEnded():
                return "run_ended", self._end(event)
            case _:
                assert_never(event)

    def _step(self, step_id: StepId) -> Json:
        step = self._steps.get(step_id)
        kind = kind_of(step).replace(" ", "_") if step else None
        return {"step_id": step_id, "kind": kind, "name": step.name if step else None}

    def _end(self, event: RunEnded) -> Json:
        elapsed = (event.at - self._started_at).total_seconds() if self._started_at else None
        return {
            "run_id": event.run_id,
            "status": event.status.value,
            "exit_code": int(exit_code(event.status)),
            "elapsed": elapsed,
            "counts": {status.value: number for status, number in count_by_status(event.outcomes).items()},
        }


def _outcome(outcome: Outcome) -> Json:
    return {
        "status": outcome.status.value,
        "tool_word": outcome.tool_word,
        "reason": outcome.reason.code.value,
        "blame": outcome.reason.blame,
        "error_class": outcome.error_class.value if outcome.error_class else None,
        "message": outcome.message,
        "started_at": _time(outcome.started_at),
        "ended_at": _time(outcome.ended_at),
        "elapsed": outcome.elapsed.total_seconds(),
        "rows_affected": outcome.rows_affected,
        "row_count": outcome.row_count,
        "bytes_processed": outcome.bytes_processed,
        "query_seconds": outcome.query_seconds,
        "failures": outcome.failures,
        "path": outcome.path,
        "compiled_path": outcome.compiled_path,
        "parts": [_part(part) for part in outcome.parts],
    }


def _part(part: Part) -> Json:
    return {
        "name": part.name,
        "status": part.status.value,
        "message": part.message,
        "rows": part.rows,
        "detail": _finite(part.detail),
    }


def _finite(value: object) -> object:
    """Return a detail as valid JSON: NaN and infinity become null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _finite(below) for key, below in value.items()}
        case list() | tuple():
            return [_finite(below) for below in value]
        case _:
            return value


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
