"""`elt plan --upgrade-preview`: what other releases of the tools make a run rebuild, and why."""

import json
from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.duckdb import duckdb_warehouse
from orchestrator.config import installed
from orchestrator.reuse.fingerprints import outside
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop")


@pytest.fixture
def upgrade(monkeypatch):
    """Let another release of a tool be installed, as far as versions are asked for."""

    def to(number: str, tool: str = "dbt-core") -> None:
        really, versions_of = installed.installed_versions(), outside.versions_of
        for module in ("orchestrator.wiring.upgrading", "orchestrator.wiring.recording"):
            monkeypatch.setattr(f"{module}.installed_versions", lambda: {**really, tool: number})
        if tool in versions_of("duckdb"):
            monkeypatch.setattr(outside, "versions_of", lambda adapter: {**versions_of(adapter), tool: number})

    return to


def preview(elt, shop: Path, *words: str) -> dict:
    said = elt("plan", "--upgrade-preview", "--json", *words, project=shop)
    assert said.code == 0, said.err
    return json.loads(said.out)


def causes(found: dict) -> dict[str, str]:
    return {one["id"].split(".")[2]: one["cause"] for one in found["rebuilt"] if one["kind"] == "model"}


def test_without_an_upgrade_nothing_is_rebuilt(elt, shop: Path) -> None:
    """The releases are those of the last builds."""
    elt("run", project=shop)
    found = preview(elt, shop)
    assert (found["releases"], found["rebuilt"]) == ([], [])
    assert found["reused"] == 16
    assert (
        "Everything was last built with the releases that are installed."
        in elt("plan", "--upgrade-preview", project=shop).out
    )


def test_another_release_of_dbt_rebuilds_every_node_and_compares_the_compiled_code(elt, shop: Path, upgrade) -> None:
    """The release is part of each fingerprint; the compiled code shows whether that makes a difference."""
    elt("run", project=shop)
    before = installed.installed_versions()["dbt-core"]
    upgrade("1.11.99")
    found = preview(elt, shop)
    assert found["releases"] == [{"tool": "dbt-core", "before": before, "now": "1.11.99", "nodes": 16}]
    assert set(causes(found).values()) == {"upgrade"}
    tables = [one for one in found["rebuilt"] if one["id"] == "model.shop.fct_orders"]
    assert [one["compiled_code"] for one in tables] == ["same"]
    said = elt("plan", "--upgrade-preview", project=shop)
    assert f"dbt-core  {before} → 1.11.99  (16 nodes)" in said.out
    assert "Rebuilt because of the upgrade alone (16)" in said.out
    assert "compiles to the same code" in said.out


def test_the_preview_tells_edits_from_the_upgrade(elt, shop: Path, upgrade) -> None:
    """A model that was edited as well, and one that is new."""
    elt("run", project=shop)
    upgrade("1.11.99")
    (shop / "models/marts/dim_customers.sql").write_text("select customer_id from {{ ref('stg_customers') }}")
    (shop / "models/marts/fresh.sql").write_text("select 1 as id")
    found = preview(elt, shop)
    assert causes(found) == {
        "stg_customers": "upgrade",
        "stg_orders": "upgrade",
        "int_orders": "upgrade",
        "fct_orders": "upgrade",
        "dim_customers": "both",
        "fresh": "never_built",
    }
    (edited,) = (one for one in found["rebuilt"] if one["id"] == "model.shop.dim_customers")
    assert edited["changes"] == ["code changed: models/marts/dim_customers.sql"]
    assert edited["compiled_code"] == "changed"


def test_an_edit_without_an_upgrade_is_named_as_such(elt, shop: Path) -> None:
    """And what is below it."""
    elt("run", project=shop)
    edited = "select order_id, customer_id, name, amount * 2 as amount from {{ ref('int_orders') }}"
    (shop / "models/marts/fct_orders.sql").write_text(edited)
    found = preview(elt, shop)
    assert causes(found) == {"fct_orders": "other", "dim_customers": "above"}


def test_a_project_that_was_never_built_has_nothing_to_compare_with(elt, shop: Path) -> None:
    """It says so, and what to do."""
    elt("plan", "--upgrade-preview", project=shop).refuses("No run is recorded", "`elt run` builds and records")


def test_a_unit_test_has_no_compiled_code_to_compare(elt, shop: Path, upgrade) -> None:
    """dbt does not compile its entry; it is rebuilt because of the upgrade all the same."""
    (shop / "models/marts/unit_tests.yml").write_text(
        "unit_tests:\n  - name: a_customer_is_kept\n    model: stg_customers\n"
        "    given: [{input: \"source('raw', 'customers')\", rows: [{id: 1, name: Ann}]}]\n"
        "    expect: {rows: [{customer_id: 1, name: Ann}]}\n"
    )
    elt("run", project=shop)
    upgrade("1.11.99")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if one["kind"] == "unit_test")
    assert (found["cause"], found["compiled_code"]) == ("upgrade", "unknown")


def test_settings_that_only_one_release_of_the_database_has_are_part_of_the_upgrade(
    elt, shop: Path, upgrade, monkeypatch
) -> None:
    """They come, go and change their defaults with the release; `elt plan` does not list them as reasons."""
    elt("run", project=shop)
    really = duckdb_warehouse.result_settings
    changed = {"brand_new_setting": "1", "integer_division": "another default"}
    monkeypatch.setattr(
        duckdb_warehouse,
        "result_settings",
        lambda *known: (
            {**{name: kept for name, kept in really(*known).items() if name != "old_implicit_casting"}} | changed
        ),
    )
    upgrade("9.9.9", "duckdb")
    found = preview(elt, shop)
    assert {one["cause"] for one in found["rebuilt"]} == {"upgrade"}
    assert all(one["changes"] == [] for one in found["rebuilt"])
    (line,) = (one for one in elt("plan", "--skip-unchanged", project=shop).out.splitlines() if "fct_orders  " in one)
    assert "versions of dbt and the database changed" in line
    assert "brand_new_setting" not in line


def test_a_setting_that_changes_with_another_release_of_dbt_alone_is_a_change_of_its_own(
    elt, shop: Path, upgrade, monkeypatch
) -> None:
    """The release of the database is the same, so somebody set it."""
    elt("run", project=shop)
    really = duckdb_warehouse.result_settings
    monkeypatch.setattr(
        duckdb_warehouse, "result_settings", lambda *known: {**really(*known), "integer_division": "true"}
    )
    upgrade("1.11.99")
    (fct_orders,) = (one for one in preview(elt, shop)["rebuilt"] if one["id"] == "model.shop.fct_orders")
    assert (fct_orders["cause"], fct_orders["changes"]) == ("both", ["database setting integer_division changed"])


def test_a_node_that_something_else_changed_is_not_called_never_built(elt, shop: Path, upgrade) -> None:
    """It was built; the preview says what happened to it, and by which run it was built."""
    elt("run", project=shop)
    with duckdb.connect(str(shop / "shop.duckdb")) as database:
        database.execute("create or replace view stg_orders as select 1 as order_id, 1 as customer_id, 1 as amount")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if one["id"] == "model.shop.stg_orders")
    assert found["cause"] == "other"
    assert found["built_by_run"]
    assert "was changed by something other than elt" in found["changes"][0]
    upgrade("1.11.99")
    assert causes(preview(elt, shop))["stg_orders"] == "both"


def test_an_incremental_model_that_was_built_from_scratch_is_compared_with_a_build_from_scratch(
    elt, shop: Path, upgrade
) -> None:
    """The next build appends, which compiles to different code with every release."""
    (shop / "models/marts/appended.sql").write_text(
        "{{ config(materialized='incremental') }} select * from {{ ref('fct_orders') }}"
        " {% if is_incremental() %} where order_id > (select max(order_id) from {{ this }}) {% endif %}"
    )
    elt("run", project=shop)
    upgrade("1.11.99")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if one["id"] == "model.shop.appended")
    assert found["compiled_code"] == "same"


def test_tools_that_the_nodes_of_the_target_do_not_use_are_not_shown(elt, shop: Path, upgrade) -> None:
    """Another release of the adapter of another database rebuilds nothing here."""
    elt("run", project=shop)
    upgrade("9.9.9", "dbt-postgres")
    found = preview(elt, shop)
    assert (found["releases"], found["rebuilt"]) == ([], [])


def test_exposures_are_never_rebuilt(elt, shop: Path) -> None:
    """dbt builds nothing for them, so no upgrade concerns them."""
    (shop / "models/exposures.yml").write_text(
        "exposures:\n  - {name: board, type: dashboard, owner: {name: Ann}, depends_on: [ref('fct_orders')]}\n"
    )
    elt("run", project=shop)
    assert preview(elt, shop)["rebuilt"] == []


def test_a_database_in_which_nothing_was_built_is_not_called_built_with_these_releases(elt, shop: Path) -> None:
    """Every node is named as never built."""
    elt("run", project=shop)
    (shop / "shop.duckdb").unlink()
    profiles = shop / "profiles.yml"
    profiles.write_text(profiles.read_text().replace("dev", "fresh").replace("shop.duckdb", "fresh.duckdb"))
    said = elt("plan", "--upgrade-preview", project=shop).out
    assert "Everything was last built" not in said
    assert "Nothing of this was built here before." in said


def test_an_entry_in_the_manifest_that_compiles_to_the_same_code_is_part_of_an_upgrade_of_dbt(
    elt, shop: Path, upgrade
) -> None:
    """Each release of dbt writes other keys into the entries of tests, which their macros read."""
    elt("run", project=shop)
    staging = shop / "models/staging/staging.yml"
    edited = "data_tests: [{unique: {description: Each customer once.}}, not_null]}]\n  - name: stg_orders"
    before = "data_tests: [unique, not_null]}]\n  - name: stg_orders"
    assert before in staging.read_text()
    staging.write_text(staging.read_text().replace(before, edited))
    upgrade("1.11.99")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if "unique_stg_customers" in one["id"])
    assert (found["cause"], found["compiled_code"]) == ("upgrade", "same")


@pytest.mark.parametrize("left", ["garbage", "a torn file"])
def test_a_damaged_record_is_not_taken_for_a_missing_one(elt, shop: Path, left: str) -> None:
    """The message is that of the record."""
    elt("run", project=shop)
    record = shop / ".elt/history.db"
    record.write_bytes(b"no database" * 500 if left == "garbage" else record.read_bytes()[:5_000])
    elt("plan", "--upgrade-preview", project=shop).refuses("The record of runs", "history.db")
