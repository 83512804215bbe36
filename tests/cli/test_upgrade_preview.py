"""`elt plan --upgrade-preview`: what other releases of the tools make a run rebuild, and why."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.config import installed
from orchestrator.reuse.fingerprints import outside
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop")


@pytest.fixture
def upgrade(monkeypatch):
    """Let another release of dbt-core be installed, as far as versions are asked for."""

    def to(number: str) -> None:
        really, versions_of = installed.installed_versions(), outside.versions_of
        for module in ("orchestrator.wiring.upgrading", "orchestrator.wiring.recording"):
            monkeypatch.setattr(f"{module}.installed_versions", lambda: {**really, "dbt-core": number})
        monkeypatch.setattr(outside, "versions_of", lambda adapter: {**versions_of(adapter), "dbt-core": number})

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


UNIT_TEST = {
    "models/marts/unit_tests.yml": """
        unit_tests:
          - name: both_orders_count
            model: dim_customers
            given:
              - {input: ref('stg_customers'), rows: [{customer_id: 1, name: Ann}]}
              - {input: ref('fct_orders'), rows: [{customer_id: 1, amount: 1}, {customer_id: 1, amount: 2}]}
            expect: {rows: [{customer_id: 1, name: Ann, spent: 3}]}
        """
}
GROWS = """
    {{ config(materialized='incremental', unique_key='order_id') }}
    select order_id, amount from {{ ref('stg_orders') }}
    {% if is_incremental() %} where order_id > (select max(order_id) from {{ this }}) {% endif %}
"""
BOARD = "exposures: [{name: board, type: dashboard, owner: {name: Ann}, depends_on: [ref('dim_customers')]}]"


def test_a_unit_test_is_rebuilt_like_any_other_check(elt, tmp_path: Path, upgrade) -> None:
    """It has no compiled code before it runs."""
    shop = write_shop(tmp_path / "shop", UNIT_TEST)
    elt("run", project=shop)
    upgrade("1.11.99")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if one["kind"] == "unit_test")
    assert (found["cause"], found["compiled_code"]) == ("upgrade", "unknown")


def test_the_first_build_of_an_incremental_model_is_not_taken_for_other_code(elt, tmp_path: Path, upgrade) -> None:
    """It compiled without the part that only later builds have."""
    shop = write_shop(tmp_path / "shop", {"models/marts/grows.sql": GROWS})
    elt("run", project=shop)
    upgrade("1.11.99")
    (found,) = (one for one in preview(elt, shop)["rebuilt"] if one["id"] == "model.shop.grows")
    assert found["compiled_code"] == "same"


def test_an_exposure_is_not_listed_as_never_built(elt, tmp_path: Path) -> None:
    """dbt builds nothing for it."""
    shop = write_shop(tmp_path / "shop", {"models/board.yml": BOARD})
    elt("run", project=shop)
    assert preview(elt, shop)["rebuilt"] == []


@pytest.mark.parametrize("left", ["garbage", "a torn file"])
def test_a_damaged_record_is_not_taken_for_a_missing_one(elt, shop: Path, left: str) -> None:
    """The message is that of the record."""
    elt("run", project=shop)
    record = shop / ".elt/history.db"
    record.write_bytes(b"no database" * 500 if left == "garbage" else record.read_bytes()[:5_000])
    elt("plan", "--upgrade-preview", project=shop).refuses("The record of runs", "history.db")


def test_a_run_that_was_continued_after_the_upgrade_does_not_hide_it(elt, shop: Path, upgrade) -> None:
    """A run records the releases of the process that ended it, also for what was built before."""
    elt("run", project=shop)
    upgrade("1.11.99")
    with closing(sqlite3.connect(shop / ".elt/history.db")) as record, record:
        (versions,) = record.execute("select versions from runs").fetchone()
        record.execute("update runs set versions = ?", [json.dumps({**json.loads(versions), "dbt-core": "1.11.99"})])
    assert preview(elt, shop)["releases_unknown"] == 16
    said = elt("plan", "--upgrade-preview", project=shop).out
    assert "The releases of the last build are not recorded for 16 nodes" in said
    assert "Everything was last built" not in said
