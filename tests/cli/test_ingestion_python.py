"""A run whose loads have an environment of their own."""

import pytest

from tests.cli.test_bad_ingestion import shop_that_loads
from tests.functional.dlt.ingest_project import make_environment
from tests.functional.shop import sql

pytestmark = pytest.mark.functional


def test_dlt_need_not_be_installed_beside_dbt(elt, tmp_path, monkeypatch):
    """If elt.yml names an interpreter, its dlt is checked; a plan without ingestion does not start it."""
    monkeypatch.setattr("orchestrator.adapters.dlt.dlt_extra.find_spec", lambda name: None)
    make_environment(tmp_path / "venv")
    shop = shop_that_loads(tmp_path / "shop", after="import only_there\n")
    (shop / "elt.yml").write_text("ingestion: {python: ../venv/bin/python}\n")
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    assert sql(shop, "select count(*) from raw.customers") == [(2,)]


def test_an_unusable_interpreter_only_matters_to_what_loads(elt, tmp_path):
    """A plan without ingestion notes it; a run that loads is refused."""
    make_environment(tmp_path / "venv", with_dlt=False)
    shop = shop_that_loads(tmp_path / "shop")
    (shop / "elt.yml").write_text("ingestion: {python: {raw: ../venv/bin/python}}\n")
    said = elt("plan", "--no-ingest", "--select", "stg_customers", project=shop)
    assert (said.code, "ingestion.python.raw: ingestion needs dlt and pyarrow" in said.out) == (0, True), said.out
    elt("run", "--select", "stg_customers", project=shop).refuses(
        "ingestion.python.raw: ingestion needs dlt and pyarrow, not installed in the environment of",
        f"--python {tmp_path}/venv/bin/python 'dlt[duckdb]>=1.30,<2' 'pyarrow>=20'",
    )
    (shop / "elt.yml").write_text("ingestion: {python: ../nowhere/bin/python}\n")
    elt("run", "--select", "stg_customers", project=shop).refuses(
        f"{shop}/elt.yml:1: 'ingestion.python': the interpreter {tmp_path}/nowhere/bin/python does not exist"
    )
