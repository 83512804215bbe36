"""The tables of ours in a target: made once, read when they can be trusted, and nobody else's touched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, DuckdbWarehouse, open_warehouse
from orchestrator.adapters.record_sql import COLUMNS, DIALECTS, LOADS, STANDING, Home, adds_marker, names_in, names_of
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.execution.ports import Request
from orchestrator.nodes.identity import Relation
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import Mark, Marker
from tests.factories import make_step

ORDERS = Relation(database="shop", schema="main", identifier="orders")
MARK = Mark(digest="d", identity="i")


class Target:
    """A database in a file, and what the user was told of it."""

    def __init__(self, warehouse: DuckdbWarehouse) -> None:
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

    def mark(self, name: str, run_id: str = "r1", attempt: int = 1, **said: str) -> None:
        """Leave a marker of a node and the relation of its name, or of another relation."""
        request = Request(run_id=run_id, step=make_step(name), attempt=attempt)
        relation = said.pop("relation", f'"shop"."main"."{name}"')
        self.ask(adds_marker(Home(database="shop"), relation, request, MARK, is_whole=True, **said))

    def mark_doubted(self) -> None:
        """Build something, and find it to be another thing."""
        record = self.record()
        record.make(["shop"])
        self.mark("orders")
        record.doubt(Request(run_id="r1", step=make_step("orders"), attempt=1), ORDERS)

    def marker(self, name: str) -> Marker | None:
        """Read the marker of the relation of a name, as a new run does for the node of that name."""
        relation = Relation(database="shop", schema="main", identifier=name)
        return self.record().markers({StepId(name): relation}).get(StepId(name))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A new database."""
    warehouse = open_warehouse(DatabaseFile(path=tmp_path / "shop.duckdb"), lock_timeout=0)
    yield Target(warehouse)
    warehouse.close()


def test_the_newest_marker_of_each_relation_is_read(target: Target) -> None:
    """Whatever the clock says: what was written last."""
    assert target.made()
    before = datetime.now(UTC)
    for run_id, attempt in (("r1", 1), ("r2", 1), ("r2", 2)):
        target.mark("orders", run_id, attempt)
    target.mark("other")
    target.ask("update _elt.standing set built_at = '2999-01-01' where run_id = 'r1'")
    found = target.marker("orders")
    assert found is not None
    assert (found.run_id, found.attempt, found.relation, found.is_whole) == ("r2", 2, '"shop"."main"."orders"', True)
    assert (found.digest, found.identity) == ("d", "i")
    assert before <= found.at <= datetime.now(UTC)
    assert target.marker("unknown") is None
    assert target.told == []


def test_the_last_writer_of_a_relation_counts_whichever_node_it_is(target: Target) -> None:
    """A node of another name took its place, and wrote the name in another way; then the first one writes again."""
    assert target.made()
    target.mark("orders", content="kind=table; rows=1:5")
    first = target.marker("orders")
    assert first is not None
    assert first.content == "kind=table; rows=1:5"
    target.mark("orders_v2", relation="shop.MAIN.Orders")
    found = target.marker("orders")
    assert found is not None
    assert (found.step_id, found.content) == (StepId("orders_v2"), None)
    assert target.marker("orders_v2") is None
    target.mark("orders", "r2")
    found = target.marker("orders")
    assert found is not None
    assert (found.step_id, found.run_id) == (StepId("orders"), "r2")


def test_a_suspect_relation_stays_suspect_until_it_is_rebuilt(target: Target) -> None:
    """The marker is of the relation, as each build's is."""
    target.mark_doubted()
    found = target.marker("orders")
    assert found is not None
    assert found.is_doubted
    target.mark("orders", "r2")
    found = target.marker("orders")
    assert found is not None
    assert not found.is_doubted


FORMER = [name for name in COLUMNS[STANDING] if name != "content"]


def test_a_table_of_an_earlier_version_gets_its_missing_column(target: Target) -> None:
    """Its rows stay and are read, before and after; an earlier elt reads and writes the table as before."""
    assert target.made()
    target.mark("orders")
    target.ask("alter table _elt.standing drop column content")
    before = target.marker("orders")
    assert before is not None
    assert before.content is None
    assert target.made()
    assert target.marker("orders") == before
    target.mark("orders", "r2", content="c")
    now = target.marker("orders")
    assert now is not None
    assert now.content == "c"
    names = ", ".join(FORMER)
    target.ask(f"insert into _elt.standing ({names}) select {names} from _elt.standing where run_id = 'r1'")
    assert target.marker("orders") == before
    assert target.told == []


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('"shop"."Main"."a.""B"', {"duckdb": ("main", 'a."b'), "postgres": ("Main", 'a."B')}),
        ("shop.Main.Orders", {"duckdb": ("main", "orders"), "postgres": ("main", "orders")}),
        ('"Main".orders', {"duckdb": ("main", "orders"), "postgres": ("Main", "orders")}),
    ],
)
def test_names_are_compared_as_the_database_compares_them(written: str, names: dict[str, tuple[str, str]]) -> None:
    """DuckDB takes no note of case; PostgreSQL does of what is quoted, and writes all else in lower case."""
    assert {name: names_in(written, dialect) for name, dialect in DIALECTS.items()} == names
    odd = Relation(database=None, schema="Main", identifier="Orders")
    assert names_of(odd, DIALECTS["duckdb"]) == {("main", "orders")}
    assert names_of(odd, DIALECTS["postgres"]) == {("main", "orders"), ("Main", "Orders")}


def test_a_database_is_recognized_however_its_name_is_written(target: Target) -> None:
    """A profile may say SHOP where a model says shop."""
    record = target.record()
    record.make(["SHOP"])
    assert record.is_made("Shop")
    target.mark("orders")
    assert target.marker("orders") is not None
    assert target.told == []


def test_a_target_without_tables_reports_nothing(target: Target) -> None:
    """Neither before the first run nor after somebody dropped the schema; nothing is made by asking."""
    assert target.marker("orders") is None
    assert target.ask("select * from information_schema.schemata where schema_name = '_elt'") == []


def test_a_dropped_schema_is_created_again(target: Target) -> None:
    """With a notice where something stands that recorded runs have built; else it is a database of its own."""
    assert target.made(is_expected=True)
    assert target.told == []
    target.mark("orders")
    target.ask("drop schema _elt cascade")
    target.ask("create table main.orders as select 1 as id")
    assert target.made(is_expected=True)
    assert target.marker("orders") is None
    (said,) = target.told
    assert "has no record of what it holds" in said


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
    assert "The table _elt.standing of shop does not have the columns that elt created" in said
    tables = [name for (name,) in target.ask("select table_name from duckdb_tables() order by 1")]
    assert [name.partition("_before_")[0] for name in tables] == [LOADS, STANDING, STANDING]
    target.mark("orders", "r2")
    assert target.marker("orders") is not None


def test_edited_marker_rows_are_ignored(target: Target) -> None:
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
def test_a_schema_of_the_user_is_left_alone(target: Target, table: str) -> None:
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


def test_a_database_that_cannot_be_written_is_reported_once(tmp_path: Path) -> None:
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
    assert "Builds are not recorded in shop itself" in said
    assert "read-only" in said
    warehouse.close()


def test_old_markers_are_removed_once_there_are_many(target: Target) -> None:
    """When the next run makes ready; the newest of each relation stays."""
    assert target.made()
    for number in range(5):
        target.mark("orders", f"r{number}")
    assert target.made()
    assert target.ask("select count(*) from _elt.standing") == [(5,)]
    target.ask("insert into _elt.standing select s.* from _elt.standing s, range(100)")
    target.mark("orders", "the last")
    assert target.made()
    assert target.ask("select run_id from _elt.standing") == [("the last",)]
