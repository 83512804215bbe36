"""Converts recorded runs to JSON, as docs/history.md describes it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.execution.liveness import RunState
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedRun, RecordedStep, RunHead
from orchestrator.plan.step import StepId

VERSION = 1

Json = dict[str, object]


def listed_to_json(head: RunHead, state: RunState, row_counts: Mapping[StepId, int]) -> Json:
    """Return an entry of the list of runs, with the row count of each table that the run built or reused."""
    return {**head_to_json(head, state), "row_counts": dict(row_counts)}


def head_to_json(head: RunHead, state: RunState) -> Json:
    """Return what is known about a run as a whole."""
    interval = head.scheduled.interval if head.scheduled else None
    return {
        "version": VERSION,
        "run_id": head.run_id,
        "state": state.value,
        "status": head.status.value if head.status else None,
        "verb": head.verb,
        "trigger": head.trigger,
        "schedule": head.scheduled.schedule if head.scheduled else None,
        "logical_time": _time(head.scheduled.logical_time) if head.scheduled else None,
        "schedule_attempt": head.scheduled.attempt if head.scheduled else None,
        "data_interval_start": _time(interval.start) if interval else None,
        "data_interval_end": _time(interval.end) if interval else None,
        "command": list(head.command),
        "target": head.target,
        "target_identity": head.target_identity,
        "database": head.database,
        "started_at": _time(head.started_at),
        "ended_at": _time(head.ended_at),
        "elapsed": head.elapsed(datetime.now(UTC) if state is RunState.RUNNING else None).total_seconds(),
        "user": head.process.user,
        "host": head.process.host,
        "process": head.process.pid,
        "git_commit": head.code.commit if head.code else None,
        "git_dirty": head.code.dirty if head.code else None,
        "versions": dict(head.versions),
        "steps": head.steps,
        "counts": {status.value: number for status, number in head.counts.items()},
    }


def run_to_json(run: RecordedRun, state: RunState) -> Json:
    """Return a run with its steps, and each step with its attempts."""
    return {**head_to_json(run.head, state), "plan": [_step(step) for step in run.steps]}


def _step(step: RecordedStep) -> Json:
    return {
        "step_id": step.step_id,
        "kind": step.kind,
        "name": step.name,
        "why": step.why,
        "status": step.status.value if step.status else None,
        "reason": step.reason.code.value if step.reason else None,
        "blame": step.reason.blame if step.reason else None,
        "attempts": [
            {
                "attempt": attempt.number,
                "started_at": _time(attempt.started_at),
                **(_outcome(attempt.outcome) if attempt.outcome else {"status": None}),
            }
            for attempt in step.attempts
        ],
    }


def _outcome(outcome: Outcome) -> Json:
    return {
        "status": outcome.status.value,
        "tool_word": outcome.tool_word,
        "error_class": outcome.error_class.value if outcome.error_class else None,
        "message": outcome.message,
        "started_at": _time(outcome.started_at),
        "ended_at": _time(outcome.ended_at),
        "rows_affected": outcome.rows_affected,
        "row_count": outcome.row_count,
        "bytes_processed": outcome.bytes_processed,
        "query_seconds": outcome.query_seconds,
        "failures": outcome.failures,
        "compiled_path": outcome.compiled_path,
        "log": outcome.log,
        "parts": [
            {"name": part.name, "status": part.status.value, "message": part.message, "rows": part.rows}
            for part in outcome.parts
        ],
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
