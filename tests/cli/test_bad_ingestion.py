"""Ingestion that cannot start, or that fails."""

import sys

import pytest

from tests.fakes.failing_api import failing_api
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional

MODULE = """
import dlt


@dlt.resource(primary_key="id", write_disposition="merge")
def customers():
    yield [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bo"}]


@dlt.source
def raw(PARAMETERS):
    return customers


"""


def shop_that_loads(root, *, after: str = "", parameters: str = "", changes=None):
    """Write the shop with an ingestion module that loads its customers."""
    module = MODULE.replace("PARAMETERS", parameters) + after
    return write_shop(root, {"ingestion/raw.py": module, **(changes or {})}, raw="")


def test_modules_that_cannot_be_imported_are_reported(elt, tmp_path):
    """A missing package, bad syntax, a load at import: each is told with file and line, and nothing runs."""
    shop = shop_that_loads(
        tmp_path,
        after="import nosuchmodule\n",
        changes={
            "ingestion/other.py": "import dlt\ndef broken(:\n",
            "ingestion/eager.py": "import dlt\ndlt.pipeline('x', destination='duckdb').run([1], table_name='x')\n",
        },
    )
    elt("run", "--select", "stg_customers", project=shop).refuses(
        "ingestion/raw.py, line 14: ModuleNotFoundError: No module named 'nosuchmodule'",
        f"{sys.executable} -m pip install nosuchmodule",
        "ingestion/other.py, line 2: invalid syntax",
        "ingestion/eager.py, line 2: the module runs a dlt pipeline while it is imported",
        'Move the call under `if __name__ == "__main__":`',
    )
    assert not (shop / "shop.duckdb").exists()


def test_a_broken_module_does_not_matter_without_ingestion(elt, tmp_path):
    """What loads nothing needs no sound ingestion: dbt's part is planned."""
    shop = shop_that_loads(tmp_path, after="import nosuchmodule\n")
    said = elt("plan", "--no-ingest", "--select", "stg_customers", project=shop)
    assert said.code == 0
    assert "No module named 'nosuchmodule'" in said.out


def test_missing_credentials(elt, tmp_path):
    """What a dlt source lacks is told before anything starts: the keys and where to put them."""
    shop = shop_that_loads(tmp_path, parameters="api_key: str = dlt.secrets.value")
    elt("run", "--select", "stg_customers", project=shop).refuses(
        "dlt source raw lacks its configuration: api_key (ingestion/raw.py)",
        "__API_KEY in the environment",
        ".dlt/secrets.toml",
    )
    assert not (shop / "shop.duckdb").exists()


def test_a_plan_reports_what_its_loads_lack(elt, tmp_path):
    """elt plan shows the plan, and notes what keeps it from running."""
    shop = shop_that_loads(tmp_path, parameters="api_key: str = dlt.secrets.value")
    said = elt("plan", "--select", "stg_customers", project=shop)
    assert said.code == 0
    assert "cannot run yet: dlt source raw lacks its configuration: api_key" in said.out


def test_ingestion_that_is_not_installed(elt, tmp_path, monkeypatch):
    """A plan that needs the extra names it."""
    monkeypatch.setattr("orchestrator.adapters.dlt.dlt_extra.find_spec", lambda name: None)
    elt("run", "--select", "stg_customers", project=shop_that_loads(tmp_path)).refuses(
        "dlt and pyarrow", "pip install 'elt-orchestrator[ingest]'"
    )


def test_dlt_code_in_another_folder(elt, tmp_path):
    """elt plan names the file that is not loaded, and the line of elt.yml that loads it."""
    shop = write_shop(tmp_path, {"pipelines/raw.py": MODULE.replace("PARAMETERS", "")})
    told = "no load feeds dbt source raw.customers and 1 other, and pipelines/raw.py imports dlt"
    said = elt("plan", "--select", "stg_customers", project=shop)
    assert (said.code, told in said.out) == (0, True), said.out
    assert told not in elt("plan", "--no-ingest", "--select", "stg_customers", project=shop).out
    (shop / "elt.yml").write_text("ingestion: {folder: pipelines}\n")
    assert "ingest:raw (customers)" in elt("plan", "--select", "stg_customers", project=shop).out


API = """
import dlt
from dlt.sources.helpers import requests


@dlt.resource(primary_key="id", write_disposition="merge")
def customers():
    yield requests.get("http://127.0.0.1:PORT/customers").json()


@dlt.source
def raw():
    return customers
"""


@pytest.fixture
def api():
    """A server on loopback that answers 500 as often as `api.failures` says, then a row."""
    with failing_api('[{"id": 1, "name": "Ann"}]') as api:
        yield api


@pytest.fixture
def shop_of_api(tmp_path, api):
    return write_shop(tmp_path, {"ingestion/raw.py": API.replace("PORT", str(api.server_port))}, raw="")


def test_an_api_that_fails_for_a_while(elt, shop_of_api, api):
    """Two errors 500 and then an answer: the run succeeds."""
    api.failures = 2
    elt("run", "--select", "stg_customers", project=shop_of_api).reports("ingest:raw", "success in", code=0)
    assert sql(shop_of_api, "select count(*) from raw.customers") == [(1,)]


def test_an_api_that_keeps_failing(elt, shop_of_api, api):
    """The load is tried again, then ends as an error that names source, file and answer; what needs it is halted."""
    api.failures = 1_000
    (shop_of_api / "elt.yml").write_text("repeats: {ingest: {times: 1, after: 10ms}}\n")
    elt("run", "--select", "stg_customers", project=shop_of_api).reports(
        "again ingest:raw attempt 2 of 2",
        "error ingest:raw",
        "(ingestion/raw.py)",
        "500",
        "stg_customers because of ingest:raw",
    )


def test_a_bug_of_elt_while_it_lists_a_module_is_an_internal_error(elt, tmp_path):
    """It does not blame the ingestion module; a plan without ingestion is not affected."""
    # The module breaks elt in the child, as a mistake in elt would.
    shop = shop_that_loads(
        tmp_path, after="import orchestrator.adapters.dlt.table_listing as listing\nlisting.group = None\n"
    )
    said = elt("plan", "--select", "stg_customers", project=shop)
    assert said.code == 3
    assert said.err.startswith("Internal error [E001]: ChildBugError: TypeError: 'NoneType' object is not callable")
    assert "This is a bug of elt" in said.err
    assert "orchestrator/adapters/dlt/table_listing.py" in said.err
    assert elt("plan", "--no-ingest", "--select", "stg_customers", project=shop).code == 0


def test_a_bug_of_elt_during_a_load_is_an_internal_error(elt, tmp_path):
    """The step's message says so, and the rest of the run continues."""
    after = "import orchestrator.adapters.dlt.loading as loading\nloading.refused_destination = None\n"
    shop = shop_that_loads(tmp_path, after=after)
    elt("run", "--select", "stg_customers", project=shop).reports(
        "error ingest:raw", "internal error: TypeError: 'NoneType' object is not callable", "This is a bug of elt"
    )
