"""Runs that end before their time: Ctrl-C, a killed process, a full disk. The next run loads nothing twice."""

import json
import os
import resource
import select
import signal
import time
from contextlib import suppress

import pytest

from tests.cli.conftest import ended, really_start, start
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
    print("waits", flush=True)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_load(elt, shop, number):
    """Ctrl-C and SIGTERM end the run as cancelled with exit 130; after them, and after a kill, all rows load once.

    The process that hears Ctrl-C was really started, not forked.
    """
    (shop / "slow").touch()
    begin = really_start if number == signal.SIGINT else start
    run = begin("run", "--select", "stg_customers", "--json", project=shop)
    until_it_loads(run)
    run.send_signal(number)
    said = ended(run)
    assert said.code == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in said.err
    if number != signal.SIGKILL:
        last = json.loads(said.out.splitlines()[-1])
        assert (last["event"], last["status"]) == ("run_ended", "cancelled")
        assert (shop / "target/run_results.json").exists()
    (shop / "slow").unlink()
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    assert loaded(shop) == [(3000, 3000)]


def test_a_signal_before_the_run_begins(shop):
    """SIGTERM while the project is read: one word, and exit 130.

    The process is really started: its child still imports dlt when dbt has parsed, so that the signal meets the wait.
    """
    os.mkfifo(shop / "reading")
    (shop / "ingestion" / "slow.py").write_text(
        f"import time\n\nimport dlt\n\nopen('{shop}/reading', 'w').write('x')\ntime.sleep(600)\n"
    )
    run = really_start("run", "--json", project=shop)
    assert (shop / "reading").read_text() == "x"
    run.send_signal(signal.SIGTERM)
    said = ended(run)
    assert (said.code, said.err.strip()) == (130, "Interrupted.")
    event = json.loads(said.out)
    assert (event["event"], event["exit_code"]) == ("run_not_started", 130)


def full_pipe() -> tuple[int, int]:
    """Return both ends of a pipe that has no room left."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b" " * select.PIPE_BUF)
    os.set_blocking(write, True)
    return read, write


def test_a_reader_that_does_not_read_does_not_keep_an_interrupted_run(elt, shop):
    """One signal ends it; what the reader did not receive is in the record, and a message says so."""
    (shop / "slow").touch()
    read, write = full_pipe()
    run = start("run", "--select", "stg_customers", "--json", project=shop, stdout=write)
    os.close(write)
    log = shop / ".elt/logs/ingest-elt_raw.log"
    while not (log.exists() and "waits" in log.read_text()):
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 130
    os.close(read)
    told = run.stderr.read()
    assert "Error [E002]: The output could not be written to stdout: nobody reads it." in told
    assert "elt show --json --events" in told
    events = [json.loads(line) for line in elt("show", "--json", "--events", project=shop).out.splitlines()]
    assert (events[-1]["event"], events[-1]["status"]) == ("run_ended", "cancelled")


def test_a_load_may_finish_within_the_grace(elt, shop):
    """With --grace what runs goes on after SIGTERM: the load ends well, nothing starts after it, and exit is 130."""
    (shop / "slow").touch()
    run = start("run", "--select", "stg_customers", "--json", "--grace", "5min", project=shop)
    until_it_loads(run)
    run.send_signal(signal.SIGTERM)
    for line in run.stdout:
        if "step_ended" in line and '"not started"' in line:
            break
    (shop / "slow").unlink()
    said = ended(run)
    events = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 130
    assert [event["status"] for event in events if event.get("step_id") == "ingest.elt_raw"] == ["success"]
    assert loaded(shop) == [(3000, 3000)]


def full_disk() -> None:
    """Let the coming process write no file beyond a size that its load needs, and no signal end it for that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))


def test_a_full_disk(elt, shop):
    """A disk that is full while loading is an error that says so; the next run loads every row once."""
    ended(really_start("run", "--select", "stg_customers", project=shop, preexec_fn=full_disk)).reports(
        "error ingest:raw", "is full. Make room"
    )
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    assert loaded(shop) == [(3000, 3000)]


ENDED = """
import os
import signal

from orchestrator.cli.main import main
from orchestrator.wiring import driving


def end(*_args):
    os.kill(os.getpid(), signal.SIGTERM)


driving.forget_old_runs = end  # the first thing after the end of a run
main()
"""


@pytest.mark.parametrize(("model", "code"), [("select 1 as one", 0), ("select no_such_column", 1)])
def test_a_signal_after_the_end_of_a_run_does_not_change_its_exit_code(elt, tmp_path, model, code):
    """The record has the exit code that the process has."""
    shop = write_shop(tmp_path, {"models/one.sql": model})
    words = ("run", "--select", "one", "--no-tests", "--json")
    said = ended(really_start(*words, project=shop, program=("-c", ENDED)))
    last = json.loads(said.out.splitlines()[-1])
    assert (said.code, last["event"], last["exit_code"]) == (code, "run_ended", code), said.err
    assert said.err.strip() == "Interrupted after the run had ended."
    assert [json.loads(line)["state"] for line in elt("history", "--json", project=shop).out.splitlines()] == ["ended"]
