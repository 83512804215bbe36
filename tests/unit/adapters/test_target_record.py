"""The tables of ours in a target: made once, read when they can be trusted, and nobody else's touched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.duckdb.warehouse import DatabaseFile, Warehouse, open_warehouse
from orchestrator.adapters.record_sql import DIALECTS, LOADS, STANDING, adds_marker
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.execution.ports import Request
from orchestrator.plan.step import StepId
from orchestrator.reuse.standing import Mark, Marker
from tests.factories import make_step

RELATION = '"shop"."main"."orders"'
MARK = Mark(digest="d", identity="i")


class Target:
    """A database in a file, and what the user was told of it."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.ask = warehouse.ask
        self.told: list[str] = []

    def record(self, **options) -> SqlTargetRecord:
        """What the target says, as a new run finds it."""
        known = {"main": "shop", "tell": self.told.append} | options
        return SqlTargetRecord(self.ask, DIALECTS["duckdb"], lambda _step: "shop", **known)

    def made(self, **options) -> bool:
        """Let a run make the tables, and say whether it can write there."""
        record = self.record()
        record.make(["shop"], **options)
        return record.is_made("shop")

    def mark(self, name: str, run_id: str = "r1", attempt: int = 1, *, is_whole: bool = True) -> None:
        """Leave a marker."""
        request = Request(run_id=run_id, step=make_step(name), attempt=attempt)
        self.ask(adds_marker("shop", RELATION, request, MARK, is_whole=is_whole))

    def marker(self, name: str) -> Marker | None:
        """Read a marker, as a new run does."""
        return self.record().markers({StepId(name)}).get(StepId(name))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A new database."""
    warehouse = open_warehouse(DatabaseFile(path=tmp_path / "shop.duckdb"), lock_timeout=0)
    yield Target(warehouse)
    warehouse.close()


def test_the_newest_marker_of_each_node_is_read(target: Target) -> None:
    """Whatever the clock says: what was written last; a node that was not asked for is left out."""
    assert target.made()
    before = datetime.now(UTC)
    for run_id, attempt in (("r1", 1), ("r2", 1), ("r2", 2)):
        target.mark("orders", run_id, attempt)
    target.mark("other")
    target.ask("update _elt.standing set built_at = '2999-01-01' where run_id = 'r1'")
    found = target.marker("orders")
    assert found is not None
    assert (found.run_id, found.attempt, found.relation, found.is_whole) == ("r2", 2, RELATION, True)
    assert (found.digest, found.identity) == ("d", "i")
    assert before <= found.at <= datetime.now(UTC)
    assert target.marker("unknown") is None
    assert target.told == []


def test_a_database_is_known_however_its_name_is_written(target: Target) -> None:
    """A profile may say SHOP where a model says shop."""
    record = target.record()
    record.make(["SHOP"])
    assert record.is_made("Shop")
    target.mark("orders")
    assert target.marker("orders") is not None
    assert target.told == []


def test_a_target_without_tables_says_nothing(target: Target) -> None:
    """Neither before the first run nor after somebody dropped the schema; nothing is made by asking."""
    assert target.marker("orders") is None
    assert target.ask("select * from information_schema.schemata where schema_name = '_elt'") == []


def test_a_schema_that_was_dropped_is_made_anew(target: Target) -> None:
    """With a notice where something stands that recorded runs have built; else it is a database of its own."""
    assert target.made(is_expected=True)
    assert target.told == []
    target.mark("orders")
    target.ask("drop schema _elt cascade")
    target.ask("create table main.orders as select 1 as id")
    assert target.made(is_expected=True)
    assert target.marker("orders") is None
    (said,) = target.told
    assert "does not say what stands in it" in said


@pytest.mark.parametrize(
    "edit",
    [
        "alter table _elt.standing drop column digest",
        "alter table _elt.standing alter attempt type varchar",
        "alter table _elt.standing rename column run_id to run",
    ],
)
def test_a_table_that_was_edited_is_not_trusted(target: Target, edit: str) -> None:
    """It is set aside with all that is in it, the user is told once, and a new one takes its place."""
    assert target.made()
    target.mark("orders")
    target.ask(edit)
    assert target.marker("orders") is None
    assert target.made()
    assert target.marker("orders") is None
    (said,) = target.told
    assert "The table _elt.standing of shop has not the columns that elt gave it" in said
    tables = [name for (name,) in target.ask("select table_name from duckdb_tables() order by 1")]
    assert [name.partition("_before_")[0] for name in tables] == [LOADS, STANDING, STANDING]
    target.mark("orders", "r2")
    assert target.marker("orders") is not None


def test_rows_that_were_edited_are_passed_over(target: Target) -> None:
    """A marker that lacks something is none; columns that somebody added do no harm."""
    assert target.made()
    target.mark("orders")
    target.mark("other")
    target.ask("update _elt.standing set run_id = null where step_id = 'orders'")
    target.ask("alter table _elt.standing add column note varchar")
    assert target.made()
    assert target.marker("orders") is None
    assert target.marker("other") is not None
    assert target.told == []


@pytest.mark.parametrize("table", ["_elt.customers", "_elt.standing"])
def test_a_schema_of_the_users_own_is_left_alone(target: Target, table: str) -> None:
    """Even where a table of theirs has the name of one of ours; nothing is recorded there, and they are told."""
    target.ask("create schema _elt")
    target.ask(f"create table {table} as select 1 as id")
    assert not target.made()
    assert target.marker("orders") is None
    assert target.ask("select table_schema || '.' || table_name from information_schema.tables") == [(table,)]
    (said,) = target.told
    assert "its schema _elt holds other tables" in said
    assert "state_in_target: false" in said


def test_a_schema_that_models_are_built_in_is_left_alone(target: Target) -> None:
    """It is the project's, also while it is empty."""
    target.ask("create schema _elt")
    record = target.record(taken={"shop"})
    record.make(["shop"])
    assert not record.is_made("shop")
    assert len(target.told) == 1


def test_a_database_that_cannot_be_written_is_told_of_once(tmp_path: Path) -> None:
    """What stands there is not recorded; the run goes on."""
    path = tmp_path / "shop.duckdb"
    open_warehouse(DatabaseFile(path=path), lock_timeout=0).close()
    warehouse = open_warehouse(DatabaseFile(path=path, config={"access_mode": "read_only"}), lock_timeout=0)
    target = Target(warehouse)
    record = target.record()
    record.make(["shop"])
    record.make(["shop"])
    assert not record.is_made("shop")
    (said,) = target.told
    assert "What stands is not recorded in shop itself" in said
    assert "read-only" in said
    warehouse.close()


def test_old_markers_are_removed_once_there_are_many(target: Target) -> None:
    """When the next run makes ready; the newest of each node stays."""
    assert target.made()
    for number in range(5):
        target.mark("orders", f"r{number}")
    assert target.made()
    assert target.ask("select count(*) from _elt.standing") == [(5,)]
    target.ask("insert into _elt.standing select s.* from _elt.standing s, range(100)")
    target.mark("orders", "the last")
    assert target.made()
    assert target.ask("select run_id from _elt.standing") == [("the last",)]
