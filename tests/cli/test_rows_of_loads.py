"""Loads that are not due, that bring nothing or too little, and models that wait for all of their sources."""

import json
import re
from textwrap import dedent

import pytest

pytestmark = pytest.mark.functional

FILES = {
    "dbt_project.yml": "name: mini\nversion: '1.0'\nprofile: mini\nmodels: {+materialized: table}\n",
    "profiles.yml": "mini: {target: dev, outputs: {dev: {type: duckdb, path: mini.duckdb, threads: 1}}}\n",
    "models/of_orders.sql": "select * from {{ source('shop', 'orders') }}\n",
    "models/of_customers.sql": "select * from {{ source('shop', 'customers') }}\n",
    "models/of_both.sql": "select id from {{ ref('of_orders') }} union all select id from {{ ref('of_customers') }}\n",
    "ingestion/shop.py": """
        import os

        import dlt

        @dlt.source
        def shop():
            return orders, customers

        @dlt.resource(write_disposition="append")
        def orders(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n} for n in range(int(os.environ["ORDERS"]))]

        @dlt.resource(write_disposition="append")
        def customers(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n} for n in range(int(os.environ["CUSTOMERS"]))]
        """,
}
SOURCES = "sources: [{name: shop, tables: [{name: orders, meta: {elt: %s}}, {name: customers}]}]\n"


@pytest.fixture
def mini(tmp_path, monkeypatch):
    """Write the project, with an elt.yml, the `meta.elt` of the source of orders, and the model of both."""

    def write(elt_yml: str, of_orders: str = "{}", of_both: str = "{}"):
        extra = {
            "elt.yml": f"repeats: {{ingest: none}}\n{dedent(elt_yml)}",
            "models/sources.yml": SOURCES % of_orders,
            "models/models.yml": f"models: [{{name: of_both, config: {{meta: {{elt: {of_both}}}}}}}]\n",
        }
        for name, text in {**FILES, **extra}.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(dedent(text))
        return tmp_path

    def there_are(orders: int, customers: int) -> None:
        monkeypatch.setenv("ORDERS", str(orders))
        monkeypatch.setenv("CUSTOMERS", str(customers))

    there_are(3, 3)
    write.there_are = there_are
    return write


def statuses(said) -> dict[str, tuple[str, str, str]]:
    """Give status, reason and message of each step, from `--json`."""
    events = [json.loads(line) for line in said.out.splitlines()]
    ended = [event for event in events if event["event"] == "step_ended"]
    return {
        event["step_id"].rpartition(".")[2]: (event["status"], event["reason"], event["message"]) for event in ended
    }


def test_a_load_that_is_not_due(elt, mini):
    """A younger successful load is reused with its reason, in the plan and in the run; what the user asks for runs."""
    root = mini("ingestion: {refresh_every: 1h}\n")
    elt("run", "--select", "of_orders", project=root).reports("2 success", code=0)
    # That load had only the orders, and this one needs the customers as well.
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "success"
    said = statuses(elt("run", "--json", project=root))
    assert said["elt_shop"][:2] == ("reused", "recent")
    assert said["elt_shop"][2].startswith("loaded ")
    assert said["elt_shop"][2].endswith(" ago; refresh_every is 1 h")
    assert said["of_orders"][0] == "success"  # named by the user
    plan = elt("plan", "--skip-unchanged", project=root)
    plan.reports("not due: loaded", "refresh_every is 1 h", code=0)
    decisions = json.loads(elt("plan", "--skip-unchanged", "--json", project=root).out)["steps"]
    assert {step["decision"]["act"] for step in decisions} == {"recent", "reuse"}  # nothing may bring new rows
    for words in (("--select", "ingest:shop+"), ("--full-refresh",)):
        assert statuses(elt("run", "--json", *words, project=root))["elt_shop"][0] in {"no_data", "success"}
    (root / "ingestion/shop.py").write_text((root / "ingestion/shop.py").read_text() + "\n# changed\n")
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "no_data"
    (root / "mini.duckdb").unlink()
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "success"
    mini("ingestion: {refresh_every: {'*': 1h, shop: none}}\n")
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "no_data"
    mini("ingestion: {refresh_every: {shp: 1h}}\n")
    elt("run", project=root).refuses("'ingestion.refresh_every.shp': there is no such load. Did you mean")


def test_a_failed_load_is_due(elt, mini):
    """Only a success is reused."""
    root = mini("ingestion: {refresh_every: 1h}\n", "{min_rows: 5}")
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "fail"
    assert statuses(elt("run", "--json", project=root))["elt_shop"][0] == "fail"


@pytest.mark.parametrize(
    ("elt_yml", "of_orders"), [("on_no_data: {shop.orders: fail}\n", "{}"), ("", "{on_no_data: fail}")]
)
def test_a_source_without_new_rows(elt, mini, elt_yml, of_orders):
    """With `fail`, the load fails and its readers are halted; readers of its other tables run."""
    root = mini(elt_yml, of_orders)
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(3, 5)
    said = elt("run", "--json", project=root)
    found = statuses(said)
    assert said.code == 1
    told = "shop.orders got no new rows, on_no_data is fail"
    assert found["elt_shop"] == ("fail", "too_few_rows", told)
    assert found["of_orders"][:2] == ("skipped", "upstream_halted")
    assert found["of_both"][0] == "skipped"
    assert found["of_customers"][0] == "success"
    mini.there_are(4, 5)
    elt("run", project=root).reports("4 success", code=0)


def test_a_source_whose_readers_are_skipped(elt, mini):
    """With `skip`, the run is green; without a rule, the readers run."""
    root = mini("on_no_data: {shop.orders: skip}\n")
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(3, 5)
    said = elt("run", "--json", project=root)
    found = statuses(said)
    assert said.code == 0
    assert {name: status for name, (status, *_) in found.items()} == {
        "elt_shop": "success",
        "of_orders": "skipped",
        "of_both": "skipped",
        "of_customers": "success",
    }
    assert found["of_orders"][1] == "no_new_data"
    found = statuses(elt("run", "--json", project=root))  # nothing at all is new
    assert (found["elt_shop"][0], found["of_customers"][0], found["of_orders"][0]) == ("no_data", "success", "skipped")


def test_no_load_without_new_rows_is_accepted(elt, mini):
    """`on_no_data: fail` in general concerns loads that brought nothing at all."""
    root = mini("on_no_data: fail\n")
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(3, 5)
    assert elt("run", project=root).code == 0
    elt("run", project=root).reports("fail ingest:shop", "got no new rows, on_no_data is fail", "3 skipped", code=1)


def test_a_load_with_too_few_rows(elt, mini):
    """It fails, with the number; enough rows pass."""
    root = mini("", "{min_rows: 3}")
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(5, 5)
    said = elt("run", project=root)
    said.reports("fail ingest:shop", "shop.orders got 2 rows, min_rows is 3", "2 skipped", code=1)
    mini.there_are(8, 5)
    elt("run", project=root).reports("4 success", code=0)


def test_a_model_that_waits_for_all_of_its_sources(elt, mini):
    """With `freshness_policy: all`, it is rebuilt once all of them have new rows since its last build."""
    root = mini("", of_both="{freshness_policy: all}")
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(5, 3)
    found = statuses(elt("run", "--skip-unchanged", "--json", project=root))
    assert (found["of_orders"][0], found["of_customers"][0]) == ("success", "reused")
    status, _, told = found["of_both"]
    assert status == "reused"
    assert told.endswith(": no new rows yet in of_customers; freshness_policy is all")
    elt("plan", "--skip-unchanged", project=root).reports("once all that it reads has", code=0)
    mini.there_are(5, 5)
    found = statuses(elt("run", "--skip-unchanged", "--json", project=root))
    assert (found["of_orders"][0], found["of_customers"][0], found["of_both"][0]) == ("reused", "success", "success")
    mini("", of_both="{freshness_policy: any}")
    mini.there_are(6, 5)
    assert statuses(elt("run", "--skip-unchanged", "--json", project=root))["of_both"][0] == "success"


def with_config(root, config: str):
    """Configure the model of both in another way."""
    (root / "models" / "models.yml").write_text(f"models: [{{name: of_both, config: {config}}}]\n")
    return root


def test_fresh_data_is_required_from_all_parents_in_the_words_of_dbt_state(elt, mini):
    """`state.require_fresh_data_from: all` is `freshness_policy: all`, with every release of dbt."""
    root = with_config(mini(""), "{state: {require_fresh_data_from: all}}")
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(5, 3)
    status, _, told = statuses(elt("run", "--skip-unchanged", "--json", project=root))["of_both"]
    assert (status, told.rpartition(": ")[2]) == ("reused", "no new rows yet in of_customers; freshness_policy is all")


@pytest.mark.parametrize(
    "config", ["{state: {lag_tolerance: 4h}}", "{freshness: {build_after: {count: 4, period: hour}}}"]
)
def test_a_model_tolerates_older_rows(elt, mini, config):
    """With `lag_tolerance`, new rows alone rebuild it only once its last build is old enough; new code does at once."""
    root = with_config(mini(""), config)
    elt("run", project=root).reports("4 success", code=0)
    mini.there_are(5, 5)
    found = statuses(elt("run", "--skip-unchanged", "--json", project=root))
    assert [found[name][0] for name in ("of_orders", "of_customers", "of_both")] == ["success", "success", "reused"]
    assert re.search(r": built \d+ (s|min).* ago; lag_tolerance is 4 h$", found["of_both"][2])
    elt("plan", "--skip-unchanged", project=root).reports("once its last build is 4 h old", code=0)
    with_config(root, "{state: {lag_tolerance: 1s}}")
    assert statuses(elt("run", "--skip-unchanged", "--json", project=root))["of_both"][0] == "success"
    with_config(root, config)
    mini.there_are(6, 6)
    (root / "models" / "of_both.sql").write_text("select id + 1 as id from {{ ref('of_orders') }}")
    assert statuses(elt("run", "--skip-unchanged", "--json", project=root))["of_both"][0] == "success"


def test_what_elt_cannot_do_of_dbt_state_is_told_in_the_plan(elt, mini):
    """A key without effect is named with its models and the reason; a wrong value is refused."""
    root = with_config(mini(""), "{state: {pre_clone: always, lag_tolerance: 1h}}")
    elt("plan", project=root).reports("'state.pre_clone' of of_both is not used: elt clones no relations", code=0)
    with_config(root, "{state: {lag_tolerance: soon}}")
    elt("plan", project=root).refuses("models/of_both.sql: model.mini.of_both: 'state.lag_tolerance' is 'soon'")


@pytest.mark.parametrize(
    ("of_orders", "of_both", "told"),
    [
        ("{min_rows: many}", "{}", "'meta.elt.min_rows' is 'many': expected a whole number of at least 1"),
        ("{on_no_data: stop}", "{}", "'meta.elt.on_no_data' is 'stop': expected continue or skip or fail"),
        ("{freshness_policy: all}", "{}", "'meta.elt.freshness_policy' belongs to a model"),
        ("{}", "{min_rows: 3}", "'meta.elt.min_rows' belongs to a dbt source"),
        ("{}", "{freshness_policy: some}", "'meta.elt.freshness_policy' is 'some': expected any or all"),
    ],
)
def test_a_mistake_in_meta(elt, mini, of_orders, of_both, told):
    """It is refused before anything runs, also by `elt plan`."""
    root = mini("", of_orders, of_both)
    elt("plan", project=root).refuses(told)


def test_a_name_that_is_no_source(elt, mini):
    """It is refused with its line."""
    root = mini("on_no_data: {shop.order: fail}\n")
    elt("plan", project=root).refuses(
        f"{root}/elt.yml:2: 'on_no_data.shop.order': there is no such dbt source and no such load. Did you mean"
    )
