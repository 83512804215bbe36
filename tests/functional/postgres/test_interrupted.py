"""Ctrl-C and kill -9 while PostgreSQL works for a run: the server stops working, and the next run loads once."""

import json
import os
import signal
import subprocess
import time
from contextlib import closing, suppress

import pytest

from tests.warm_starts import WarmStart

pytestmark = pytest.mark.functional

SLOW = {
    "models/slow/long_model.sql": "{{ config(materialized='table') }} select 1 as n from pg_sleep(600)",
    "models/slow/quick.sql": "select 1 as n",
    "expectations/quick.json": """
        {"name": "quick", "expectations": [{"type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": "select * from {batch}, pg_sleep(600)"}}]}
        """,
}
OURS = "pid <> pg_backend_pid() and datname = current_database()"
LOADING = "wait_event_type = 'Lock' and query ~ 'insert into .raw.\\..orders'"


@pytest.fixture
def slow(shop):
    """The shop with two more orders to load, and what takes long."""
    for name, text in {**SLOW, "ingestion/last": "5"}.items():
        shop.write(name, text)
    return shop


def start(shop, *select):
    """Start a run as a process of its own."""
    words = ["run", "--project-dir", str(shop.folder), "--json", "--no-freshness", "--select", *select]
    return WarmStart(
        words,
        stdout=subprocess.PIPE,
        env={**os.environ, **shop.variables(), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )


def until(shop, run, *conditions):
    """Wait until the server works for each of the run's statements; a run that ended meanwhile never gets there."""
    while not all(shop.rows(f"select 1 from pg_stat_activity where {OURS} and {each}") for each in conditions):
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.05)


def locked(shop):
    """Hold the table that a load wants to write."""
    holding = shop.server.connect(shop.database)
    holding.autocommit = False
    holding.cursor().execute("lock table raw.orders in share row exclusive mode")
    return closing(holding)


def test_ctrl_c_ends_what_the_server_works_on(slow):
    """A model, a suite and a load that run at the server are ended there; the run tells that they were cancelled."""
    run = start(slow, "long_model", "quick", "stg_orders")
    try:
        with locked(slow):
            until(slow, run, LOADING, "query ~ 'long_model.*pg_sleep'", "query ~ 'quick.*pg_sleep'")
            run.send_signal(signal.SIGINT)
            said = [json.loads(line) for line in run.communicate()[0].splitlines()]
            assert slow.rows(f"select query from pg_stat_activity where {OURS} and query ~ 'pg_sleep|orders'") == [
                ("lock table raw.orders in share row exclusive mode",)
            ]
    finally:
        with suppress(ProcessLookupError):
            run.kill()
    ended = {event["name"]: event["status"] for event in said if event["event"] == "step_ended"}
    assert run.returncode == 130
    assert {name: ended[name] for name in ("raw", "long_model", "stg_orders")} == {
        "raw": "cancelled",
        "long_model": "cancelled",
        "stg_orders": "cancelled",
    }
    assert [e["status"] for e in said if e.get("step_id") == "expectation.quick" and "status" in e] == ["cancelled"]
    _loads_once(slow)


def test_a_killed_run_leaves_nothing_half_loaded(slow):
    """After kill -9 the server lets go of the load by itself, and the next run brings every order once."""
    run = start(slow, "stg_orders")
    with locked(slow):
        until(slow, run, LOADING)
        run.kill()
        run.communicate()
        while slow.rows(f"select 1 from pg_stat_activity where {OURS} and {LOADING}"):
            time.sleep(0.05)
    assert slow.rows("select count(*) from raw.orders") == [(3,)]
    _loads_once(slow)


def _loads_once(shop):
    again = shop.run("stg_orders", freshness=False, tests=False)
    assert again.exit_code == 0, again.outcomes
    assert shop.rows("select id, count(*) from raw.orders group by 1 order by 1") == [(n, 1) for n in range(1, 6)]
