"""Runs that end before their time: Ctrl-C, a killed process, a full disk. The next run loads nothing twice."""

import json
import resource
import signal

import pytest

from tests.cli.conftest import ended, start
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional

MODULE = """
import os
import time

import dlt


@dlt.resource(write_disposition="append")
def customers(id=dlt.sources.incremental("id", range_start="open")):
    for block in range(3):
        if block == 2:
            wait_for_ever()
        yield [{"id": n, "name": os.urandom(400).hex()} for n in range(block * 1000, block * 1000 + 1000)]


def wait_for_ever():
    while os.path.exists("slow"):
        time.sleep(0.05)


@dlt.source
def raw():
    return customers
"""


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path, {"ingestion/raw.py": MODULE.replace('"slow"', f'"{tmp_path}/slow"')}, raw="")


def loaded(shop) -> list[tuple[object, ...]]:
    return sql(shop, "select count(*), count(distinct id) from raw.customers")


def until_it_loads(run) -> None:
    """Read the run's lines until its load has started."""
    for line in run.stdout:
        if "step_started" in line and "ingest.elt_raw" in line:
            return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_load(elt, shop, number):
    """Ctrl-C ends the run as cancelled with exit 130; after it, and after a kill, the next run loads all rows once."""
    (shop / "slow").touch()
    run = start("run", "--select", "stg_customers", "--json", project=shop)
    until_it_loads(run)
    run.send_signal(number)
    said = ended(run)
    assert said.code == (130 if number == signal.SIGINT else -9)
    assert "Traceback" not in said.err
    if number == signal.SIGINT:
        last = json.loads(said.out.splitlines()[-1])
        assert (last["event"], last["status"]) == ("run_ended", "cancelled")
        assert (shop / "target/run_results.json").exists()
    (shop / "slow").unlink()
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    assert loaded(shop) == [(3000, 3000)]


def full_disk() -> None:
    """Let the coming process write no file beyond a size that its load needs, and no signal end it for that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))


def test_a_full_disk(elt, shop):
    """A disk that is full while loading is an error that says so; the next run loads every row once."""
    ended(start("run", "--select", "stg_customers", project=shop, preexec_fn=full_disk)).reports(
        "error ingest raw", "disk is full"
    )
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    assert loaded(shop) == [(3000, 3000)]
