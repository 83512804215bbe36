"""Judges a source by the last dlt load that brought rows, where dbt has nothing to ask."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.identity import Relation
from orchestrator.plan.step import FreshnessStep

Judge = Callable[[float | None, float | None, float | None], tuple[Status, str]]
"""Takes the age in seconds (None when nothing was ever loaded), warn_after and error_after."""


class LoadAgeRunner:
    """The step runner of freshness gates that are judged by dlt's own record of loads."""

    def __init__(self, open_cursor: Callable[[], duckdb.DuckDBPyConnection], judge: Judge) -> None:
        self._open_cursor = open_cursor
        self._judge = judge

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:  # noqa: ARG002  # the port's
        """Judge each source."""
        for request in requests:
            if not isinstance(request.step, FreshnessStep):
                raise TypeError(f"{type(request.step).__name__} is not a freshness step")
            yield self._run(request.step)

    def interrupt(self) -> None:
        """Do nothing: the question is answered at once."""

    def _run(self, step: FreshnessStep) -> Outcome:
        started = datetime.now(UTC)
        try:
            with self._open_cursor() as cursor:
                age = last_load_age(cursor, step.reads[0], started)
            status, message = self._judge(age, step.warn_after_seconds, step.error_after_seconds)
        except duckdb.Error as error:
            status, message = Status.ERROR, f"the age of {step.reads[0]} could not be read: {error}"
        return Outcome(
            step_id=step.id,
            status=status,
            message=message,
            started_at=started,
            ended_at=datetime.now(UTC),
            path=step.path,
        )


def last_load_age(cursor: Any, relation: Relation, now: datetime) -> float | None:  # noqa: ANN401  # DBAPI
    """Give the age in seconds of the last completed dlt load whose rows stand in the table, or None."""
    schema, table = _quoted(relation.schema), f"{_quoted(relation.schema)}.{_quoted(relation.identifier)}"
    row = cursor.execute(
        f"select max(epoch(inserted_at)) from {schema}._dlt_loads"  # noqa: S608  # quoted names
        f" where status = 0 and load_id in (select _dlt_load_id from {table})"
    ).fetchone()
    return None if row is None or row[0] is None else now.timestamp() - float(row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
