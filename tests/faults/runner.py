"""Runs the steps of a small run on a real DuckDB file: each in one transaction, which also says that it was there."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, DuckdbWarehouse, open_warehouse
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.faults import passing
from orchestrator.plan.status import Status
from orchestrator.plan.step import IngestStep, Step, StepId
from orchestrator.reuse.last_success import Marker

INSIDE = "inside a step, before its commit"
COMMITTED = "inside a step, after its commit"
FILE = "small.duckdb"
ALONE = {"threads": 1}
"""DuckDB's own threads take longer to start than these steps; ours still run side by side."""
OWN = ("_elt_ran", "_elt_marks")
PREPARE = """
    create table if not exists _elt_ran (step varchar, run_id varchar, attempt integer);
    create table if not exists _elt_marks (step varchar, run_id varchar, attempt integer, marked_at timestamp);
"""


def open_small(folder: Path, lock_timeout: float) -> DuckdbWarehouse:
    """Open the file of the small runs and make what is kept beside the data."""
    warehouse = open_warehouse(DatabaseFile(path=folder / FILE, config=ALONE), lock_timeout=lock_timeout)
    with warehouse.cursor() as cursor:
        cursor.execute(PREPARE)
    return warehouse


class SmallRunner:
    """`load_…` and `append_…` add rows, `table_…` replaces its own, all others only look; what ran is counted."""

    def __init__(self, warehouse: DuckdbWarehouse) -> None:
        self._warehouse = warehouse

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        return [self._run(request) for request in requests]

    def interrupt(self, steps: Collection[StepId]) -> None:
        """They end by themselves, at once."""

    def _run(self, request: Request) -> Outcome:
        name = request.step.id
        try:
            with self._warehouse.cursor() as cursor:
                if isinstance(request.step, IngestStep) and is_marked(cursor, request):
                    return _success(request)
                cursor.execute("begin")
                cursor.execute(statement_of(request.step))
                marked = [name, request.run_id, request.attempt]
                cursor.execute("insert into _elt_ran values (?, ?, ?)", marked)
                passing(INSIDE)
                cursor.execute("insert into _elt_marks values (?, ?, ?, now())", marked)
                cursor.execute("commit")
        except duckdb.Error as error:
            return Outcome(step_id=name, status=Status.ERROR, message=str(error))
        passing(COMMITTED)
        return _success(request)


def _success(request: Request) -> Outcome:
    return Outcome(step_id=request.step.id, status=Status.SUCCESS)


def is_marked(cursor: duckdb.DuckDBPyConnection, request: Request) -> bool:
    """Say whether the step was done in this run already: what loads finds that out itself, as dlt's loads do."""
    asked = "select 1 from _elt_marks where step = ? and run_id = ?"
    return bool(cursor.execute(asked, [request.step.id, request.run_id]).fetchall())


def statement_of(step: Step) -> str:
    """Give what a step does; what it leaves depends on all that its parents left."""
    above = " + ".join(f"(select count(*) + sum(seen) from {parent})" for parent in step.parents) or "1"
    rows = f"select i as id, ({above})::bigint as seen from range(3) t(i)"
    match step.id.split("_")[0]:
        case "table":
            return f"create or replace table {step.id} as {rows}"
        case "load" | "append":
            return f"create table if not exists {step.id} (id bigint, seen bigint); insert into {step.id} {rows}"
        case _:
            return f"select count(*) from ({rows})"


class SmallTarget:
    """What the file itself says stands in it."""

    def __init__(self, warehouse: DuckdbWarehouse) -> None:
        self._warehouse = warehouse

    def markers(self, steps: Collection[StepId]) -> Mapping[StepId, Marker]:
        with self._warehouse.cursor() as cursor:
            rows = cursor.execute(
                "select step, run_id, attempt, marked_at from _elt_marks order by marked_at"
            ).fetchall()
        return {
            StepId(step): Marker(
                step_id=StepId(step),
                relation=step,
                run_id=run_id,
                attempt=attempt,
                digest="",
                identity="",
                at=at.replace(tzinfo=UTC),
            )
            for step, run_id, attempt, at in rows
            if step in steps
        }


@dataclass(frozen=True)
class Found:
    """What a small run has left in its file."""

    tables: dict[str, list[tuple[object, ...]]]
    """Without those that are kept beside the data."""
    ran: dict[str, int]
    """How often each step did its work to the end."""


def found_in(folder: Path) -> Found:
    """Read what a small run has left."""
    if not (folder / FILE).exists():
        return Found({}, {})
    with duckdb.connect(str(folder / FILE), config=ALONE) as connection:
        names = [name for (name,) in connection.execute("show tables").fetchall()]
        tables = {name: sorted(connection.execute(f"from {name}").fetchall()) for name in names}
    ran = Counter(row[0] for row in tables.get("_elt_ran", ()))
    return Found({name: rows for name, rows in tables.items() if name not in OWN}, dict(ran))


def now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)
