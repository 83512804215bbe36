"""Converts events of a run to the bodies of their rows, and rows back to the events that listeners received."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    NoticeKind,
    RunEvent,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import Outcome, Part, Reason, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.store.json_text import plain
from orchestrator.store.prepared import Values
from orchestrator.store.rows import attempt_of, part_of
from orchestrator.store.tables import attempts, events, parts, steps

_PAGE = 500


def attempt_body(event: AttemptEnded) -> Values:
    """Return the body of the end of an attempt that is followed by another one."""
    outcome = event.outcome
    return {
        "status": outcome.status.value,
        "reason": outcome.reason.code.value,
        "error_class": None if outcome.error_class is None else outcome.error_class.value,
        "again_at": event.again_at.isoformat(),
        "tries": event.attempt,
        "most": event.most,
    }


def end_body(outcome: Outcome, *, has_attempt: bool) -> Values:
    """Return the body of the end of a step; one that was never attempted has no other row for the rest."""
    status = {"status": outcome.status.value}
    if has_attempt:
        return status
    return {
        **status,
        "reason": outcome.reason.code.value,
        "blame": outcome.reason.blame,
        "message": plain(outcome.message),
    }


def events_between(connection: Connection, run_id: str, first: int, last: int) -> Iterator[RunEvent]:
    """Yield the events of a run with these sequence numbers, except its start and its end."""
    same_step = and_(events.c.run_id == steps.c.run_id, events.c.step_id == steps.c.step_id)
    asked = (
        select(events, steps.c.path.label("step_path"))
        .join_from(events, steps, same_step, isouter=True)
        .where(events.c.run_id == run_id)
        .order_by(events.c.sequence)
    )
    for start in range(first, last + 1, _PAGE):
        end = min(start + _PAGE - 1, last)
        rows = connection.execute(asked.where(events.c.sequence.between(start, end))).all()
        outcomes = _outcomes(connection, run_id, start, end)
        yield from (event for row in rows if (event := _event(row, outcomes)) is not None)


def _outcomes(connection: Connection, run_id: str, first: int, last: int) -> Mapping[tuple[str, int], Outcome]:
    """Return the outcomes of the attempts that ended in these events."""
    ended = (
        select(events.c.step_id, events.c.attempt)
        .where(events.c.run_id == run_id, events.c.sequence.between(first, last), events.c.attempt.is_not(None))
        .where(events.c.kind.in_(["attempt_ended", "step_ended"]))
        .distinct()
        .subquery()
    )
    inside: dict[tuple[str, int], list[Part]] = {}
    of_parts = and_(parts.c.step_id == ended.c.step_id, parts.c.attempt == ended.c.attempt)
    for row in connection.execute(
        select(parts).join(ended, of_parts).where(parts.c.run_id == run_id).order_by(parts.c.position)
    ):
        inside.setdefault((row.step_id, row.attempt), []).append(part_of(row))
    of_attempts = and_(attempts.c.step_id == ended.c.step_id, attempts.c.attempt == ended.c.attempt)
    found = {}
    for row in connection.execute(select(attempts).join(ended, of_attempts).where(attempts.c.run_id == run_id)):
        key = (row.step_id, row.attempt)
        found[key] = attempt_of(row, tuple(inside.get(key, ()))).outcome
    return {key: outcome for key, outcome in found.items() if outcome is not None}


def _event(row: Row[Any], outcomes: Mapping[tuple[str, int], Outcome]) -> RunEvent | None:
    body, step_id = row.body, StepId(row.step_id) if row.step_id else None
    if row.kind in list(NoticeKind):
        return Noticed(at=row.at, kind=NoticeKind(row.kind), message=body["message"], step_id=step_id)
    if step_id is None:  # the start or the end of the run
        return None
    match row.kind:
        case "step_started":
            return StepStarted(at=row.at, step_id=step_id, verifies=body.get("verifies", False))
        case "attempt_ended":
            outcome = outcomes[step_id, row.attempt]
            # The run may have given the outcome of a last attempt another reason later.
            ended = replace(outcome, reason=Reason(code=ReasonCode(body["reason"])))
            again_at = datetime.fromisoformat(body["again_at"])
            return AttemptEnded(at=row.at, outcome=ended, again_at=again_at, attempt=body["tries"], most=body["most"])
        case "step_ended" if row.attempt is not None:
            return StepEnded(at=row.at, outcome=outcomes[step_id, row.attempt])
        case _:
            reason = Reason(code=ReasonCode(body["reason"]), blame=body["blame"])
            status, said = Status(body["status"]), body["message"]
            skipped = Outcome(step_id=step_id, status=status, reason=reason, message=said, path=row.step_path)
            return StepEnded(at=row.at, outcome=skipped)
