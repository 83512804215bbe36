"""Runs that were broken off or did not end well, and what a user does about them."""

import json
import signal
from textwrap import dedent

import pytest

from tests.cli.conftest import ended, start
from tests.cli.test_history import SLOW, recorded, until_it_builds
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional
SLOW_MART = f"select order_id from {{{{ ref('fct_orders') }}}} where order_id > ({SLOW})"
QUICK_MART = "select order_id from {{ ref('fct_orders') }}"
NULLS = "select nullif(id, 1) as customer_id, name from {{ source('raw', 'customers') }}"
SOUND = "select id as customer_id, name from {{ source('raw', 'customers') }}"


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path)


def ran(said) -> list[str]:
    """Give the names of what a run with `--json` started, in order of name."""
    events = [json.loads(line) for line in said.out.splitlines()]
    return sorted(event["name"] for event in events if event["event"] == "step_started")


def statuses(elt, shop, *run: str) -> dict[str, str]:
    """Give the status of each step of a recorded run."""
    document = json.loads(elt("show", *run, "--json", project=shop).out)
    return {step["name"]: step["status"] for step in document["plan"]}


HOOK = """
    name: shop
    version: "1.0.0"
    profile: shop
    on-run-end: "select no_such_thing"
    """


def test_a_run_in_which_only_a_hook_failed_can_be_resumed(elt, tmp_path):
    """A retry would leave it failed; the summary and the refusal name the command."""
    shop = write_shop(tmp_path, {"dbt_project.yml": HOOK})
    words = ("--select", "stg_orders", "--no-tests")
    failed = elt("run", *words, project=shop)
    failed.reports("error hook on-run-end", "next", "--accept-changes once the hook is corrected")
    elt("retry", project=shop).refuses("Only the hook on-run-end failed", "elt resume", "--accept-changes")
    (shop / "dbt_project.yml").write_text(dedent(HOOK).replace("no_such_thing", "1"))
    elt("resume", "--accept-changes", project=shop).reports("success hook on-run-end", code=0)


def test_a_killed_run_resumes_where_it_stopped(elt, shop, tmp_path):
    """After kill -9 in a model: the same run, only what had not ended runs, and the artifacts hold all of it."""
    (shop / "models/marts/slow.sql").write_text(SLOW_MART)
    run = start("run", "--select", "+slow", "dim_customers", "--json", "--vars", "{day: 1}", project=shop)
    until_it_builds(run)
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    (head,) = recorded(elt, shop)
    exists = {name for name, status in statuses(elt, shop).items() if status == "success"}
    assert "fct_orders" in exists
    (shop / "models/marts/slow.sql").write_text(QUICK_MART)
    elt("resume", project=shop).refuses("The code has changed", "slow (models/marts/slow.sql)")
    resumed = elt("resume", "--accept-changes", "--json", project=shop)
    assert resumed.code == 0, resumed.err
    assert not exists & set(ran(resumed))
    first = json.loads(resumed.out.splitlines()[0])
    assert (first["run_id"], first["resumed"], first["steps_done"]) == (head["run_id"], True, len(exists))
    assert [row["run_id"] for row in recorded(elt, shop)] == [head["run_id"]]
    assert set(statuses(elt, shop).values()) == {"success"}
    assert sql(shop, "select count(*) from main.slow") == [(3,)]
    results = json.loads((shop / "target/run_results.json").read_text())["results"]
    ended = {result["unique_id"].split(".")[2] for result in results}
    assert {"stg_orders", "fct_orders", "dim_customers", "slow"} <= ended
    kinds = [json.loads(line)["event"] for line in elt("logs", "--json", project=shop).out.splitlines()]
    assert (kinds.count("run_started"), kinds.count("run_ended")) == (2, 1)


def test_a_resume_runs_failed_steps_again(elt, shop):
    """A failed run is resumed after its data was mended: what had ended well stands, unless somebody dropped it."""
    sql(shop, "insert into raw.customers values (2, 'Bob')")
    assert elt("run", "--select", "marts", project=shop).code == 1
    sql(shop, "delete from raw.customers where name = 'Bob'")
    sql(shop, "drop view main.stg_orders")
    resumed = elt("resume", "--json", project=shop)
    assert resumed.code == 0, resumed.out
    assert "source_not_null_raw_customers_id" not in ran(resumed)
    assert {"stg_orders", "unique_stg_orders_order_id", "fct_orders"} <= set(ran(resumed))
    assert statuses(elt, shop)["dim_customers"] == "success"


def test_a_fixed_model_is_retried_with_the_nodes_it_halted(elt, shop):
    """Break a staging model, run, mend it, retry: it is built again with its checks, and all that was skipped."""
    (shop / "models/staging/stg_customers.sql").write_text(NULLS)
    assert elt("run", "--select", "marts", project=shop).code == 1
    again = elt("retry", "--json", project=shop)
    assert again.code == 1
    assert ran(again) == [
        "not_null_stg_customers_customer_id",
        "relationships_stg_orders_customer_id__customer_id__ref_stg_customers_",
    ]
    (shop / "models/staging/stg_customers.sql").write_text(SOUND)
    mended = elt("retry", "--json", project=shop)
    assert mended.code == 0, mended.out
    assert {"stg_customers", "unique_stg_customers_customer_id", "fct_orders", "dim_customers"} <= set(ran(mended))
    assert "stg_orders" not in ran(mended)
    assert sql(shop, "select count(*) from main.dim_customers") == [(2,)]
    assert [row["command"][0] for row in recorded(elt, shop)] == ["retry", "retry", "run"]
    said = elt("retry", project=shop)
    assert (said.code, said.out) == (0, "")
    assert "Nothing to retry: every step of the run succeeded" in said.err


def test_a_retry_works_after_a_crash(elt, shop):
    """What had not ended when the process was killed counts as what is to be repaired; a new run does it."""
    (shop / "models/marts/slow.sql").write_text(SLOW_MART)
    run = start("run", "--select", "+slow", "--json", project=shop)
    until_it_builds(run)
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    (shop / "models/marts/slow.sql").write_text(QUICK_MART)
    again = elt("retry", "--json", project=shop)
    assert again.code == 0, again.err
    assert "slow" in ran(again)
    assert "stg_orders" not in ran(again)
    newest, killed = recorded(elt, shop)
    assert (newest["status"], killed["state"]) == ("success", "interrupted")


def test_a_resume_keeps_the_variables_of_its_run(elt, shop):
    """Other values are refused, with both; a retry is a new run, which may have others."""
    (shop / "models/marts/extra.sql").write_text("select '{{ var('day') }}' as day, no_such_column")
    words = "{day: 2026-01-01, api_token: abcdef, limits: [1, 2]}"
    assert elt("run", "--select", "extra", "--vars", words, project=shop).code == 1
    same = "{limits: [1, 2], api_token: abcdef, day: 2026-01-01}"
    assert elt("resume", "--vars", same, project=shop).code == 1
    for other in (same.replace("01-01", "01-02"), "{api_token: abcdef}", same.replace("2]", "3]"), "{}"):
        refused = elt("resume", "--vars", other, project=shop)
        refused.refuses("has the --vars {day: 2026-01-01, api_token: '*****', limits: [1, 2]}, not {", "elt retry")
        assert "abcdef" not in refused.err
    assert [row["command"][0] for row in recorded(elt, shop)] == ["run"]
    assert elt("retry", "--vars", same.replace("01-01", "01-02"), project=shop).code == 1
    elt("run", "--select", "extra", "--vars", "{day: 1}", project=shop)
    elt("resume", "--vars", "{day: '1'}", project=shop).refuses('has the --vars {"day": 1}, not {"day": "1"}')


def test_runs_that_cannot_be_resumed_are_refused(elt, shop, tmp_path):
    """A finished run, an unknown one, one that goes on, one whose target or nodes are others now; nothing runs."""
    elt("resume", project=shop).refuses("Nothing is recorded yet")
    elt("retry", project=shop).refuses("Nothing is recorded yet")
    assert elt("run", "--select", "stg_orders", project=shop).code == 0
    elt("resume", project=shop).refuses("is finished, with the status success")
    elt("resume", "1999", project=shop).refuses("There is no run 1999")

    (shop / "models/marts/extra.sql").write_text("select no_such_column")
    elt("run", "--select", "extra", "--vars", "{api_token: abcdef}", project=shop)
    elt("resume", project=shop).refuses("A secret of the run", "--vars")
    elt("run", "--select", "extra", project=shop)
    profiles = (shop / "profiles.yml").read_text()
    (shop / "profiles.yml").write_text(profiles.replace("shop.duckdb", "other.duckdb"))
    elt("resume", project=shop).refuses("wrote to duckdb", "shop.duckdb", "is now duckdb")
    (shop / "profiles.yml").write_text(profiles)
    assert elt("run", "--select", "stg_orders", "extra", project=shop).code == 1
    (shop / "shop.duckdb").rename(shop / "kept.duckdb")
    for verb in ("resume", "retry"):
        elt(verb, project=shop).refuses("shop.duckdb, to which the run", "no longer exists", "elt run")
    (shop / "kept.duckdb").rename(shop / "shop.duckdb")
    (shop / "models/marts/extra.sql").unlink()
    elt("resume", "--accept-changes", project=shop).refuses("no longer has model.shop.extra")
    before = len(recorded(elt, shop))
    again = elt("retry", project=shop)
    assert (again.code, len(recorded(elt, shop))) == (0, before)


def test_a_run_in_progress_is_left_alone(elt, shop):
    """Neither resumed nor retried while its process lives."""
    (shop / "models/marts/slow.sql").write_text(SLOW_MART)
    run = start("run", "--select", "slow", "--json", project=shop)
    until_it_builds(run)
    for verb in ("resume", "retry"):
        elt(verb, project=shop).refuses("is still running (process", "elt cancel")
    run.send_signal(signal.SIGKILL)
    run.wait(30)


def test_a_second_run_in_the_same_target_waits_or_is_refused(elt, shop):
    """It names the first; once that has ended, its turn comes."""
    (shop / "models/marts/slow.sql").write_text(SLOW_MART)
    first = start("run", "--select", "slow", "--json", project=shop)
    until_it_builds(first)
    (head,) = recorded(elt, shop)
    refused = elt("run", "--select", "stg_orders", "--on-busy", "refuse", project=shop)
    refused.refuses(f"The run {head['run_id']} works in this target", f"elt cancel {head['run_id']}")
    second = start("run", "--select", "stg_orders", "--json", project=shop)
    for line in second.stdout:
        if json.loads(line)["event"] == "noticed":
            assert f"for the run {head['run_id']}" in json.loads(line)["message"]
            break
    assert elt("cancel", str(head["run_id"]), project=shop).code == 0
    assert ended(first).code == 130
    assert ended(second).code == 0
    assert [row["status"] for row in recorded(elt, shop)] == ["success", "cancelled"]
