"""A database that cannot be opened, written or shared."""

import ctypes
import os
import signal
import subprocess
import sys

import duckdb
import pytest

from orchestrator.config.settings import Settings
from orchestrator.errors import WarehouseError
from orchestrator.nodes.target import Target
from orchestrator.reuse.target_facts import WarehouseFacts
from tests.cli.conftest import ended, really_start, start
from tests.cli.test_bad_configuration import suite
from tests.cli.test_bad_ingestion import shop_that_loads
from tests.cli.unopened import unopened
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional

IN_MEMORY = {"profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}"}
ONE_MODEL = {**IN_MEMORY, "models/one.sql": "select 1 as customer_id"}


def test_dbt_runs_in_memory(elt, tmp_path):
    """A path of :memory: is enough for what dbt does."""
    elt("run", "--select", "one", project=write_shop(tmp_path, ONE_MODEL)).reports("1 success", code=0)


def test_loads_need_a_file(elt, tmp_path):
    """With :memory: a plan that loads is refused before anything runs; the hint runs dbt's part."""
    shop = shop_that_loads(tmp_path, changes=ONE_MODEL)
    elt("run", "--select", "stg_customers", project=shop).refuses("its path is :memory:", "profiles.yml", "--no-ingest")
    elt("run", "--select", "one", "--no-ingest", project=shop).reports("1 success", code=0)


def test_validations_need_a_file(elt, tmp_path):
    """With :memory: a plan that validates is refused; without the suites dbt's part runs."""
    shop = write_shop(tmp_path, {**ONE_MODEL, "expectations/one.json": suite("one")})
    elt("run", "--select", "one", project=shop).refuses("its path is :memory:", "--exclude 'expectation:*'")
    elt("run", "--select", "one", "--exclude", "expectation:*", project=shop).reports("1 success", code=0)


def test_validation_that_is_not_installed(elt, tmp_path, monkeypatch):
    """A plan that validates names the extra."""
    shop = write_shop(tmp_path, {"models/one.sql": "select 1 as customer_id", "expectations/one.json": suite("one")})
    monkeypatch.setattr("orchestrator.adapters.great_expectations.gx_extra.find_spec", lambda name: None)
    elt("run", "--select", "one", project=shop).refuses("pip install 'elt-orchestrator[gx]'")


def test_an_adapter_without_loads_and_validations(tmp_path):
    """Of another adapter nothing is opened, what stands is left to dbt, and loads and validations name it."""
    target = Target(name="prod", adapter="snowflake", threads=4, database="shop", path=None)
    project = unopened(Settings(project_root=tmp_path, dbt_project_dir=tmp_path), target)
    assert WarehouseFacts(project).exists(None)
    assert target.description == "snowflake database shop"
    with pytest.raises(WarehouseError, match="The target prod uses the adapter snowflake") as refused:
        project.warehouse()
    assert "--no-ingest --exclude 'expectation:*'" in refused.value.hint


def test_a_file_that_is_not_a_database(elt, tmp_path):
    """A file of another kind is named and left as it is."""
    shop = write_shop(tmp_path, raw="")
    (shop / "shop.duckdb").write_text("customer,amount\n" * 200)
    elt("run", project=shop).refuses(f"{shop}/shop.duckdb is not a DuckDB database.", "profiles.yml")
    assert (shop / "shop.duckdb").read_text() == "customer,amount\n" * 200


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere/shop.duckdb", "The folder {shop}/nowhere of the database shop.duckdb does not exist."),
        ("models", "The database {shop}/models cannot be opened"),
    ],
)
def test_a_path_where_no_file_can_be(elt, tmp_path, path, told):
    """A folder that is missing, or a folder in place of the file, is named."""
    changes = {"profiles.yml": f"shop: {{target: dev, outputs: {{dev: {{type: duckdb, path: {path}}}}}}}"}
    shop = write_shop(tmp_path, changes)
    elt("run", project=shop).refuses(told.format(shop=shop), "profiles.yml")


HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def held(tmp_path):
    """The shop, and a process that holds its database until its input is closed."""
    shop = write_shop(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, shop / "shop.duckdb"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        yield shop, holder


def test_a_locked_database(elt, held):
    """After --lock-timeout the message names process and command; that the run waited was told before."""
    shop, holder = held
    said = elt("run", "--lock-timeout", "0.2", project=shop)
    said.refuses(f"{shop}/shop.duckdb is locked by process {holder.pid} ({sys.executable} -c", "--lock-timeout")
    assert "waiting    up to 0.2 s" in said.out


def test_a_locked_database_is_waited_for(held):
    """The wait is told at once, and the run goes on when the file is free."""
    shop, holder = held
    run = start("run", "--select", "stg_orders", project=shop)
    assert f"locked by process {holder.pid}" in run.stdout.readline()
    holder.stdin.close()
    ended(run).reports("3 success", code=0)


def test_a_wait_can_be_interrupted(held):
    """Ctrl-C ends the wait for a lock."""
    run = start("run", project=held[0])
    run.stdout.readline()
    run.send_signal(signal.SIGINT)
    assert ended(run).code == 130


def without_privileges() -> None:
    """Make the coming process obey permissions, also when the tests run as root."""
    drop_from_bounding_set, overriding = 24, (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in overriding:
            assert libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) == 0


@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        ("shop.duckdb", 0o444, "The database {shop}/shop.duckdb cannot be written"),
        ("warehouse", 0o555, "The database {shop}/warehouse/shop.duckdb cannot be written"),
    ],
)
def test_paths_without_write_permission(tmp_path, path, mode, told):
    """A user without the right is told which file or folder it is about."""
    in_folder = {"profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: warehouse/shop.duckdb}}}"}
    shop = write_shop(tmp_path, in_folder if path == "warehouse" else None)
    (shop / "warehouse").mkdir()
    (shop / path).chmod(mode)
    said = ended(really_start("run", project=shop, preexec_fn=without_privileges))
    (shop / path).chmod(0o755)
    said.refuses(told.format(shop=shop), "writable for the user who runs elt")


def test_a_setting_that_the_database_does_not_know(elt, tmp_path):
    """What keeps dbt from preparing the target is told as its error, with the file to look into."""
    profile = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, settings: {nonsense: 1}}}}"
    shop = write_shop(tmp_path, {"profiles.yml": profile}, raw="")
    run = elt("run", "--select", "stg_customers", "--upstream", "none", "--no-tests", project=shop)
    run.reports("dbt could not prepare the target dev", "nonsense", "profiles.yml")
    assert "internal error" not in run.out


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1 takes it for its own, or ignores it")
def test_a_write_ahead_log_of_another_file(elt, tmp_path):
    """As when a backup is put in the place of a database that a killed process left."""
    shop = write_shop(tmp_path, {"models/one.sql": "select 1 as customer_id"})
    writes = "left = duckdb.connect('other.duckdb'); left.execute('create table t as select 1'); os._exit(9)"
    subprocess.run([sys.executable, "-c", f"import duckdb, os; {writes}"], cwd=tmp_path, check=False)
    (tmp_path / "other.duckdb.wal").replace(shop / "shop.duckdb.wal")
    log = (shop / "shop.duckdb.wal").read_bytes()
    elt("run", "--select", "one", project=shop).refuses(
        f"{shop}/shop.duckdb.wal is damaged, or belongs", "move it away"
    )
    assert (shop / "shop.duckdb.wal").read_bytes() == log


def test_settings_that_duckdb_refuses_before_the_file_exists(elt, tmp_path):
    """The message names the file of the target, although only a database in memory was opened."""
    options = "config_options: {storage_compatibility_version: v9.0.0}"
    target = f"{{type: duckdb, path: new.duckdb, {options}}}"
    shop = write_shop(tmp_path, {"profiles.yml": f"shop: {{target: dev, outputs: {{dev: {target}}}}}"})
    said = elt("run", project=shop)
    said.refuses(f"The database {shop}/new.duckdb cannot be opened: ", "v9.0.0", "profiles.yml")
    assert ":memory:" not in said.err
