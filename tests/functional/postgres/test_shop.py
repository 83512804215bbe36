"""A project on PostgreSQL, from an empty database to a second run: loads, models, checks, and what stands."""

import pytest

from orchestrator.api import Verb
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import Shop, statuses, write_shop

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def story(server, new_database, tmp_path_factory):
    """Plans before and after, a first run of everything, and a second one of the marts with two more orders."""
    shop = write_shop(tmp_path_factory.mktemp("shop") / "project", server, new_database())
    found = {"shop": shop, "empty": shop.plan("stg_orders", ingest=False)}
    found["first"] = shop.run()
    found["full"] = shop.plan("stg_orders", ingest=False)
    shop.write("ingestion/last", "5")
    found["second"] = shop.run("marts", exclude=("expectation:*",))
    return found


@pytest.fixture(scope="module")
def shop(story) -> Shop:
    return story["shop"]


def test_everything_is_green(story):
    """Two loads, two gates, eight nodes, their tests, the unit test and the suite succeed on an empty database."""
    first = story["first"]
    assert first.exit_code == 0, first.outcomes
    assert set(statuses(first).values()) == {"success"}
    assert len(first.plan.steps) == 27


def test_each_tool_writes_where_the_profile_says(shop):
    """dlt loads the sources' schemas, dbt builds its own schemas, all in one database."""
    made = shop.rows("""
        select table_schema, count(*) from information_schema.tables
        where table_schema not in ('information_schema', 'pg_catalog') and left(table_name, 1) <> '_' group by 1
    """)
    assert dict(made) == {"raw": 2, "rates": 1, "analytics": 4, "analytics_staging": 3, "analytics_reference": 1}


def test_a_second_run_loads_nothing_twice(story, shop):
    """Of the orders only the two new ones come, customers are replaced, the incremental model gets what is new."""
    second = story["second"]
    assert second.exit_code == 0, second.outcomes
    (load,) = (outcome for outcome in second.outcomes if outcome.step_id == "ingest.elt_raw")
    assert {part.name: part.rows for part in load.parts} == {"raw.customers": 2, "raw.orders": 2}
    assert shop.rows("select id, count(*) from raw.orders group by 1 order by 1") == [(n, 1) for n in range(1, 6)]
    assert shop.rows("select count(*) from raw.customers") == [(2,)]
    assert shop.rows("select count(*), count(distinct order_id) from analytics.fct_orders") == [(5, 5)]
    assert shop.rows("select spent from analytics.dim_customers order by 1") == [(3.0,), (4.5,)]
    assert shop.rows("select count(*) from raw._elt_load_jobs") == [(0,)]


def test_what_stands_is_known(story):
    """A test over a table that is neither planned nor there is left out; once it stands, it is planned."""
    relationships = "relationships_stg_orders_customer_id__customer_id__ref_stg_customers_"
    assert [left.node.split(".")[2] for left in story["empty"].left_out] == [relationships]
    assert not story["full"].left_out
    assert relationships in {step.name for step in story["full"].steps}


def test_tests_and_freshness_run_on_what_stands(story, shop):
    """`elt test` and `elt freshness` ask the same database."""
    tested = shop.run("stg_orders", verb=Verb.TEST)
    fresh = shop.run(verb=Verb.FRESHNESS)
    assert (tested.exit_code, fresh.exit_code) == (0, 0)
    assert statuses(fresh) == {"raw.customers": "success", "raw.orders": "success"}


def test_the_password_is_kept_nowhere(shop, tmp_path_factory):
    """Neither logs, artifacts nor the state of loads hold it."""
    folders = [shop.folder, tmp_path_factory.getbasetemp()]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
