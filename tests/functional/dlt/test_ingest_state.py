"""What was already seen follows the warehouse, not a folder."""

from hashlib import sha256

import pytest

from orchestrator.nodes.prefix import Placement
from orchestrator.plan.status import Status
from tests.functional.dlt.ingest_project import ingest_step

pytestmark = pytest.mark.functional

SHOP = """
    import os, signal
    from pathlib import Path
    import dlt

    LAST = int(Path("last").read_text())

    @dlt.resource
    def shop(id=dlt.sources.incremental("id", range_start="open")):
        yield [{"id": n} for n in range(1, LAST + 1)]

    if Path("die").exists():
        from dlt.load.load import Load
        Load.run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def shop(project):
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    assert project.load().status is Status.SUCCESS
    project.write("last", "3")
    return project


def ids(project):
    return [row[0] for row in project.rows("select id from raw.shop order by 1")]


def delete_database(project):
    project.close()
    (project.root / "warehouse.duckdb").unlink()


def test_incremental_loads_add_what_is_new(shop):
    """The second load of an incremental resource brings only the rows after the last."""
    assert shop.load().rows_affected == 1
    assert ids(shop) == [1, 2, 3]


def test_a_deleted_warehouse_is_loaded_again_in_full(shop):
    """Rows that the deleted database had are loaded again, though the folder remembers them."""
    delete_database(shop)
    assert shop.load().rows_affected == 3
    assert ids(shop) == [1, 2, 3]


def test_a_warehouse_deleted_while_dbt_made_the_schema_again_is_loaded_in_full(shop):
    """A schema that exists again, without dlt's tables, is not taken for one that holds the rows."""
    delete_database(shop)
    shop.warehouse.execute("create schema raw")
    assert shop.load().status is Status.SUCCESS
    assert ids(shop) == [1, 2, 3]


def test_a_pending_load_for_a_deleted_warehouse_is_dropped(shop):
    """An interrupted load of only the newest rows is not finished into a database that lacks the others."""
    shop.write("die", "")
    assert shop.load().status is Status.ERROR
    (shop.root / "die").unlink()
    delete_database(shop)
    assert shop.load().status is Status.SUCCESS
    assert ids(shop) == [1, 2, 3]


def test_a_restored_backup_is_brought_up_to_date(shop):
    """A database that was put back to an earlier state gets the rows that came after it."""
    shop.close()
    backup = (shop.root / "warehouse.duckdb").read_bytes()
    assert shop.load().status is Status.SUCCESS
    shop.close()
    (shop.root / "warehouse.duckdb").write_bytes(backup)
    assert shop.load().status is Status.SUCCESS
    assert ids(shop) == [1, 2, 3]


def test_targets_do_not_share_state(shop):
    """A second target, in another file, gets all rows; the first still only what is new."""
    shop.database, first = str(shop.root / "prod.duckdb"), shop.database
    assert shop.load().rows_affected == 3
    shop.database = first
    assert shop.load().rows_affected == 1


def test_a_users_pipeline_follows_each_target(project):
    """One folder of the user's serves two targets, and each gets all its rows once."""
    pipeline = f'pipe = dlt.pipeline("mine", dataset_name="raw", pipelines_dir={str(project.root / "mine")!r})'
    project.write("ingestion/shop.py", SHOP.replace("LAST =", f"{pipeline}\n\n    LAST ="))
    project.write("last", "2")
    first, second = project.database, str(project.root / "prod.duckdb")
    for last, database in ((2, first), (3, second), (4, first), (4, second)):
        project.write("last", str(last))
        project.database = database
        assert project.load("pipe").status is Status.SUCCESS
        assert ids(project) == list(range(1, last + 1))


def test_a_prefixed_load_of_a_users_pipeline_has_a_state_of_its_own(project):
    """Production's dataset, folder and state do not change, and each loads what is new to it, with the same options."""
    mine = project.root / "mine"
    pipeline = f'pipe = dlt.pipeline("mine", dataset_name="raw", pipelines_dir={str(mine)!r}, refresh=None)'
    project.write("ingestion/shop.py", SHOP.replace("LAST =", f"{pipeline}\n\n    LAST ="))
    project.write("last", "2")
    assert project.load("pipe").status is Status.SUCCESS
    before = (mine / "mine" / "state.json").read_bytes()
    prefixed = project.runner(placement=Placement(prefix="pr_7_", loads=True))
    for last in (3, 4):
        project.write("last", str(last))
        assert project.load("pipe", runner=prefixed, dataset="pr_7_raw").status is Status.SUCCESS
        assert project.rows("select id from pr_7_raw.shop order by id") == [(n,) for n in range(1, last + 1)]
    assert ids(project) == [1, 2]
    assert (mine / "mine" / "state.json").read_bytes() == before
    assert project.load("pipe").rows_affected == 2
    assert ids(project) == [1, 2, 3, 4]


FOLDER_ONLY = """
    restore_from_destination = false
    """


@pytest.mark.parametrize("config", ["", FOLDER_ONLY], ids=["as dlt does", "state in the folder only"])
def test_datasets_do_not_share_state(project, config):
    """Two schemas of one database: each gets all rows, and then only what is new; also where only the folder knows."""
    project.write(".dlt/config.toml", config)
    project.write("ingestion/shop.py", SHOP)
    seen = {"ada_raw": 0, "Bob_raw": 0}
    for last, dataset in ((2, "ada_raw"), (3, "Bob_raw"), (4, "ada_raw"), (4, "Bob_raw")):
        project.write("last", str(last))
        assert project.load(dataset=dataset).rows_affected == last - seen[dataset]
        seen[dataset] = last
        assert project.rows(f'select id from "{dataset}".shop order by 1') == [(n + 1,) for n in range(last)]


def test_the_folder_of_an_earlier_version_stays_in_use(project):
    """It served all datasets of a database: the one that it was last used for goes on there, others get their own."""
    project.write(".dlt/config.toml", FOLDER_ONLY)
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    assert project.load().rows_affected == 2
    (folder,) = (project.root / ".elt" / "dlt").iterdir()
    earlier = folder.with_name(f"warehouse-{sha256(project.database.encode()).hexdigest()[:8]}")
    folder.rename(earlier)
    project.write("last", "3")
    assert project.load(dataset="other").rows_affected == 3
    assert project.load().rows_affected == 1
    assert not folder.exists()


def test_a_killed_load_of_another_dataset_is_left_alone(project):
    """What was extracted for one dataset is not loaded into another, and is not lost."""
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    project.write("die", "")
    assert project.load(dataset="ada_raw", run_id="killed").status is Status.ERROR
    (project.root / "die").unlink()
    project.write("last", "3")
    assert project.load(dataset="bob_raw").rows_affected == 3
    project.continues_loads = {ingest_step("shop").id: {"killed"}}
    assert project.load(dataset="ada_raw").rows_affected == 2
