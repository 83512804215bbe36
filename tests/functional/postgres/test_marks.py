"""What stands is recorded in a PostgreSQL database as in a DuckDB file, and believed after a kill."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.adapters.postgres.server import PostgresServer
from orchestrator.adapters.record_sql import DIALECTS
from orchestrator.adapters.target_record import SqlTargetRecord
from tests.functional.postgres.server import PASSWORD

pytestmark = pytest.mark.functional
VICTIMS = Path(__file__).parents[1] / "marks" / "victims.py"
APPENDED = """
    {{ config(materialized='incremental', incremental_strategy='append') }} select currency from {{ ref('fct_rates') }}
    """
NODES = ("log", "customers_history")


def test_a_run_leaves_markers_and_the_rows_of_its_loads(first):
    """Of each build one, in the same database; of each table that a load brought rows to one."""
    marked = first.shop.rows("select step_id, run_id, attempt, is_whole from _elt.standing order by step_id")
    built = sorted(step.id for step in first.ran.plan.steps if step.id.startswith(("model.", "seed.", "snapshot.")))
    assert marked == [(step_id, first.ran.run_id, 1, True) for step_id in built]
    loaded = first.shop.rows("select dataset || '.' || table_name, rows, run_id from _elt.loads order by 1")
    assert loaded == [
        (name, rows, first.ran.run_id) for name, rows in (("rates.rates", 2), ("raw.customers", 2), ("raw.orders", 3))
    ]


def test_a_committed_build_is_not_repeated(shop):
    """A snapshot and what appends, killed right after their commit; and once right before."""
    shop.write("models/marts/log.sql", APPENDED)
    shop.rows("drop table _elt.standing")
    points = ["before:log", *(f"after:{name}" for name in NODES)]
    words = [*points, "--threads", "1", "--no-ingest", "--select", *NODES]
    done = subprocess.run(
        [sys.executable, str(VICTIMS), str(shop.folder), *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=shop.folder,
        env={**os.environ, **shop.variables()},
    )
    ended = json.loads(done.stdout.splitlines()[-1])
    assert (ended["code"], sorted(ended["died"])) == (0, sorted(points)), done.stdout[-2000:]
    marked = shop.rows("select split_part(step_id, '.', 3), attempt from _elt.standing")
    tries = dict(marked)
    assert {name: tries[name] for name in NODES} == {**dict.fromkeys(NODES, 1), "log": 2}
    assert len(marked) == len(tries)
    assert shop.rows("select currency from analytics.log order by 1") == [("EUR",), ("SEK",)]
    beside = "select table_name from information_schema.tables where table_name like '%\\_\\_dbt%'"
    assert shop.rows(beside) == []


def test_tables_created_by_others_are_left_alone(new_database, login_to, server):
    """Whoever may not write there is told once, and builds without markers."""
    database = new_database()
    theirs, told = login_to(database), []
    record(theirs).make([database])
    server.rows(f"create role builder login password '{PASSWORD}'")
    server.rows("grant usage on schema _elt to builder", database)
    ours = record(replace(theirs, user="builder"), told)
    ours.make([database])
    ours.make([database])
    assert not ours.is_made(database)
    (said,) = told
    assert f"Builds are not recorded in {database} itself" in said


def record(login, told=None):
    """What a database says of what stands in it, to one who logs in."""
    server = PostgresServer(login, target="dev")
    tell = (told if told is not None else []).append
    return SqlTargetRecord(
        server.ask, DIALECTS["postgres"], lambda _step: login.database, main=login.database, tell=tell
    )
