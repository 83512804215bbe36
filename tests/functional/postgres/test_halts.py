"""What is broken on purpose on PostgreSQL halts what descends from it, and nothing else."""

import pytest

from tests.functional.postgres.shop import blamed, statuses, write_shop

pytestmark = pytest.mark.functional

REFUSING_RATES = """
    import dlt

    @dlt.resource(write_disposition="replace")
    def rates():
        raise ConnectionError("the bank is closed")
        yield

    @dlt.source(name="rates")
    def rates_api():
        return rates
"""
TOO_MUCH = """
    {"name": "fct_orders", "expectations": [
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "min_value": 1}},
        {"type": "unexpected_rows_expectation", "severity": "info",
         "kwargs": {"unexpected_rows_query": "delete from {batch} returning *"}}
    ]}
"""


@pytest.fixture(scope="module")
def standing(server, new_database, tmp_path_factory):
    """The project after a run of everything but the suite."""
    shop = write_shop(tmp_path_factory.mktemp("standing") / "project", server, new_database())
    ran = shop.run(exclude=("expectation:*",))
    assert ran.exit_code == 0, ran.outcomes
    return shop


@pytest.fixture
def shop(standing, new_database, tmp_path):
    """The same in a folder and a database of the test's own."""
    return standing.copied(tmp_path / "project", new_database(template=standing.database))


def not_green(ran):
    """Give what did not succeed, by name."""
    return {name: status for name, status in statuses(ran).items() if status != "success"}


def test_a_failing_load_and_a_broken_expectation(shop):
    """The load halts its source's branch, the suite what reads the table; both are named; a suite cannot write."""
    shop.write("ingestion/rates.py", REFUSING_RATES)
    shop.write("expectations/fct_orders.json", TOO_MUCH)
    ran = shop.run()
    skipped = dict.fromkeys(
        [
            "stg_rates",
            "unique_stg_rates_currency",
            "fct_rates",
            "what_a_customer_spent",
            "dim_customers",
            "unique_dim_customers_customer_id",
            "not_null_dim_customers_customer_id",
        ],
        "skipped",
    )
    assert ran.exit_code == 1
    assert not_green(ran) == {"rates": "error", "suite fct_orders": "error", **skipped}
    assert blamed(ran)["fct_rates"] == "rates"
    assert blamed(ran)["dim_customers"] == "suite fct_orders"
    (suite,) = (outcome for outcome in ran.outcomes if outcome.step_id == "expectation.fct_orders")
    assert [str(part.status) for part in suite.parts] == ["fail", "error"]
    assert "read-only transaction" in suite.message
    (load,) = (outcome for outcome in ran.outcomes if outcome.step_id == "ingest.elt_rates")
    assert "the bank is closed" in load.message
    assert shop.rows("select count(*) from analytics.fct_orders") == [(3,)]


def test_a_stale_source_and_a_failing_test(shop):
    """Old orders close their gate, a doubled key halts what reads the staged customers."""
    shop.write("ingestion/age", "5")
    shop.write("ingestion/last", "0")
    shop.rows("update raw.orders set ordered_at = ordered_at - interval '5 days'")
    shop.write(
        "models/staging/stg_customers.sql",
        "select id as customer_id, name, code as country from {{ source('raw', 'customers') }},"
        " generate_series(1, 2) where {{ source('raw', 'customers') }}.id = 1 and '{{ ref('countries') }}' <> ''",
    )
    ran = shop.run(exclude=("expectation:*", "stg_rates+"))
    found = not_green(ran)
    assert ran.exit_code == 1
    assert found.pop("raw.orders") == "fail"
    assert found.pop("unique_stg_customers_customer_id") == "fail"
    assert set(found.values()) == {"skipped"}
    assert {"stg_orders", "fct_orders", "dim_customers", "customers_history"} <= found.keys()
    assert blamed(ran)["stg_orders"] == "raw.orders"
    assert blamed(ran)["customers_history"] == "unique_stg_customers_customer_id"
    assert statuses(ran)["raw.customers"] == "success"


def test_a_source_judged_by_its_loads(shop):
    """Customers that were last loaded three days ago close their gate."""
    shop.rows("update raw._dlt_loads set inserted_at = inserted_at - interval '3 days'")
    ran = shop.run("stg_customers", exclude=("test_type:data",), ingest=False)
    assert not_green(ran) == {"raw.customers": "fail", "stg_customers": "skipped"}
