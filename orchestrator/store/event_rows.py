"""Converts events to rows of the table `events` and back. What attempts, runs and texts record is not stored twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from orchestrator.execution.codec import outcome_from_json, outcome_to_json
from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    NoticeKind,
    RunEnded,
    RunEvent,
    RunOrigin,
    RunStarted,
    StepEnded,
    StepStarted,
    step_of_event,
)
from orchestrator.execution.outcome import Outcome, Reason
from orchestrator.execution.recorded import RecordedStep, RunHead
from orchestrator.plan.estimate import estimate_from_json, estimate_to_json
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.store.json_text import plain
from orchestrator.store.prepared import Values

RESUMED = "run_resumed"
NOTICES = sorted(NoticeKind)
WHOLE_RUN = frozenset({RESUMED, "run_ended"})
"""The kinds of events that are read from all events before them."""


def event_values(event: RunEvent, attempt: int | None) -> Values:
    """Return the row of an event; `attempt` is the number of the attempt that it belongs to."""
    kind, body = _body(event)
    return {
        "run_id": event.run_id,
        "sequence": event.sequence,
        "at": event.at,
        "kind": kind,
        "step_id": step_of_event(event),
        "attempt": attempt,
        "body": body,
    }


def _body(event: RunEvent) -> tuple[str, Values]:
    match event:
        case RunStarted():
            body: Values = {"database": event.database, "origin": asdict(event.origin)}
            if event.estimate is not None:
                body["estimate"] = estimate_to_json(event.estimate)
            if not event.resumed:
                return "run_started", body
            # The ids are enough: the outcomes are in earlier events of the same run.
            return RESUMED, {**body, "settled": [outcome.step_id for outcome in event.settled]}
        case StepStarted():
            return "step_started", {"verifies": True} if event.verifies else {}
        case AttemptEnded():
            outcome = event.outcome
            again = {"again_at": event.again_at.isoformat(), "most": event.most}
            return "attempt_ended", {"status": outcome.status, "error_class": outcome.error_class, **again}
        case StepEnded():
            body = {"status": event.outcome.status}
            # Without an attempt of its own, the outcome is recorded nowhere else.
            return "step_ended", body if event.attempt else {**body, "outcome": outcome_to_json(event.outcome)}
        case Noticed():
            return event.kind.value, {"message": plain(event.message)}
        case RunEnded():
            return "run_ended", {"status": event.status}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedParts:
    """What events refer to: the rest of the record of their run."""

    head: RunHead
    plan: Callable[[], Plan]
    steps: Sequence[RecordedStep]


class EventReader:
    """Turns the rows of a run's events, in order and from the first, back into events."""

    def __init__(self, parts: RecordedParts) -> None:
        self._parts = parts
        self._steps = {step.step_id: step for step in parts.steps}
        self._ended: dict[StepId, Outcome] = {}

    def event(self, row: Row[Any]) -> RunEvent:
        """Return the event of the next row."""
        at, run_id, sequence, body = row.at, row.run_id, row.sequence, row.body
        match row.kind:
            case "run_started" | "run_resumed":
                return RunStarted(
                    at=at,
                    run_id=run_id,
                    sequence=sequence,
                    plan=self._parts.plan(),
                    database=body.get("database", self._parts.head.database),
                    resumed=row.kind == RESUMED,
                    settled=tuple(self._ended[step] for step in body.get("settled", ()) if step in self._ended),
                    origin=self._origin(body.get("origin")),
                    estimate=estimate_from_json(body.get("estimate")),
                )
            case "step_started":
                step_id, verifies = StepId(row.step_id), bool(body.get("verifies"))
                return StepStarted(
                    at=at, run_id=run_id, sequence=sequence, step_id=step_id, attempt=row.attempt, verifies=verifies
                )
            case "attempt_ended":
                return AttemptEnded(
                    at=at,
                    run_id=run_id,
                    sequence=sequence,
                    outcome=self._outcome(row),
                    again_at=datetime.fromisoformat(body["again_at"]),
                    attempt=row.attempt,
                    most=body.get("most", row.attempt + 1),
                )
            case "step_ended":
                outcome = self._ended[StepId(row.step_id)] = self._outcome(row)
                # Only an outcome without an attempt of its own is in the body.
                attempt = None if "outcome" in body else row.attempt
                return StepEnded(at=at, run_id=run_id, sequence=sequence, outcome=outcome, attempt=attempt)
            case "run_ended":
                ended = (self._ended.get(step.id) for step in self._parts.plan().steps)
                outcomes = tuple(outcome for outcome in ended if outcome is not None)
                status = Status(body["status"])
                return RunEnded(at=at, run_id=run_id, sequence=sequence, status=status, outcomes=outcomes)
            case kind:
                step = StepId(row.step_id) if row.step_id else None
                kind, message = NoticeKind(kind), body["message"]
                return Noticed(at=at, run_id=run_id, sequence=sequence, kind=kind, message=message, step_id=step)

    def _outcome(self, row: Row[Any]) -> Outcome:
        """Return the outcome of an ended attempt or step; in records of an older elt, some have only a status."""
        step_id, body = StepId(row.step_id), row.body
        if "outcome" in body:
            return outcome_from_json(body["outcome"])
        step = self._steps[step_id]
        for attempt in step.attempts:
            if attempt.number == row.attempt and attempt.outcome is not None:
                return attempt.outcome
        # The step may have ended again since; its reason is then that of the later end.
        reason = step.reason if step.status == body["status"] else None
        return Outcome(step_id=step_id, status=Status(body["status"]), reason=reason or Reason())

    def _origin(self, kept: Mapping[str, Any] | None) -> RunOrigin:
        if kept is None:  # recorded by an older elt
            head = self._parts.head
            return RunOrigin(
                verb=head.verb,
                trigger=head.trigger,
                command=head.command,
                target=head.target,
                target_identity=head.target_identity,
                user=head.process.user,
                host=head.process.host,
                process=head.process.pid,
                git_commit=head.code.commit if head.code else None,
                git_dirty=head.code.dirty if head.code else None,
                versions=head.versions,
            )
        # An older elt may have recorded fewer fields.
        known = {one.name: kept[one.name] for one in fields(RunOrigin) if one.name in kept}
        return RunOrigin(**{**known, "command": tuple(known.get("command", ()))})
