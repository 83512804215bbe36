"""A load that is killed at any point and repeated leaves every row exactly once."""

import pytest

from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.plan.status import Status
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional

# The module kills its own process at the named function of dlt: user code may do anything.
SHOP = """
    import importlib, os, signal
    from pathlib import Path
    import dlt

    def die_at(place, when):
        module, owner, name = place.split(":")
        owner = getattr(importlib.import_module(module), owner)
        original = getattr(owner, name)
        def dying(*args, **kwargs):
            if when == "after":
                original(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(owner, name, dying)

    if Path("die").exists():
        die_at(*Path("die").read_text().split())

    LAST = int(Path("last").read_text())

    def rows():
        return [{"id": n, "parts": [{"p": 1}, {"p": 2}]} for n in range(1, LAST + 1)]

    @dlt.resource(write_disposition="append")
    def events(id=dlt.sources.incremental("id", range_start="open")):
        yield rows()

    @dlt.resource(write_disposition="append")
    def heaps():
        yield rows()

    @dlt.resource(write_disposition="replace")
    def stocks():
        yield rows()

    @dlt.resource(write_disposition="merge", primary_key="id")
    def orders():
        yield rows()

    @dlt.resource(write_disposition="merge")
    def keyless(id=dlt.sources.incremental("id", range_start="open")):
        yield rows()

    @dlt.source
    def shop():
        return events, heaps, stocks, orders, keyless
"""
PLACES = [
    "dlt.extract.storage:ExtractStorage:commit_new_load_package after",
    "dlt.normalize.normalize:Normalize:run before",
    "dlt.common.storages.load_storage:LoadStorage:commit_new_load_package after",
    "dlt.load.load:Load:run before",
    "dlt.common.storages.load_storage:LoadStorage:commit_schema_update before",
    "dlt.common.storages.load_storage:LoadStorage:commit_schema_update after",
    "dlt.common.destination.client:RunnableLoadJob:_release before",
    "dlt.load.load:Load:create_followup_jobs after",
    "dlt.common.storages.load_package:PackageStorage:complete_job before",
    "dlt.common.storages.load_package:PackageStorage:complete_job after",
    "dlt.load.load:Load:complete_package before",
    "dlt.common.storages.load_storage:LoadStorage:complete_load_package before",
    "dlt.common.storages.load_package:PackageStorage:complete_loading_package after",
    "dlt.load.load:Load:complete_package after",
]


KILLED = [(place, number // 2 % 2) for number, place in enumerate(PLACES)]


@pytest.mark.parametrize(("place", "loads_before"), SWEEP.share(KILLED, smoke=7))
def test_a_killed_load_is_finished_without_doubling_rows(project, place, loads_before):
    """Wherever the process is killed, the next load settles what it left: nothing is lost, nothing is doubled."""
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "3")
    for _ in range(loads_before):
        assert project.load().status is Status.SUCCESS
    project.write("last", "5")
    project.write("die", place)
    killed = project.load()
    (project.root / "die").unlink()
    project.write("last", "7")
    repeated = project.load()

    assert killed.status is Status.ERROR
    assert repeated.status is Status.SUCCESS, repeated.message
    once = [(n, n, 1) for n in range(1, 8)]
    for table in ("events", "stocks", "orders", "keyless"):
        counted = project.rows(f"select row_number() over (order by id), id, count(*) from raw.{table} group by id")
        assert (table, sorted(counted)) == (table, once)
        assert project.rows(f"select count(*) from raw.{table}__parts") == [(14,)]
    loads = project.rows("select load_id from raw._dlt_loads where status = 0 order by 1")
    assert project.rows("select distinct _dlt_load_id from raw.heaps order by 1") == loads
    assert project.rows("select _dlt_load_id, id from raw.heaps group by all having count(*) > 1") == []
    assert project.rows("select count(*) from raw._elt_load_jobs") == [(0,)]


LATE = [
    "dlt.normalize.normalize:Normalize:run before",
    "dlt.common.destination.client:RunnableLoadJob:_release before",
    "dlt.load.load:Load:complete_package before",
    "dlt.common.storages.load_storage:LoadStorage:complete_load_package before",
    "dlt.load.load:Load:complete_package after",
]


GOING_ON = [*((place, "a run") for place in LATE), (LATE[-1], "a retry")]


@pytest.mark.parametrize(("place", "going_on"), [*SWEEP.share(GOING_ON[:-1], smoke=2), GOING_ON[-1]])
def test_a_killed_load_that_is_finished_reports_its_rows(project, place, going_on):
    """In the same run, or one that retries it, it extracts nothing anew: also what has no key is there once."""
    record = SqlTargetRecord(project.rows, DIALECTS["duckdb"], lambda _step: None, main="warehouse")
    record.make(["warehouse"])
    project.record = record.loads_in("warehouse")
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "5")
    project.write("die", place)
    killed = project.load(run_id="a run")
    (project.root / "die").unlink()
    project.write("last", "7")
    project.continues_loads = {"ingest.elt_shop": {"a run"}} if going_on != "a run" else {}
    gone_on = project.load(run_id=going_on)
    project.continues_loads = {}

    assert (killed.status, gone_on.status) == (Status.ERROR, Status.SUCCESS), gone_on.message
    tables = ("events", "heaps", "keyless", "orders", "stocks")
    told = {part.name.removeprefix("raw."): part.rows for part in gone_on.parts}
    assert told == {**dict.fromkeys(tables, 5), **{f"{table}__parts": 10 for table in tables}}
    assert [project.rows(f"select count(*) from raw.{table}") for table in tables] == [[(5,)]] * len(tables)
    noted = project.rows("select table_name, sum(rows) from _elt.loads where run_id = 'a run' group by table_name")
    assert dict(noted) == told
    assert project.load(run_id="the next").rows_affected
    assert project.rows("select count(*) from raw.events") == [(7,)]
