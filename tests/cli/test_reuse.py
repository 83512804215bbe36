"""`elt plan`, `elt run` and `elt show` tell what is reused, what runs, and why, on a real project."""

import json

import pytest

from tests.functional.reuse.till import edit, write_till
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    """A project that nobody has run yet."""
    return write_till(tmp_path_factory.mktemp("till"))


def test_selected_nodes_run_and_their_ancestors_only_where_they_must(elt, till):
    """The first time all of it; then a comment changes nothing, and a macro what uses it."""
    elt("run", "--select", "sales", project=till).reports("5 success", code=0)
    edit(till, "models/stg_sales.sql", "-- one row a sale", "-- a row for each sale")
    again = elt("run", "--select", "sales", project=till)
    again.reports("reused model stg_sales", "success model sales", "2 success, 3 reused", code=0)
    edit(till, "packages/numbers/macros/rounded.sql", ", 2)", ", 3)")
    planned = elt("plan", "--select", "sales", project=till)
    planned.reports("5 steps, 2 reused", "macro changed: numbers/macros/rounded.sql", "sales selected", code=0)
    shown = elt("show", project=till)
    assert "needed by sales; reused, nothing changed since run" in shown.out


def test_selected_nodes_are_reused_when_that_is_asked_for(elt, till):
    """The plan is JSON for programs; `run_results.json` has dbt's own words for what was reused."""
    elt("run", "--skip-unchanged", project=till)
    plan = json.loads(elt("plan", "--skip-unchanged", "--verify-reuse", "5%", "--json", project=till).out)
    assert plan["notes"] == ["verified: 1 of 5 relations that may be reused, drawn by the id of the run"]
    acts = {step["name"]: step["decision"] for step in plan["steps"]}
    assert (acts["sales"]["act"], acts["sales"]["status"]) == ("reuse", "success")
    assert acts["stamped"]["words"] == "volatile: current_timestamp"
    assert acts["pivoted"]["act"] == "if_changed"
    said = elt("run", "--skip-unchanged", project=till)
    said.reports("1 success, 8 reused", code=0)
    results = json.loads((till / "target/run_results.json").read_text())["results"]
    words = {result["unique_id"].split(".")[2]: result["status"] for result in results}
    assert (words["sales"], words["unique_sales_id"]) == ("success", "pass")


def test_a_gate_stays_closed_where_its_check_does_not_run(elt, till):
    """After it failed, until it says yes; with its node in the plan both run again."""
    edit(till, "seeds/rates.csv", "USD,1.1", "EUR,1.1")
    elt("run", "--select", "sales", project=till).reports("fail data test unique_sales_id")
    said = elt("run", "--select", "sales_by_day", "--upstream", "none", project=till)
    said.reports("unique_sales_id did not pass when it last ran", "1 skipped", code=1)
    planned = elt("plan", "--select", "sales_by_day", project=till)
    planned.reports("its last check failed: unique_sales_id", code=0)


SUITE = """
    {"name": "fct_orders", "expectations": [
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": 2}}
    ]}
    """


def test_the_suite_of_a_node_without_tests_runs_by_its_name(elt, tmp_path):
    """With `elt test`, also downstream of others; the message has all bounds, and each name finds the log."""
    files = {"models/marts/marts.yml": None, "models/staging/staging.yml": None, "expectations/fct_orders.json": SUITE}
    shop = write_shop(tmp_path, files)
    elt("run", "--select", "fct_orders", "--no-tests", project=shop).reports("success", code=0)
    for selection in ("fct_orders", "stg_orders+", "fct_orders+"):
        elt("test", "--select", selection, project=shop).reports(
            "1 of 1 expectation of main.fct_orders (expectations/fct_orders.json) did not pass:",
            "expect_table_row_count_to_be_between(min_value=1, max_value=2): observed 3",
        )
    for name in ("fct_orders", "expectation:fct_orders", "expectation.fct_orders"):
        assert "did not pass" in elt("logs", name, project=shop).out
    elt("logs", "fct_order", project=shop).refuses("has no step called fct_order", "Did you mean 'fct_orders'?")
    elt("test", "--select", "stg_orders", project=shop).refuses("matches nothing")


AGES = """
    sources:
      - name: raw
        schema: raw
        config: {freshness: {error_after: {count: 1, period: day}}, loaded_at_field: "timestamp '2020-01-01'"}
        tables: [{name: customers}, {name: orders}]
    """


def test_freshness_that_is_not_checked_is_noted(elt, tmp_path):
    """With `--upstream none`, once, in the plan and in the run; a run that a stale source halts names the way round."""
    shop = write_shop(tmp_path, {"models/sources.yml": AGES})
    words = ("--select", "stg_customers", "--upstream", "none", "--exclude", "test_name:relationships")
    note = "the freshness of raw.customers is not checked, because of --upstream none; check it with: elt freshness"
    elt("plan", *words, project=shop).reports(note, code=0)
    said = elt("run", *words, project=shop)
    said.reports(note, code=0)
    assert said.out.count("is not checked") == 1
    elt("run", "--select", "stg_customers", project=shop).reports("--no-freshness the option that builds")
    assert "is not checked" not in elt("run", *words, "--no-freshness", project=shop).out


def test_a_gate_on_a_source_stays_closed_where_its_check_does_not_run(elt, tmp_path):
    """As one on a model does; the message says how to check again, and a check that passes opens it."""
    shop = write_shop(tmp_path)
    sql(shop, "insert into raw.customers values (null, 'Cy')")
    elt("run", "--select", "stg_customers", project=shop).reports("fail data test source_not_null_raw_customers_id")
    sql(shop, "delete from raw.customers where id is null")
    said = elt("run", "--select", "stg_customers", "--upstream", "none", project=shop)
    said.reports("4 skipped", "check again with: elt test --select source_not_null_raw_customers_id", code=1)
    for verb in ("resume", "retry"):
        elt(verb, project=shop).reports("did not pass when it last ran", code=1)
    assert elt("test", "--select", "source_not_null_raw_customers_id", project=shop).code == 0
    words = ("--upstream", "none", "--exclude", "test_name:relationships")
    assert elt("run", "--select", "stg_customers", *words, project=shop).code == 0
