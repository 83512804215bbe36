"""A project on PostgreSQL, from an empty database to a second run: loads, models, checks, and what stands."""

from dataclasses import replace

import pytest

from orchestrator.api import Verb
from orchestrator.plan.step import TestStep
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import name_of, statuses

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def grown(first, new_database, tmp_path_factory):
    """The shop after its first run, in a folder and a database of this module's."""
    return first.shop.copied(tmp_path_factory.mktemp("grown") / "project", new_database(first.shop.database))


@pytest.fixture(scope="module")
def second(grown):
    """A second run of the marts, with two more orders to load."""
    grown.write("ingestion/last", "5")
    return grown.run("marts", exclude=("expectation:*",))


def test_everything_is_green(first):
    """Two loads, two gates, eight nodes, their tests, the unit test and the suite succeed on an empty database."""
    assert first.ran.exit_code == 0, first.ran.outcomes
    assert set(statuses(first.ran).values()) == {"success"}
    assert len(first.ran.plan.steps) == 27


def test_only_what_writes_rows_has_a_row_count(first):
    """A table has the number of its rows; a test, a view and a suite have none."""
    rows = {name_of(first.ran.plan.by_id[one.step_id]): one.rows_affected for one in first.ran.outcomes}
    assert (rows["dim_customers"], rows["stg_customers"]) == (2, None)
    assert {rows[step.name] for step in first.ran.plan.steps if isinstance(step, TestStep)} == {None}


def test_each_tool_writes_where_the_profile_says(first):
    """dlt loads the sources' schemas, dbt builds its own schemas, all in one database."""
    made = first.shop.rows("""
        select table_schema, count(*) from information_schema.tables
        where table_schema not in ('information_schema', 'pg_catalog', '_elt') and left(table_name, 1) <> '_' group by 1
    """)
    assert dict(made) == {"raw": 2, "rates": 1, "analytics": 4, "analytics_staging": 3, "analytics_reference": 1}


def test_a_second_run_loads_nothing_twice(grown, second):
    """Of the orders only the two new ones come, customers are replaced, the incremental model gets what is new."""
    assert second.exit_code == 0, second.outcomes
    (load,) = (outcome for outcome in second.outcomes if outcome.step_id == "ingest.elt_raw")
    assert {part.name: part.rows for part in load.parts} == {"raw.customers": 2, "raw.orders": 2}
    assert grown.rows("select id, count(*) from raw.orders group by 1 order by 1") == [(n, 1) for n in range(1, 6)]
    assert grown.rows("select count(*) from raw.customers") == [(2,)]
    assert grown.rows("select count(*), count(distinct order_id) from analytics.fct_orders") == [(5, 5)]
    assert grown.rows("select spent from analytics.dim_customers order by 1") == [(3.0,), (4.5,)]
    assert grown.rows("select count(*) from raw._elt_load_jobs") == [(0,)]


def test_existing_results_are_known(first, new_database):
    """A test over a table that is neither planned nor there is left out; once it stands, it is planned."""
    full = first.shop.plan("stg_orders", ingest=False)
    empty = replace(first.shop, database=new_database()).plan("stg_orders", ingest=False)
    relationships = "relationships_stg_orders_customer_id__customer_id__ref_stg_customers_"
    assert not full.left_out
    assert relationships in {step.name for step in full.steps}
    assert [left.node.split(".")[2] for left in empty.left_out] == [relationships]


def test_tests_and_freshness_run_on_the_existing_tables(first):
    """`elt test` and `elt freshness` ask the same database."""
    tested = first.shop.run("stg_orders", verb=Verb.TEST)
    fresh = first.shop.run(verb=Verb.FRESHNESS)
    assert (tested.exit_code, fresh.exit_code) == (0, 0)
    assert statuses(fresh) == {"raw.customers": "success", "raw.orders": "success"}


def test_the_password_is_stored_nowhere(first, tmp_path_factory):
    """Neither logs, artifacts nor the state of loads hold it."""
    assert (first.shop.folder / "logs" / "dbt.log").exists()
    files = [path for path in tmp_path_factory.getbasetemp().rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
