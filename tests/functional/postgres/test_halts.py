"""What is broken on purpose on PostgreSQL halts what descends from it, and nothing else."""

import pytest

from tests.functional.postgres.shop import blamed, statuses

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


def not_green(ran):
    """Give what did not succeed, by name."""
    return {name: status for name, status in statuses(ran).items() if status != "success"}


def test_a_failing_load_and_a_broken_expectation(shop):
    """The load halts its source's branch, the suite what reads the table; both are named; a suite cannot write."""
    shop.write("ingestion/rates.py", REFUSING_RATES)
    shop.write("expectations/fct_orders.json", TOO_MUCH)
    ran = shop.run(repeats=0)
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
    (load,) = (outcome for outcome in ran.outcomes if outcome.step_id == "ingest.elt_rates")
    assert "the bank is closed" in load.message
    assert shop.rows("select count(*) from analytics.fct_orders") == [(3,)]


def test_stale_sources_close_their_gates(shop):
    """Old orders, by dbt's query, and customers last loaded days ago, by dlt's record, halt what reads them."""
    shop.rows("update raw.orders set ordered_at = ordered_at - interval '5 days'")
    shop.rows("update raw._dlt_loads set inserted_at = inserted_at - interval '36 hours'")
    ran = shop.run("fct_orders", "fct_rates", exclude=("expectation:*",), ingest=False)
    found = not_green(ran)
    assert ran.exit_code == 1
    assert (found.pop("raw.orders"), found.pop("raw.customers")) == ("fail", "warn")
    assert set(found.values()) == {"skipped"}
    assert {"stg_orders", "fct_orders", "not_null_stg_orders_order_id"} <= found.keys()
    assert not found.keys() & {"stg_customers", "fct_rates"}
    assert blamed(ran)["fct_orders"] == "raw.orders"
