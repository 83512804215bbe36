"""A run with --schema-prefix writes to schemas of its own, and leaves everything else unchanged."""

import json
import shutil
import signal

import pytest

from tests.cli.conftest import ended, start
from tests.cli.test_history import SLOW, until_it_builds
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional

RELATIONS = """
    select schema_name || '.' || table_name from duckdb_tables() where not internal
    union all select schema_name || '.' || view_name from duckdb_views() where not internal order by 1
"""
PREFIX = ("--schema-prefix", "pr_7_")
EVERYTHING = {
    "dbt_project.yml": """
        name: shop
        version: "1.0.0"
        profile: shop
        on-run-start: ["create table if not exists {{ target.schema }}.started (moment timestamp)"]
        on-run-end:
          - create table if not exists {{ target.schema }}.wrote as select '{{ schemas | sort | join(" ") }}' as names
        models:
          shop:
            staging: {+materialized: view, +schema: staging}
            marts: {+materialized: table, +schema: marts}
        """,
    "macros/schemas.sql": """
        {% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}
        """,
    "seeds/countries.csv": "code,country\nDE,Germany\n",
    "snapshots/history.sql": """
        {% snapshot history %}
        {{ config(target_schema='kept', unique_key='customer_id', strategy='check', check_cols='all') }}
        select * from {{ ref('stg_customers') }}
        {% endsnapshot %}
        """,
    "models/marts/counted.sql": """
        {{ config(materialized='incremental', post_hook="insert into {{ this }} select 0") }}
        select count(*) as orders from {{ ref('fct_orders') }}
        where '{{ target.schema }}' = '{{ ref('countries').schema }}'
        """,
    "models/marts/agreed.sql": """
        {{ config(contract={'enforced': true}) }} select customer_id from {{ ref('stg_customers') }}
        """,
    "models/marts/agreed.yml": """
        models:
          - name: agreed
            columns: [{name: customer_id, data_type: integer}]
        """,
    "tests/large.sql": """
        {{ config(store_failures=true, severity='warn') }} select order_id from {{ ref('fct_orders') }} where amount > 6
        """,
}
FILES = {
    "models/marts/written.sql": "{{ config(materialized='external', location='FOLDER/written.csv') }} select 1 as one",
    "models/marts/rooted.sql": "{{ config(materialized='external') }} select * from {{ ref('written') }}",
    "models/marts/kept.sql": "{{ config(materialized='external', plugin='sqlalchemy') }} select 1 as one",
    "models/marts/computed.sql": """
        {{ config(materialized='external', location="{{ env_var('HOME') ~ '/x.csv' }}") }} select 1 as one
        """,
}


def tables(shop) -> dict[str, list]:
    """Return every table and view of the database with its rows."""
    names = [name for (name,) in sql(shop, RELATIONS)]
    return {name: sql(shop, f"select * from {name} order by all") for name in names}


def outside(found: dict[str, list]) -> dict[str, list]:
    """Return those that are not in prefixed schemas."""
    return {name: rows for name, rows in found.items() if not name.startswith("pr_")}


def test_everything_that_dbt_writes_is_in_prefixed_schemas(elt, tmp_path):
    """With a generate_schema_name of the project, a snapshot's target_schema, hooks, contracts and stored failures."""
    shop = write_shop(tmp_path, EVERYTHING)
    assert elt("run", project=shop).code == 0
    before = tables(shop)
    assert elt("run", *PREFIX, project=shop).code == 0
    after = tables(shop)
    assert outside(after) == before
    declared = {name for name in before if not name.startswith("raw.")}
    assert {name for name in after if name.startswith("pr_")} == {f"pr_7_{name}" for name in declared}
    assert after["pr_7_marts.counted"] == before["marts.counted"] == [(0,), (3,)]
    assert after["pr_7_main.wrote"] == [("pr_7_dbt_test__audit pr_7_kept pr_7_main pr_7_marts pr_7_staging",)]
    manifest = json.loads((shop / "target/manifest.json").read_text())
    assert manifest["nodes"]["snapshot.shop.history"]["relation_name"] == '"shop"."pr_7_kept"."history"'
    again = elt("run", *PREFIX, "--skip-unchanged", project=shop)
    again.reports("schemas pr_7_*", code=0)
    assert "start      model dim_customers" not in again.out
    assert elt("run", "--skip-unchanged", "--select", "stg_orders", project=shop).code == 0
    assert outside(tables(shop)).keys() == before.keys()  # the saved parse has no prefix


def test_selection_by_state_and_deferral_see_production(elt, tmp_path):
    """With production's manifest nothing is modified, and what is not built is read where production has it."""
    shop = write_shop(tmp_path, EVERYTHING)
    assert elt("run", "--no-tests", project=shop).code == 0
    (shop / "prod").mkdir()
    shutil.copy(shop / "target/manifest.json", shop / "prod")
    state = ("--state", shop / "prod", *PREFIX)
    assert elt("ls", "--select", "state:modified", *state, project=shop).out == ""
    assert elt("run", "--select", "dim_customers", "--no-tests", "--defer", *state, project=shop).code == 0
    assert {name for name in tables(shop) if name.startswith("pr_7_marts")} == {"pr_7_marts.dim_customers"}
    compiled = (shop / "target/compiled/shop/models/marts/dim_customers.sql").read_text()
    assert '"shop"."marts"."fct_orders"' in compiled


def test_a_node_that_reads_deferred_relations_runs_for_that_reason(elt, tmp_path):
    """The plan, the explanation and the run say so; nothing advises to declare the node deterministic."""
    shop = write_shop(tmp_path)
    assert elt("run", "-q", "--no-tests", project=shop).code == 0
    (shop / "prod").mkdir()
    shutil.copy(shop / "target/manifest.json", shop / "prod")
    state = (*PREFIX, "--defer", "--state", shop / "prod")
    run = ("--select", "dim_customers", "--no-tests", "--skip-unchanged", *state)
    reason = "reads the deferred relation shop.main.fct_orders, whose rows cannot be compared"
    assert elt("run", "-q", *run, project=shop).code == 0
    for _ in range(2):
        planned = elt("plan", *run, project=shop)
        planned.reports(f"dim_customers selected; {reason}", code=0)
        assert "not understood" not in planned.out
        assert elt("run", "-q", *run, project=shop).code == 0
    elt("explain", "dim_customers", *state, project=shop).reports(f"decision {reason}", "Nothing has changed", code=0)
    undeferred = elt("explain", "dim_customers", *PREFIX, project=shop)
    undeferred.reports("decision parent fct_orders runs: never built here", code=0)
    assert "deferred relation" not in undeferred.out


def test_what_is_shown_names_the_prefix(elt, tmp_path):
    """The plan, the summary, the record of the run and the listing."""
    shop = write_shop(tmp_path)
    elt("plan", *PREFIX, project=shop).reports("shop.duckdb, schemas pr_7_*", code=0)
    elt("run", *PREFIX, "--select", "stg_orders", project=shop).reports("shop.duckdb, schemas pr_7_*", code=0)
    elt("show", project=shop).reports("shop.duckdb, schemas pr_7_*", code=0)
    words = ("--select", "stg_orders", "--resource-type", "model", "--output", "json", "--output-keys", "schema")
    assert json.loads(elt("ls", *PREFIX, *words, project=shop).out) == {"schema": "pr_7_main"}
    elt("explain", "stg_orders", *PREFIX, project=shop).reports("stg_orders", "Nothing has changed", code=0)
    elt("explain", "stg_orders", project=shop).reports("stg_orders", code=0)


def test_what_a_prefixed_command_suggests_has_the_prefix(elt, tmp_path):
    """A command that is typed as it is suggested must not write to production."""
    shop = write_shop(tmp_path, {"models/marts/dim_customers.sql": "select id as customer_id from raw.customers"})
    seeded = elt("seed", "--allow-empty", *PREFIX, project=shop)
    assert "--no-ingest --no-freshness --no-tests --schema-prefix pr_7_\n" in seeded.err
    elt("run", *PREFIX, "--select", "zzz", project=shop).refuses("elt ls --schema-prefix pr_7_")
    elt("explain", "zzz", *PREFIX, project=shop).refuses("`elt ls --schema-prefix pr_7_` lists the nodes")
    elt("ingest", *PREFIX, "--select", "stg_orders", project=shop).refuses("There is nothing to load")
    assert elt("run", *PREFIX, "--select", "dim_customers", "--no-tests", project=shop).code == 0
    elt("resume", project=shop).refuses("is finished", "`elt run --schema-prefix pr_7_` starts a new one.")
    planned = elt("plan", *PREFIX, "--select", "dim_customers", "--skip-unchanged", project=shop)
    planned.reports("`elt explain NODE --schema-prefix pr_7_` names it", code=0)
    sql(shop, "update raw.orders set id = 10")
    run = elt("run", *PREFIX, "--select", "stg_orders", "--upstream", "none", project=shop)
    run.reports("unique_stg_orders_order_id")
    closed = elt("plan", *PREFIX, "--select", "fct_orders", "--upstream", "none", "--skip-unchanged", project=shop)
    closed.reports("check again with: elt test --select unique_stg_orders_order_id --schema-prefix pr_7_", code=0)


def test_a_killed_run_is_resumed_under_its_prefix_only(elt, tmp_path):
    """A resumed run keeps its prefix without the option, and refuses another one."""
    shop = write_shop(
        tmp_path,
        {"models/marts/slow.sql": f"select order_id from {{{{ ref('fct_orders') }}}} where order_id > ({SLOW})"},
    )
    run = start("run", "--select", "slow", "--no-tests", "--json", *PREFIX, project=shop)
    until_it_builds(run)
    run.send_signal(signal.SIGKILL)
    ended(run)
    (shop / "models/marts/slow.sql").write_text("select order_id from {{ ref('fct_orders') }}")
    elt("resume", "--schema-prefix", "pr_8_", project=shop).refuses("works in schemas with the prefix pr_7_")
    assert elt("resume", "--accept-changes", *PREFIX, project=shop).code == 0
    built = [name for name in tables(shop) if "raw." not in name]
    models = ("fct_orders", "slow", "stg_customers", "stg_orders")
    assert built == ["pr_7__elt.loads", "pr_7__elt.standing", *(f"pr_7_main.{name}" for name in models)]


def test_files_of_external_models_have_the_prefix_too(elt, tmp_path):
    """A model that writes elsewhere under one name cannot be built, and is named before anything runs."""
    shop = write_shop(tmp_path, {name: text.replace("FOLDER", str(tmp_path)) for name, text in FILES.items()})
    refused = elt("run", *PREFIX, "--select", "marts", "--no-tests", project=shop)
    refused.refuses("kept (models/marts/kept.sql) cannot be built with a schema prefix: its option plugin", "--exclude")
    assert "computed (models/marts/computed.sql)" in refused.err
    elt("plan", *PREFIX, "--select", "kept", project=shop).reports("cannot run yet: kept", code=0)
    assert elt("run", *PREFIX, "--select", "written", "rooted", project=shop).code == 0
    assert sorted(path.name for path in tmp_path.glob("*written*")) == ["pr_7_written.csv"]
    assert [path.name for path in shop.glob("*rooted*")] == ["pr_7_rooted.parquet"]


def test_a_prefixed_run_asks_for_no_consent_and_publishes_no_copy(elt, tmp_path):
    """It touches nothing that a protected target, or a reader of the copy, has."""
    (tmp_path / "bi").mkdir()
    shop = write_shop(tmp_path, {"elt.yml": "protected_targets: [dev]\npublish_copy:\n  dev: bi/shop.duckdb\n"})
    ran = elt("run", "--full-refresh", "--select", "stg_orders", *PREFIX, project=shop)
    assert ran.code == 0, ran.out + ran.err
    assert not (shop / "bi/shop.duckdb").exists()


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("", "it is empty"),
        ("PR-7", "The schema prefix 'PR-7' is not valid."),
        ("pg_7_", "begins with pg_"),
        ("main_", "would be in the schema main_dbt_test__audit"),
    ],
)
def test_an_impossible_prefix_is_refused(elt, tmp_path, prefix, told):
    """The message says which prefix is possible, or names the node in whose schema something else is."""
    shop = write_shop(
        tmp_path,
        {
            "macros/schemas.sql": EVERYTHING["macros/schemas.sql"],
            "tests/some.sql": "{{ config(schema='dbt_test__audit', store_failures=true) }} select 1 as one where false",
            "models/own.sql": "{{ config(schema='main_dbt_test__audit') }} select 1 as one",
        },
    )
    said = elt("plan", "--schema-prefix", prefix, project=shop)
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


LOADS = {
    "ingestion/raw.py": """
        import os

        import dlt

        @dlt.resource(write_disposition="append")
        def customers(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n, "name": str(n)} for n in range(1, int(os.environ["LAST"]) + 1)]

        @dlt.source
        def raw():
            return customers
        """,
    "models/sources.yml": """
        sources:
          - name: raw
            config: {freshness: {error_after: {count: 1, period: day}}}
            tables:
              - name: customers
                columns: [{name: id, data_tests: [unique]}]
        """,
    "models/staging/stg_orders.sql": None,
    "models/staging/staging.yml": None,
    **dict.fromkeys(("int_orders.sql", "fct_orders.sql", "dim_customers.sql", "marts.yml")),
}
LOADS = {name if "/" in name else f"models/marts/{name}": text for name, text in LOADS.items()}
COUNTS = "select (select count(*) from raw.customers), (select count(*) from pr_7_raw.customers)"


def test_loads_run_only_if_asked_for_and_then_in_datasets_and_states_of_their_own(elt, tmp_path, monkeypatch):
    """Without --ingest the sources are those of production; with it, they and their tests and freshness are moved."""
    shop = write_shop(tmp_path, LOADS, raw="")
    monkeypatch.setenv("LAST", "2")
    assert elt("run", project=shop).code == 0
    (shop / "prod").mkdir()
    shutil.copy(shop / "target/manifest.json", shop / "prod")
    monkeypatch.setenv("LAST", "3")
    unloaded = elt("run", *PREFIX, "--json", project=shop)
    assert unloaded.code == 0
    assert "ingest.elt_raw" not in unloaded.out
    assert '"freshness.source.shop.raw.customers"' in unloaded.out
    assert sql(shop, "select count(*) from pr_7_main.stg_customers") == [(2,)]
    elt("run", *PREFIX, "--select", "ingest:raw", project=shop).refuses("Only loads are selected", "Add --ingest")
    forgotten = elt("run", "--ingest", project=shop)
    assert forgotten.code == 2
    assert "--ingest needs --schema-prefix" in forgotten.err
    loaded = elt("run", *PREFIX, "--ingest", "--json", project=shop)
    assert loaded.code == 0, loaded.out
    assert sql(shop, COUNTS) == [(2, 3)]
    assert sql(shop, "select count(*) from pr_7_main.stg_customers") == [(3,)]
    modified = ("--select", "state:modified", "--state", shop / "prod", "--allow-empty")
    planned = elt("plan", *PREFIX, "--ingest", *modified, "--json", project=shop)
    assert json.loads(planned.out)["steps"] == []
    sql(shop, "insert into pr_7_raw.customers select * from pr_7_raw.customers")
    words = ("--select", "source:raw")
    assert elt("test", *words, *PREFIX, project=shop).code == 0
    assert elt("test", *words, *PREFIX, "--ingest", project=shop).code == 1
    assert elt("ingest", project=shop).code == 0
    monkeypatch.setenv("LAST", "4")
    assert elt("ingest", *PREFIX, project=shop).code == 0
    assert sql(shop, COUNTS) == [(3, 7)]


def test_a_failed_check_of_a_prefix_closes_no_gate_of_production(elt, tmp_path):
    """It does in its own schemas, until a retry of the prefixed run passes there."""
    shop = write_shop(tmp_path)
    assert elt("run", "--select", "+fct_orders", "--no-tests", project=shop).code == 0
    (shop / "tests").mkdir()
    test = shop / "tests/none.sql"
    test.write_text("select 1 as wrong from {{ ref('stg_customers') }}")
    assert elt("run", "--select", "+fct_orders", "none", *PREFIX, project=shop).code == 1
    failed = json.loads(elt("show", "--json", project=shop).out)["run_id"]
    below = ("run", "--select", "fct_orders", "--upstream", "none")
    assert elt(*below, project=shop).code == 0
    assert elt(*below, *PREFIX, project=shop).code == 1
    test.write_text("select 1 as wrong from {{ ref('stg_customers') }} where false")
    assert elt("retry", failed, project=shop).code == 0
    assert elt(*below, *PREFIX, project=shop).code == 0
