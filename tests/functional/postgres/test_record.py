"""A run that is recorded on a PostgreSQL server, and killed: its record tells all that it had done."""

import os
import subprocess
import time
from contextlib import closing
from urllib.parse import quote

import pytest

from orchestrator.api import Command
from orchestrator.continued_runs import resume
from tests.functional.postgres.server import PASSWORD
from tests.functional.postgres.shop import FILES, Shop
from tests.warm_starts import WarmStart

pytestmark = pytest.mark.functional
APPENDED = "{{ config(materialized='incremental', incremental_strategy='append') }}"
SMALL = {
    "elt.yml": "store: ${SHOP_RECORD}\n",
    "dbt_project.yml": FILES["dbt_project.yml"],
    "profiles.yml": FILES["profiles.yml"],
    "models/base.sql": "select 1 as one",
    "models/log.sql": APPENDED + "select one from {{ ref('base') }}",
    "models/late.sql": APPENDED + "select one from {{ ref('log') }} where (select count(*) from public.gate) = 0",
}
WAITS = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'late'"


def test_a_run_killed_during_a_build_resumes_from_its_record(server, new_database, tmp_path):
    """What it had built stands and is recorded; the rest is done once; whose turn it was is known to be dead."""
    shop, record = Shop(tmp_path, server, new_database()), new_database()
    place = f"{shop.server.host}:{shop.server.port}/{record}"
    variables = {"SHOP_RECORD": f"postgresql://postgres:{quote(PASSWORD)}@{place}"}
    for name, text in SMALL.items():
        shop.write(name, text)
    shop.rows("create table gate ()")
    words = ["run", "--project-dir", str(shop.folder)]
    run = WarmStart(
        words,
        stdout=subprocess.PIPE,
        env={**os.environ, **shop.variables(), **variables, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )
    holding = shop.server.connect(shop.database)
    with closing(holding):
        holding.autocommit = False
        holding.cursor().execute("lock table gate in access exclusive mode")
        while not shop.rows(WAITS):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.05)
        assert statuses(shop, record) == {"base": "success", "log": "success", "late": None}
        run.kill()
        run.communicate()
    with shop.entered(**variables):
        ran = resume(None, Command(project_dir=shop.folder, profiles_dir=shop.folder))
    assert ran.exit_code == 0, ran.outcomes
    assert set(statuses(shop, record).values()) == {"success"}
    assert shop.server.rows("select run_id, status from history_runs", record) == [(ran.run_id, "success")]
    tried = shop.server.rows("select name, count(*) from history_attempts group by 1 order by 1", record)
    assert tried == [("base", 1), ("late", 2), ("log", 1)]
    for name in ("log", "late"):
        assert shop.rows(f"select one from analytics.{name}") == [(1,)]
    assert shop.server.rows("select 1 from leases", record) == []


def statuses(shop, record):
    """Give what the record says of each step."""
    return dict(shop.server.rows("select name, status from history_steps", record))
