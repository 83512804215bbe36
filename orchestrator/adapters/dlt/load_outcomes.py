"""Builds outcomes from the answer of a load."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.execution.outcome import ErrorClass, Outcome, Part, Reason, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep
from orchestrator.wording import count


def ended(step: IngestStep, started: datetime, answer: Mapping[str, Any]) -> Outcome:
    """Return the outcome with row counts by table; without a new row or a replaced table, the status is `no_data`."""
    parts = tuple(
        Part(
            name=f"{step.dataset}.{table['name']}",
            status=Status.SUCCESS,
            rows=int(table["rows"]),
            detail={"load_ids": list(table["load_ids"]), **({"replaced": True} if table.get("replaced") else {})},
        )
        for table in answer["tables"]
    )
    rows = sum(part.rows or 0 for part in parts)
    brought = bool(rows or answer["replaced"])
    return Outcome(
        step_id=step.id,
        status=Status.SUCCESS if brought else Status.NO_DATA,
        tool_word="loaded" if answer["load_ids"] else "no new data",
        message=f"{count(rows, 'row')} into {count(len(parts), 'table')}" if brought else "no new rows",
        started_at=started,
        ended_at=datetime.now(UTC),
        rows_affected=rows,
        bytes_processed=answer["bytes"],
        path=step.path,
        parts=parts,
    )


def errored(
    step: IngestStep,
    started: datetime,
    message: str,
    log: Path,
    *,
    said: str = "",
    error_class: ErrorClass = ErrorClass.PERMANENT,
) -> Outcome:
    """Return the outcome of an error, with the path of the full log; `said` is the log's end, without secrets."""
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        tool_word="failed",
        error_class=error_class,
        message=f"{message}\nThe full output is in {log}.",
        log=said,
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )


def cancelled(step: IngestStep, started: datetime) -> Outcome:
    """Return the outcome of a load that was interrupted; the next load recovers what it left."""
    return Outcome(
        step_id=step.id,
        status=Status.CANCELLED,
        tool_word="cancelled",
        reason=Reason(code=ReasonCode.INTERRUPTED),
        message="interrupted; the next load completes or rolls back what this one left",
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )
