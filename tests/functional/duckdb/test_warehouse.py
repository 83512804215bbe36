"""The one DuckDB instance: shared cursors, refusals that name their cause, and waiting for another process."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, DuckdbWarehouse, open_warehouse
from orchestrator.adapters.duckdb.lock import Holder, holder_of
from orchestrator.adapters.load_age import LoadAgeRunner
from orchestrator.errors import WarehouseError, WarehouseLockedError
from orchestrator.execution.gate import evaluate_load_age
from orchestrator.execution.ports import Request
from orchestrator.execution.stopping import StopRequest
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.status import Status
from orchestrator.plan.step import Cause, FreshnessStep, StepId, Why

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def file(tmp_path: Path) -> DatabaseFile:
    return DatabaseFile(path=tmp_path / "w.duckdb")


@pytest.fixture
def warehouse(file: DatabaseFile) -> Iterator[DuckdbWarehouse]:
    warehouse = open_warehouse(file, lock_timeout=0)
    yield warehouse
    warehouse.close()


@pytest.fixture
def other(file: DatabaseFile) -> Iterator[subprocess.Popen]:
    """Another process that holds the file until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate()


def test_cursors_see_what_others_committed(warehouse: DuckdbWarehouse) -> None:
    """Each cursor has a transaction of its own; what one commits the other reads."""
    with warehouse.cursor() as one, warehouse.cursor() as two:
        one.execute("begin; create table t as select 1 as x")
        assert ("main", "t") not in warehouse.relations()
        one.execute("commit")
        assert two.execute("from t").fetchall() == [(1,)]
    assert warehouse.exists(Relation(database=None, schema="MAIN", identifier="T"))


def test_whoever_opens_the_file_the_same_way_joins_the_instance(warehouse: DuckdbWarehouse) -> None:
    """dbt opens the file with the same configuration and so shares the instance instead of meeting a lock."""
    with duckdb.connect(str(warehouse.file.path)) as dbt, warehouse.cursor() as ours:
        dbt.execute("create table made_by_dbt (x int)")
        assert ours.execute("select count(*) from made_by_dbt").fetchall() == [(0,)]


def test_the_process_that_owns_the_file_is_named(file: DatabaseFile, other: subprocess.Popen) -> None:
    """After the time limit the error names the process and its command, and the option that waits longer."""
    with pytest.raises(WarehouseLockedError) as raised:
        open_warehouse(file, lock_timeout=0)
    assert f"process {other.pid} (" in raised.value.message
    assert "--lock-timeout" in raised.value.hint


def test_a_run_waits_for_a_locked_file(file: DatabaseFile, other: subprocess.Popen) -> None:
    """The run goes on as soon as the other process lets go; who waits is told once for whom."""
    told: list[Holder] = []

    def let_go(_seconds: float) -> None:
        other.communicate()

    open_warehouse(file, lock_timeout=30, on_wait=told.append, sleep=let_go).close()
    assert [holder.pid for holder in told] == [other.pid]


def test_a_file_that_is_not_a_database_is_refused(file: DatabaseFile) -> None:
    """The message names the file and what it is not; the file stays as it is."""
    file.path.write_text("year,month,day\n" * 100)
    with pytest.raises(WarehouseError, match="is not a DuckDB database"):
        open_warehouse(file, lock_timeout=0)
    assert file.path.read_text().startswith("year,month,day")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """DuckDB makes files, not folders."""
    with pytest.raises(WarehouseError) as raised:
        open_warehouse(DatabaseFile(path=tmp_path / "nowhere" / "w.duckdb"), lock_timeout=0)
    assert str(tmp_path / "nowhere") in raised.value.message


def test_only_a_lock_error_names_an_owning_process() -> None:
    """Other errors of the database are not waited for."""
    assert holder_of("IO Error: No space left on device") is None


LOADED = """
    create schema raw;
    create table raw._dlt_loads as select * from (values
        ('1', 0, timestamptz '2026-01-01 00:00:00+00'), ('2', 0, timestamptz '2026-01-03 00:00:00+00'),
        ('3', 1, timestamptz '2026-01-04 00:00:00+00')) as t(load_id, status, inserted_at);
    create table raw.orders as select * from (values (1, '1'), (2, '1')) as t(id, _dlt_load_id);
"""
NOW = datetime(2026, 1, 11, tzinfo=UTC)


def test_the_age_is_that_of_the_last_load_that_brought_rows(warehouse: DuckdbWarehouse) -> None:
    """Load 2 brought rows to other tables only, load 3 never finished: load 1 counts."""
    with warehouse.cursor() as cursor:
        cursor.execute(LOADED)
        orders = Relation(database=None, schema="raw", identifier="orders")
        assert warehouse.last_load_age(orders, NOW) == timedelta(days=10).total_seconds()
        cursor.execute("delete from raw.orders")
        assert warehouse.last_load_age(orders, NOW) is None


@pytest.mark.parametrize(("table", "status"), [("orders", Status.FAIL), ("missing", Status.ERROR)])
def test_a_gate_that_cannot_be_evaluated_is_an_error(warehouse: DuckdbWarehouse, table: str, status: Status) -> None:
    """Old rows close the gate; a table that is not there is an error, never a silent green."""
    with warehouse.cursor() as cursor:
        cursor.execute(LOADED)
    step = FreshnessStep(
        id=StepId("freshness.x"),
        name="raw.x",
        path="models/sources.yml",
        reads=(Relation(database=None, schema="raw", identifier=table),),
        cause=Cause(why=Why.CHECKS),
        node=NodeId("source.shop.raw.x"),
        by_load=True,
        error_after_seconds=60.0,
    )
    runner = LoadAgeRunner(warehouse.last_load_age, evaluate_load_age)
    (outcome,) = runner.run([Request(run_id="r", step=step)], StopRequest())
    assert outcome.status is status
    assert outcome.message
