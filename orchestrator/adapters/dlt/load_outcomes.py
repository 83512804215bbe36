"""Builds the outcome of a load that ended without an error."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.execution.outcome import Outcome, Part
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
