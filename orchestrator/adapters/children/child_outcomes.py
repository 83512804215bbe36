"""Builds the outcomes of steps whose child process broke or was interrupted."""

from datetime import UTC, datetime
from pathlib import Path

from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep, OwnStep


def errored(
    step: IngestStep | OwnStep,
    started: datetime,
    message: str,
    log: Path,
    *,
    output: str = "",
    error_class: ErrorClass = ErrorClass.PERMANENT,
) -> Outcome:
    """Return the outcome of an error; `output` is the end of the log, without secrets.

    The message has the path of the log, unless the child printed nothing.
    """
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        tool_word="error",
        error_class=error_class,
        message=f"{message}\nThe full output is in {log}." if output else message,
        log=output,
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )


def cancelled(step: IngestStep | OwnStep, started: datetime, consequence: str) -> Outcome:
    """Return the outcome of an interruption; `consequence` says what becomes of the work done so far."""
    return Outcome(
        step_id=step.id,
        status=Status.CANCELLED,
        tool_word="cancelled",
        reason=Reason(code=ReasonCode.INTERRUPTED),
        message=f"interrupted; {consequence}",
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )
