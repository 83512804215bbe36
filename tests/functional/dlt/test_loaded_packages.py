"""What was loaded does not stay in the working folder: it would grow with every load."""

import os
import time

import pytest

from orchestrator.plan.status import Status

pytestmark = pytest.mark.functional

SHOP = """
    from pathlib import Path
    import dlt

    LAST = int(Path("last").read_text())

    @dlt.resource
    def shop(id=dlt.sources.incremental("id", range_start="open")):
        yield [{"id": n} for n in range(1, LAST + 1)]
"""
HOUR = 3600


@pytest.fixture
def shop(project):
    project.write("ingestion/shop.py", SHOP)
    project.write("last", "2")
    return project


def packages(project, folder="*", pipeline="elt_shop"):
    return sorted((project.root / ".elt" / "dlt").glob(f"{folder}/{pipeline}/load/loaded/*"))


def leave_package(project, name, *, age=0.0, folder="elt_shop/load/loaded"):
    """Leave a loaded package where an earlier version of elt left every one of them."""
    file = project.write(f".elt/dlt/{name}/{folder}/1700000000.1/completed_jobs/shop.0.parquet", "rows")
    package = file.parents[1]
    os.utime(package, (time.time() - age, time.time() - age))
    return package


def test_a_load_deletes_the_packages_that_it_loaded(shop):
    """The folder holds no rows after a load, which still reports the size of its files."""
    first = shop.load()
    shop.write("last", "3")
    second = shop.load()
    assert (first.bytes_processed or 0) > 0
    assert (second.bytes_processed or 0) > 0
    assert packages(shop) == []
    assert shop.rows("select id from raw.shop order by 1") == [(1,), (2,), (3,)]


def test_packages_of_earlier_versions_are_removed(shop):
    """Those of the same folder at once; those of folders that are no longer in use when they are old."""
    assert shop.load().status is Status.SUCCESS
    (folder,) = (shop.root / ".elt" / "dlt").iterdir()
    own = leave_package(shop, folder.name)
    unused = leave_package(shop, "warehouse-0", age=2 * HOUR)
    in_use = leave_package(shop, "other-1", age=1)
    waiting = leave_package(shop, "other-1", age=2 * HOUR, folder="elt_shop/load/normalized")
    assert shop.load().status is Status.NO_DATA
    assert [path.exists() for path in (own, unused, in_use, waiting)] == [False, False, True, True]


def test_a_package_that_failed_is_kept(shop):
    """What the database refused waits for the next load, which loads it."""
    shop.warehouse.execute("create schema raw; create table raw.shop (id date, _dlt_load_id text, _dlt_id text)")
    assert shop.load().status is Status.ERROR
    assert list((shop.root / ".elt" / "dlt").glob("*/elt_shop/load/normalized/*"))
    shop.rows("alter table raw.shop alter id type bigint using 0")
    assert shop.load().status is Status.SUCCESS
    assert packages(shop) == []


def test_packages_of_a_users_pipeline_stay(shop):
    """The working folder of a user's pipeline is kept as dlt keeps it, which is a setting of dlt."""
    folder = shop.root / "mine"
    shop.write("ingestion/shop.py", SHOP + f"\n    pipe = dlt.pipeline('mine', pipelines_dir={str(folder)!r})\n")
    assert shop.load("pipe").status is Status.SUCCESS
    kept = list((folder / "mine/load/loaded").glob("*/completed_jobs/*"))
    assert kept
    shop.write(".dlt/config.toml", "[load]\ndelete_completed_jobs = true\n")
    shop.write("last", "3")
    assert shop.load("pipe").status is Status.SUCCESS
    assert list((folder / "mine/load/loaded").glob("*/completed_jobs/*")) == kept
