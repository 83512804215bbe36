"""A run with a schema prefix on a server: as a role that can write nowhere else, and several at once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import Shop, statuses
from tests.functional.postgres.test_two_runs import MEETING, desk, said, started

pytestmark = pytest.mark.functional

RELATIONS = """
    select n.nspname || '.' || c.relname, c.oid, c.relfilenode, c.relkind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pr\\_%' order by 1
"""
SCHEMAS = "select nspname from pg_namespace where nspname like 'pr\\_%' order by 1"
STORED = """
    {{ config(store_failures=true, severity='warn') }} select order_id from {{ ref('fct_orders') }} where amount > 1
    """
PREFIX = "pr_7_"


@dataclass(frozen=True)
class AsRole(Shop):
    """The shop, whose runs log in as another role."""

    role: str = ""

    def variables(self, **changes: str) -> dict[str, str]:
        """Give the variables that the profile reads."""
        return super().variables(**{"SHOP_USER": self.role, **changes})


@pytest.fixture
def own(shop):
    """The shop as a role that may create schemas and read the sources, and may write to nothing that exists."""
    role = f"ci_{shop.database}"
    for statement in (
        f"create role {role} login password '{PASSWORD}'",
        f"grant create on database {shop.database} to {role}",
        f"grant usage on schema raw, rates to {role}",
        f"grant select on all tables in schema raw, rates to {role}",
    ):
        shop.rows(statement)
    shop.write("tests/large_orders.sql", STORED)
    yield AsRole(shop.folder, shop.server, shop.database, role)
    shop.rows(f"drop owned by {role} cascade")
    shop.rows(f"drop role {role}")


def production(shop: Shop) -> dict[str, object]:
    """Return each relation outside of prefixed schemas, with its file, and its rows with what wrote them."""
    found = {}
    for name, oid, file, kind in shop.rows(RELATIONS):
        rows = shop.rows(f"select t.xmin::text, t::text from {name} t order by 1, 2") if kind == "r" else []
        found[str(name)] = (oid, file, rows)
    return found


def states_of_dlt(shop: Shop) -> set[Path]:
    """Return the working folders of dlt's pipelines."""
    return {state.parent for state in (shop.folder / ".elt" / "dlt").rglob("state.json")}


def test_a_role_that_can_write_nowhere_else_builds_tests_loads_and_reuses_in_prefixed_schemas(own):
    """Seeds, views, tables, snapshots, incremental models, stored failures, unit tests, suites; loads if asked for."""
    before, folders = production(own), states_of_dlt(own)
    ran = own.run(schema_prefix=PREFIX, ingest=False)
    assert set(statuses(ran).values()) == {"success", "warn"}, statuses(ran)
    assert not [step for step in ran.plan.steps if step.id.startswith("ingest.")]
    built = ["pr_7__elt", "pr_7_analytics", "pr_7_analytics_dbt_test__audit", "pr_7_analytics_reference"]
    assert [name for (name,) in own.rows(SCHEMAS)] == [*built, "pr_7_analytics_staging"]
    assert own.rows("select count(*) from pr_7_analytics.fct_orders") == [(3,)]
    again = own.run(schema_prefix=PREFIX, ingest=False, skip_unchanged=True)
    assert {again.plan.by_id[o.step_id].name for o in again.outcomes if o.status == "reused"} >= {
        *("countries", "stg_customers", "fct_orders", "dim_customers", "customers_history")
    }
    own.write("ingestion/last", "5")
    loaded = own.run("fct_orders", schema_prefix=PREFIX)
    assert statuses(loaded)["raw"] == statuses(loaded)["fct_orders"] == "success"
    assert own.rows("select count(*) from pr_7_raw.orders") == own.rows(
        "select count(*) from pr_7_analytics.fct_orders"
    )
    assert own.rows("select count(*) from pr_7_raw.orders") == [(5,)]
    assert production(own) == before
    assert len(states_of_dlt(own) - folders) == 1


def test_the_same_role_is_refused_by_the_server_without_the_prefix(own):
    """So the run above really was kept to its schemas by its prefix."""
    ran = own.run("fct_rates", ingest=False, freshness=False)
    assert "permission denied" in " ".join(outcome.message for outcome in ran.outcomes)


BOTH = """
    {{ config(meta={'elt': {'deterministic': true}}) }}
    {% set others = {'pr_1_ada': 'pr_2_ada', 'pr_2_ada': 'pr_1_ada'} %}
    select public.meet('{{ target.schema }}', '{{ others.get(target.schema, 'nobody') }}') as n
    from {{ ref('fct_rates') }} limit 1
    """


def test_two_prefixes_build_the_same_models_at_once(tmp_path, server, new_database):
    """Neither waits for the other's lease: the model of each ends only when that of the other has begun."""
    one = desk(tmp_path / "one", server, new_database())
    one.write({"models/both.sql": BOTH})
    one.rows(MEETING)
    words = ("--on-busy", "refuse", "--select", "+both", "--no-tests", "--schema-prefix")
    runs = [one.start("run", "ada", *words, prefix) for prefix in ("pr_1_", "pr_2_")]
    with started(*runs):
        for run in runs:
            assert said(run)[-1]["status"] == "success"
    assert one.rows("select (select n from pr_1_ada.both), (select n from pr_2_ada.both)") == [(1, 1)]
    assert not one.rows("select from pg_namespace where nspname = 'ada'")
