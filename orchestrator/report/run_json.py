"""Reports a run to a program: one JSON object per line, as docs/events.md and events.schema.json describe it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TextIO, assert_never

from orchestrator.execution.events import (
    AttemptEnded,
    Event,
    Noticed,
    RunEnded,
    RunNotStarted,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import Outcome, Part
from orchestrator.execution.verdict import count_by_status, exit_code
from orchestrator.plan.estimate import estimate_to_json
from orchestrator.plan.plan_words import kind_of, plan_to_json
from orchestrator.plan.step import StepId
from orchestrator.report.event_line import Steps
from orchestrator.report.streams import Lines
from orchestrator.store.json_text import plain, to_json_text

VERSION = 1

Json = dict[str, object]


class JsonEvents:
    """Turns the events of one run, in order, into JSON objects: while it runs, and when its record is read."""

    def __init__(self, steps: Steps | None = None) -> None:
        """Prepare for events from the first on; `steps` are needed if the start of the run is not among them."""
        self._steps: Steps = steps or {}
        self._run_id = ""
        self._started_at: datetime | None = None

    def to_json(self, event: Event) -> Json:
        """Return the object of the next event."""
        if isinstance(event, RunStarted):
            self._steps, self._run_id, self._started_at = event.plan.by_id, event.run_id, event.at
        word, fields = self._fields(event)
        run_id, seq = None, None
        if not isinstance(event, RunNotStarted):
            run_id, seq = event.run_id or self._run_id, event.sequence
        return {"version": VERSION, "event": word, "run_id": run_id, "seq": seq, "at": _time(event.at), **fields}

    @property
    def has_started(self) -> bool:
        """Return whether the start of the run was among the events."""
        return self._started_at is not None

    def _fields(self, event: Event) -> tuple[str, Json]:
        match event:
            case RunStarted():
                origin = {**asdict(event.origin), "command": list(event.origin.command)}
                again = {"resumed": event.resumed, "steps_done": len(event.settled)}
                plan: Json = {"estimate": estimate_to_json(event.estimate), "plan": plan_to_json(event.plan)}
                return "run_started", {**origin, "database": event.database, **again, **plan}
            case StepStarted():
                attempt: Json = {"attempt": event.attempt, "verifies": event.verifies}
                return "step_started", {**self._step(event.step_id), **attempt}
            case AttemptEnded():
                attempt = {"attempt": event.attempt, "most": event.most, "again_at": _time(event.again_at)}
                return "attempt_ended", {**self._step(event.outcome.step_id), **attempt, **_outcome(event.outcome)}
            case StepEnded():
                attempt = {"attempt": event.attempt}
                return "step_ended", {**self._step(event.outcome.step_id), **attempt, **_outcome(event.outcome)}
            case Noticed():
                notice: Json = {"notice": event.kind.value, "message": plain(event.message)}
                return "noticed", {**notice, "step_id": event.step_id}
            case RunEnded():
                return "run_ended", self._end(event)
            case RunNotStarted():
                why: Json = {"code": event.code or None, "message": plain(event.message), "hint": plain(event.hint)}
                return "run_not_started", {**why, "exit_code": event.exit_code}
            case _:
                assert_never(event)

    def _step(self, step_id: StepId) -> Json:
        step = self._steps.get(step_id)
        kind = kind_of(step).replace(" ", "_") if step else None
        return {"step_id": step_id, "kind": kind, "name": step.name if step else None}

    def _end(self, event: RunEnded) -> Json:
        elapsed = (event.at - self._started_at).total_seconds() if self._started_at else None
        return {
            "status": event.status.value,
            "exit_code": int(exit_code(event.status)),
            "elapsed": elapsed,
            "counts": {status.value: number for status, number in count_by_status(event.outcomes).items()},
        }


class JsonReport:
    """Writes an object for each event as it happens."""

    def __init__(self, stream: TextIO, masked: Callable[[str], str] = lambda text: text) -> None:
        self._lines = Lines(stream)
        self._masked = masked
        self._events = JsonEvents()
        self._is_refused = False

    def hear(self, event: Event) -> None:
        """Write the event's object; a run that started, or was refused once, cannot be refused."""
        if isinstance(event, RunNotStarted):
            if self._is_refused or self._events.has_started:
                return
            self._is_refused = True
            event = replace(event, message=self._masked(event.message), hint=self._masked(event.hint))
        self._lines.write(json_line(self._events.to_json(event)))


def json_line(document: object) -> str:
    """Return a JSON document without line breaks."""
    return json.dumps(document, default=str, separators=(",", ":"))


def error_json(event: RunNotStarted, *, is_of_a_run: bool) -> Json:
    """Return the object of an error that ended a command: of one that would have run steps, or of any other."""
    found = JsonEvents().to_json(event)
    return found if is_of_a_run else {**found, "event": "error"}


def refusal(message: str, hint: str, code: str, exit_code: int) -> RunNotStarted:
    """Return the event of a run that is refused now."""
    return RunNotStarted(at=datetime.now(UTC), message=message, hint=hint, code=code, exit_code=exit_code)


def _outcome(outcome: Outcome) -> Json:
    return {
        "status": outcome.status.value,
        "tool_word": outcome.tool_word,
        "reason": outcome.reason.code.value,
        "blame": outcome.reason.blame,
        "error_class": outcome.error_class.value if outcome.error_class else None,
        "message": plain(outcome.message),
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
        "name": plain(part.name),
        "status": part.status.value,
        "message": plain(part.message),
        "rows": part.rows,
        # as the record keeps it: dates are text, NaN and infinity their names
        "detail": json.loads(to_json_text(dict(part.detail))),
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
