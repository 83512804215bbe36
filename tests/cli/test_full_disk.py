"""A full disk: one sentence names it, nothing is lost, and no traceback is shown."""

import shutil
import subprocess
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Said, ended, really_start
from tests.functional.shop import write_shop

pytestmark = pytest.mark.functional
BIG = "select i, md5(i::varchar) as h, hash(i) as k from range(300000) t(i)"
LOADS = """
import dlt


@dlt.resource
def customers():
    yield [{"id": n, "name": f"{n:0400}"} for n in range(20_000)]


@dlt.source
def raw():
    return customers
"""


@pytest.fixture
def small_disk(tmp_path):
    """A folder with a disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a disk can be mounted only by root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, *, free: int) -> None:
    """Leave so many bytes free."""
    left = shutil.disk_usage(disk).free - free
    with suppress(OSError) if free == 0 else nullcontext():  # a run that goes on may have taken what was left
        (disk / "filler").write_bytes(bytes(max(left, 0)))


def run(shop: Path, *words: str) -> Said:
    said = ended(really_start("run", *words, project=shop))
    assert "Traceback" not in said.out + said.err
    assert "Logging error" not in said.err
    return said


def test_before_a_run_starts(elt, small_disk):
    shop = write_shop(small_disk / "shop")
    fill(small_disk, free=50_000)
    run(shop).refuses(f"The disk that holds {shop}", "is full", "Make room, then run the command again.")


def test_a_full_disk_during_a_model_and_in_the_record(elt, small_disk):
    """A step that meets it is an error, exit 1; once the record meets it, nothing more starts, exit 2."""
    shop = write_shop(small_disk / "shop", {"models/marts/big.sql": BIG})
    assert elt("run", "--exclude", "big", project=shop).code == 0
    fill(small_disk, free=4_000_000)
    said = run(shop)
    assert said.code in {1, 2}
    told = " ".join((said.out + said.err).split())
    assert "is full" in told
    assert "Make room, then continue with: elt resume" in told
    (small_disk / "filler").unlink()
    assert elt("resume", project=shop).code == 0


def test_a_full_disk_during_a_load(elt, small_disk):
    """The load says so; with room it goes on."""
    shop = write_shop(small_disk / "shop", {"ingestion/raw.py": LOADS}, raw="")
    assert elt("plan", project=shop).code == 0
    fill(small_disk, free=6_000_000)
    said = run(shop, "--select", "stg_customers")
    assert said.code in {1, 2}
    told = " ".join(said.out.split())
    assert "error ingest:raw" in told
    assert "is full. Make room" in told
    assert "died" not in told
    (small_disk / "filler").unlink()
    assert elt("resume", project=shop).code == 0
