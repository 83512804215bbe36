"""What a user sees when a load goes wrong: a few lines that name the place, never a secret or a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.plan.status import Status
from tests.fakes.failing_api import failing_api

pytestmark = pytest.mark.functional

API = """
    import dlt
    from dlt.sources.helpers import requests

    @dlt.resource
    def pages(token: str = dlt.secrets.value):
        yield requests.get("http://127.0.0.1:{port}/items?token=" + token).json()

    @dlt.source
    def shop():
        return pages
"""


@pytest.fixture
def api():
    """A server on loopback that answers 500 as often as `api.failures` says, then a row."""
    with failing_api('[{"id": 1}]') as api:
        yield api


@pytest.fixture
def shop(project, api):
    project.write("ingestion/shop.py", API.replace("{port}", str(api.server_port)))
    project.write(".dlt/secrets.toml", '[sources.shop]\ntoken = "hunter2secret"\n')
    return project


def test_an_api_that_fails_for_a_while_is_retried(shop, api):
    """dlt's own retries stay inside one attempt: two errors 500 and then rows are a success."""
    api.failures = 2
    assert shop.load().status is Status.SUCCESS


def test_an_api_that_keeps_failing_is_an_error_that_names_it(shop, api):
    """The message names source, module, resource and the answer, in a few lines, without the token."""
    api.failures = 1000
    outcome = shop.load()
    assert outcome.status is Status.ERROR
    assert "resource pages of dlt source shop (ingestion/shop.py)" in outcome.message
    assert "500" in outcome.message
    assert f"{shop.root}/logs/ingest-elt_shop.log" in outcome.message
    assert "Traceback" not in outcome.message
    assert len(outcome.message.splitlines()) <= 4
    assert "HTTPError" in outcome.log
    assert "hunter2secret" not in outcome.message + outcome.log + (shop.root / "logs/ingest-elt_shop.log").read_text()


def test_missing_credentials_name_the_keys(shop):
    """A missing secret is told by its key and the places to put it."""
    (shop.root / ".dlt/secrets.toml").unlink()
    outcome = shop.load()
    assert outcome.status is Status.ERROR
    assert "dlt source shop (ingestion/shop.py) lacks its configuration: token" in outcome.message
    assert "SOURCES__SHOP__PAGES__TOKEN in the environment" in outcome.message


def test_settings_beside_the_module_win(shop):
    """`.dlt` is looked for beside the module before the project root."""
    shop.write(".dlt/config.toml", "[sources.shop]\nmark = 'root'\nother = 'root'\n")
    shop.write("ingestion/.dlt/config.toml", "[sources.shop]\nmark = 'beside'\n")
    shop.write(
        "ingestion/shop.py",
        """
        import dlt

        @dlt.resource
        def shop(mark: str = dlt.config.value, other: str = dlt.config.value):
            yield {"mark": mark, "other": other}
        """,
    )
    outcome = shop.load()
    assert outcome.status is Status.SUCCESS, outcome.message
    assert shop.rows("select mark, other from raw.shop") == [("beside", "root")]


def test_output_of_user_code_goes_to_the_log(project, capfd):
    """Printing in an ingestion module does not disturb the terminal."""
    project.write("ingestion/shop.py", "import dlt\nprint('noise')\nshop = dlt.resource([{'id': 1}], name='shop')\n")
    assert project.load().status is Status.SUCCESS
    assert capfd.readouterr() == ("", "")
    assert "noise" in (project.root / "logs/ingest-elt_shop.log").read_text()


def test_a_database_error_names_the_table(project):
    """A statement that the database refuses ends as an error with the database's words."""
    project.write("ingestion/shop.py", "import dlt\nshop = dlt.resource([{'id': 1}], name='shop')\n")
    project.warehouse.execute(
        "create schema raw; create table raw.shop (id date, _dlt_load_id varchar, _dlt_id varchar)"
    )
    outcome = project.load()
    assert outcome.status is Status.ERROR
    assert "loading the table shop of dlt source shop" in outcome.message
    assert "Conversion Error" in outcome.message
    assert "Traceback" not in outcome.message


def test_data_that_cannot_be_normalised_is_extracted_again(project):
    """A package that dlt cannot normalise is dropped by the next run, which sees the mended module."""
    columns = "{'b': {'data_type': 'bigint', 'nullable': %s}}"
    text = f"import dlt\nshop = dlt.resource([{{'id': 1}}], name='shop', columns={columns})\n"
    project.write("ingestion/shop.py", text % False)
    outcome = project.load()
    assert outcome.status is Status.ERROR
    assert "normalising dlt source shop" in outcome.message
    project.write("ingestion/shop.py", text % True)
    assert project.load().status is Status.SUCCESS
    assert project.rows("select count(*) from raw.shop") == [(1,)]


def test_a_process_that_dies_is_an_error(project):
    """A source that kills its own process, as lack of memory does, is told as such."""
    project.write("ingestion/shop.py", "import os, dlt\n\n@dlt.resource\ndef shop():\n    os._exit(9)\n    yield {}\n")
    outcome = project.load()
    assert outcome.status is Status.ERROR
    assert "process that loaded it died: it ended with code 9" in outcome.message


@pytest.mark.parametrize(
    ("raises", "package"),
    [
        ("import nosuchmodule", "nosuchmodule"),
        ("raise dlt.common.exceptions.MissingDependencyException('it', ['dlt[sql]>=1'])", "'dlt[sql]>=1'"),
    ],
)
def test_a_package_that_only_a_resource_needs_is_named_with_the_install_command(project, raises, package):
    """Into the environment that runs elt, also where dlt itself asks for it."""
    project.write("ingestion/shop.py", f"import dlt\n\n@dlt.resource\ndef shop():\n    {raises}\n    yield {{}}\n")
    assert f"{sys.executable} -m pip install {package}" in project.load().message


FULL = """
import resource, signal, sys
from pathlib import Path
import duckdb, threading
sys.path.insert(0, {repository!r})
from tests.functional.dlt.ingest_project import Project
from orchestrator.adapters.dlt.host import IngestionHost

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
host = IngestionHost()
project = Project(root=Path({root!r}), host=host)
outcome = project.load()
print(outcome.status, outcome.message)
host.close()
"""


def test_a_full_disk_is_reported_and_no_row_is_doubled(project):
    """Loading onto a full disk is an error that says so, and the repeat brings every row once."""
    project.write(
        "ingestion/shop.py",
        """
        import dlt, os
        @dlt.resource
        def shop(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n, "noise": os.urandom(400).hex()} for n in range(3000)]
        """,
    )
    script = FULL.format(repository=str(Path(__file__).parents[3]), limit=1_000_000, root=str(project.root))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("error"), done.stdout + done.stderr
    assert "is full. Make room" in done.stdout
    assert project.load().status is Status.SUCCESS
    assert project.rows("select count(*), count(distinct id) from raw.shop") == [(3000, 3000)]
