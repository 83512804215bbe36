"""`publish_copy`: a green run leaves a copy of the database for readers."""

import json
import os

import duckdb
import pytest

from orchestrator.config.settings import Settings
from orchestrator.errors import ConfigurationError
from orchestrator.nodes.target import Target
from orchestrator.plan.request import Verb
from orchestrator.wiring.publishing import copy_of
from tests.cli.unopened import unopened
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

PUBLISHES = {"elt.yml": "publish_copy:\n  dev: ${BI:-bi}/shop.duckdb\n  prod: nowhere/shop.duckdb\n"}


@pytest.fixture
def shop(tmp_path):
    """A shop whose target dev is published to a folder beside it."""
    (tmp_path / "bi").mkdir()
    return write_shop(tmp_path, PUBLISHES)


def names(file) -> set[str]:
    with duckdb.connect(str(file), read_only=True) as copy:
        return {name for (name,) in copy.sql("select table_name from duckdb_tables()").fetchall()}


def test_a_green_run_publishes_a_copy(elt, shop):
    """The plan says where, the run tells and records it with its size; one with nothing to do keeps it."""
    copy = shop / "bi/shop.duckdb"
    elt("plan", project=shop).reports(f"after a green run, the database is copied to {copy}", code=0)
    assert not copy.exists()
    elt("run", project=shop).reports(f"the copy of the database is {copy} (", "MB)", code=0)
    assert {"fct_orders", "customers"} <= names(copy)
    elt("logs", project=shop).reports(f"the copy of the database is {copy}", code=0)
    first = copy.stat().st_ino
    elt("run", "--skip-unchanged", project=shop).reports("it was of this state already", code=0)
    assert copy.stat().st_ino == first
    last = json.loads(elt("run", "--json", project=shop).out.splitlines()[-1])
    assert (last["event"], last["notice"]) == ("noticed", "note")
    assert str(copy) in last["message"]


def test_only_a_green_run_of_that_target_that_builds_publishes(elt, shop):
    """A run with a failure keeps the copy of the run before; `elt test` writes none; `elt retry` does."""
    copy = shop / "bi/shop.duckdb"
    test = shop / "tests/none.sql"
    test.parent.mkdir()
    test.write_text("select 1 as wrong from {{ ref('fct_orders') }} limit 1")
    elt("run", project=shop).reports("1 fail", code=1)
    assert not copy.exists()
    test.write_text("select 1 as wrong from {{ ref('fct_orders') }} where false")
    elt("retry", project=shop).reports("the copy of the database is", code=0)
    copy.unlink()
    elt("test", "--select", "stg_orders", project=shop).reports("success", code=0)
    assert not copy.exists()


def test_a_copy_that_cannot_be_written_is_reported_with_exit_code_one(elt, shop, monkeypatch):
    """The run is recorded as green; the copy of the run before is as it was."""

    def fail(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    copy = shop / "bi/shop.duckdb"
    elt("run", project=shop).reports("the copy of the database is", code=0)
    first = copy.stat().st_ino
    monkeypatch.setattr("orchestrator.adapters.duckdb.database_copy._copy_in_a_child", fail)
    told = f"every step succeeded, but the database could not be copied to {copy}: No space left on device"
    elt("run", project=shop).reports(told, "elt run --skip-unchanged", code=1)
    quiet = elt("run", "--quiet", project=shop)
    assert quiet.code == 1
    assert told in quiet.err
    assert quiet.out == ""
    assert json.loads(elt("run", "--json", project=shop).out.splitlines()[-1])["notice"] == "warning"
    assert copy.stat().st_ino == first
    assert os.listdir(copy.parent) == ["shop.duckdb"]  # noqa: PTH208  # hidden ones too
    assert json.loads(elt("show", "--json", project=shop).out)["status"] == "success"


@pytest.mark.parametrize("is_open", [False, True])
def test_a_database_that_is_not_an_earlier_copy_is_never_replaced(elt, shop, is_open):
    """Such as that of another target, or one that another process writes to."""
    (shop / "bi").mkdir(exist_ok=True)
    with duckdb.connect(str(shop / "bi/shop.duckdb")) as other:
        other.execute("create table precious as select 1 as one")
        other.execute("checkpoint")
        if is_open:
            elt("run", project=shop).refuses("exists and can be written, so it is no earlier copy")
    elt("run", project=shop).refuses("exists and can be written, so it is no earlier copy")
    with duckdb.connect(str(shop / "bi/shop.duckdb"), read_only=True) as other:
        assert other.execute("from precious").fetchall() == [(1,)]


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_path_where_no_copy_can_be_written_is_refused_before_anything_runs(elt, shop, monkeypatch, verb):
    """The file, the key and the path are named; nothing is built."""
    monkeypatch.setenv("BI", "missing")
    elt(verb, project=shop).refuses(
        f"{shop}/elt.yml: 'publish_copy.dev': the folder {shop}/missing does not exist.", "Correct the path"
    )
    monkeypatch.setenv("BI", ".")
    elt(verb, project=shop).refuses(f"'publish_copy.dev': {shop}/shop.duckdb is the database itself.")


@pytest.mark.parametrize(
    ("target", "is_called"),
    [
        (Target(name="dev", adapter="postgres", threads=1, database="shop", server="db:5432", path=None), "postgres"),
        (Target(name="dev", adapter="duckdb", threads=1, database="memory", path=":memory:"), "in memory"),
        (Target(name="dev", adapter="duckdb", threads=1, database="shop", path="md:shop"), "md:shop"),
    ],
)
def test_a_target_that_is_not_a_file_cannot_be_published(tmp_path, target, is_called):
    """The setting and the target are named; of another target, or for a verb that builds nothing, nothing is asked."""
    settings = Settings(
        project_root=tmp_path,
        dbt_project_dir=tmp_path,
        elt_yml=tmp_path / "elt.yml",
        publish_copy={"dev": tmp_path / "copy.duckdb"},
    )
    project = unopened(settings, target)
    with pytest.raises(ConfigurationError, match=r"elt\.yml: 'publish_copy\.dev': the target dev is ") as refused:
        copy_of(project, Verb.BUILD)
    assert is_called in refused.value.message
    assert "only a DuckDB file on this machine can be copied" in refused.value.message
    assert copy_of(project, Verb.TEST) is None
