"""`elt run --wait-for`: a run starts when its conditions are true; while it waits, nothing is held."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from tests.cli.conftest import ended, start
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional


@pytest.fixture
def shop(tmp_path):
    return write_shop(tmp_path)


def test_a_run_waits_for_a_file_and_holds_nothing(elt, shop):
    """Live, plain and JSON output show what it waits for; the record has it; another run works meanwhile."""
    wanted = shop / "orders.csv"
    run = start("run", "--select", "stg_orders", "--json", "--wait-for", f"file:{wanted} every=1s", project=shop)
    first = json.loads(run.stdout.readline())
    assert (first["event"], first["notice"], first["seq"]) == ("noticed", "waiting", 1)
    assert first["message"] == (f"for file {wanted}: there is no such file (asked every 1 s for up to 1 h, then fail)")
    sql(shop, "insert into raw.orders values (13, 2, 4.0)")  # the database is free
    elt("run", "--select", "stg_customers", project=shop).reports("success in", code=0)
    wanted.touch()
    said = ended(run)
    assert said.code == 0, said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    assert events[0]["message"].startswith(f"file {wanted}: it is there (after ")
    assert {event["run_id"] for event in events} == {first["run_id"]}
    assert elt("logs", first["run_id"], project=shop).code == 0


def test_a_condition_that_does_not_come_true(elt, shop):
    """It fails the run, skips it, or lets it start; a run that does not start is not recorded."""
    never = f"file:{shop}/never every=1s within=1s"
    elt("run", "--wait-for", never, project=shop).refuses(
        "[E065]: The condition did not come true within 1 s", "there is no such file", "`otherwise: run`", code=1
    )
    skipped = elt("run", "--wait-for", f"{never} otherwise=skip", project=shop)
    assert skipped.code == 0
    assert skipped.out.splitlines()[-1].startswith("Nothing was run. The condition did not come true within 1 s: ")
    told = elt("run", "--json", "--wait-for", f"{never} otherwise=skip", project=shop)
    last = json.loads(told.out.splitlines()[-1])
    assert (told.code, last["event"], last["code"], last["exit_code"]) == (0, "run_not_started", "E067", 0)
    assert elt("run", "--quiet", "--wait-for", f"{never} otherwise=skip", project=shop).out == ""
    assert elt("history", project=shop).code == 2  # nothing is recorded yet
    ran = elt("run", "--select", "stg_orders", "--wait-for", f"{never} otherwise=run", project=shop)
    ran.reports("warning not true after 1 s, the run starts all the same", "success in", code=0)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("file:foo://a", "the scheme foo:// is unknown"),
        ("file:gs://in/*.csv", "pip install gcsfs"),
        ("sql:selec 1", "Parser Error: syntax error"),
        ("source:raw.orders", "no dbt source of this name has a freshness to judge it by"),
        ("schedule:nightly", "elt.yml has no schedule of this name; it has none"),
        ("https://${NOT_SET}/", "the environment variable NOT_SET is not set"),
    ],
)
def test_a_condition_that_can_never_come_true(elt, shop, condition, told):
    """It is an error at once, with exit code 2, whatever follows otherwise."""
    elt("run", "--wait-for", f"{condition} otherwise=run", project=shop).refuses("[E066]", told)


def test_questions_on_one_file_do_not_lock_each_other_out(elt, shop):
    """They are asked one after another, so that each is answered the first time; another process is named as such."""
    asked = [f"sql:select count(*) > {most} from raw.orders within=0s" for most in range(3)]
    words = [word for one in asked for word in ("--wait-for", one)]
    elt("run", "--select", "stg_orders", *words, project=shop).reports("success in", code=0)
    holder = "import duckdb, sys; it = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, shop / "shop.duckdb"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline()
        locked = elt("run", "--select", "stg_orders", "--wait-for", asked[0], project=shop)
        other.stdin.close()
    locked.refuses("another process has locked the database", code=1)
    assert "Could not set lock" not in locked.out + locked.err


def test_a_condition_that_cannot_be_understood(elt, shop):
    """The command line is wrong: an unknown kind, or a time of a schedule outside of a schedule."""
    wrong = elt("run", "--wait-for", "fil:a", project=shop)
    assert wrong.code == 2
    assert "[E021]: Invalid value for '--wait-for': 'fil' is not a kind of condition. Did you mean 'file'?" in wrong.err
    placed = elt("run", "--wait-for", "file:a_{logical_time:%Y}.csv", project=shop)
    placed.refuses("[E020]: {logical_time:%Y} stands for a time of a schedule, and this run belongs to none")


def test_a_server_that_hangs_delays_no_other_condition(elt, shop):
    """The deadline of a file passes while a server accepts a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        elt("run", "--wait-for", url, "--wait-for", "file:never every=1s within=2s", project=shop).refuses(
            "file", "there is no such file", code=1
        )
        assert time.monotonic() - began < 15


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_at_once(shop, number):
    """The exit code is 130, and no process that asks is left, also while it hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        run = start("run", "--json", "--wait-for", url, "--wait-for", "file:never", project=shop)
        assert json.loads(run.stdout.readline())["notice"] == "waiting"
        threading.Thread(target=silent.accept, daemon=True).start()
        began = time.monotonic()
        run.send_signal(number)
        said = ended(run)
    assert said.code == 130
    assert time.monotonic() - began < 5
    assert json.loads(said.out.splitlines()[-1])["exit_code"] == 130
    assert not [one for one in psutil.process_iter(["cmdline"]) if url in str(one.info["cmdline"])]
