"""What a user sees of the tables in which a target says itself what stands in it."""

import json

import pytest

from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional
SCHEMAS = "select schema_name from information_schema.schemata where catalog_name = 'shop' and schema_name = '_elt'"
MARKED = "select split_part(step_id, '.', 3) as name, run_id, attempt, is_whole from _elt.standing order by name"


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path)


def test_a_run_leaves_a_marker_of_each_build(elt, shop):
    """Of what it built, and of no test or ephemeral model; dbt's catalogue does not show the tables."""
    assert elt("run", "--select", "marts", project=shop).code == 0
    run_id = json.loads(elt("show", "--json", project=shop).out)["run_id"]
    names = ("dim_customers", "fct_orders", "stg_customers", "stg_orders")
    assert sql(shop, MARKED) == [(name, run_id, 1, True) for name in names]
    assert elt("docs", "generate", project=shop).code == 0
    assert "_elt" not in (shop / "target/catalog.json").read_text()
    assert "_elt" not in (shop / "target/manifest.json").read_text()


def test_a_dropped_record_is_created_again_with_a_notice(elt, shop):
    """The run ends well, and marks what it builds."""
    assert elt("run", "--select", "stg_orders", project=shop).code == 0
    sql(shop, "drop schema _elt cascade")
    again = elt("run", "--select", "stg_orders", project=shop)
    again.reports("has no record of what it holds", "The schema is created again", code=0)
    assert [name for name, *_ in sql(shop, MARKED)] == ["stg_orders"]
    assert "does not say" not in elt("run", "--select", "stg_orders", project=shop).out


def test_a_run_writes_no_table_of_ours_where_that_is_switched_off(elt, shop):
    """With `state_in_target: false` there is no schema of elt's in the target, and the run is as any other."""
    (shop / "elt.yml").write_text("state_in_target: false\n")
    assert elt("run", "--select", "marts", project=shop).code == 0
    assert sql(shop, SCHEMAS) == []


def test_a_schema_of_the_project_is_left_alone(elt, shop):
    """Models that are built in a schema of that name are built; the user is told that nothing is recorded there."""
    (shop / "macros").mkdir()
    (shop / "macros/schemas.sql").write_text("{% macro generate_schema_name(name, node) %}_elt{% endmacro %}")
    ran = elt("run", "--select", "stg_orders", project=shop)
    ran.reports("its schema _elt holds other tables", "state_in_target: false", code=0)
    assert sql(shop, "select table_name from information_schema.tables where table_schema = '_elt'") == [
        ("stg_orders",)
    ]
