"""Models that are cut off in the middle of a build, or at its end: nothing is left out, nothing is done twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import run_command_line
from tests.functional.marks.till import builds, rows, write_till

pytestmark = pytest.mark.functional
DAYS = 5
CHANGES = {
    "models/j_days.sql": f"""
        {{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day',
                  begin=(modules.datetime.datetime.now(modules.pytz.utc)
                         - modules.datetime.timedelta(days={DAYS - 1})).strftime('%Y-%m-%d'), lookback=0) }}}}
        select day, if(is_bad, error('a bad day')::boolean, false) as is_bad from {{{{ ref('days') }}}}
        """,
    "models/days.sql": f"""
        {{{{ config(materialized='table', event_time='day') }}}}
        select (now() at time zone 'UTC')::date::timestamp - to_days(range::int) as day, false as is_bad
        from range({DAYS})
        """,
    "models/c_log.sql": """
        {{ config(materialized='incremental', incremental_strategy='append') }} select 1 as one from {{ ref('days') }}
        """,
}


def test_a_retry_too_repeats_interrupted_work_once(tmp_path: Path) -> None:
    """The process dies after a batch, before one, and after a build that appends; resumes and retries find it all."""
    project = write_till(tmp_path, CHANGES)
    victims = Path(__file__).with_name("victims.py")
    points = ["after:j_days", "before:j_days", "after:c_log"]
    words = [*points, "+retry", "+resume", "+retry", "--select", "days", "j_days", "c_log"]
    done = subprocess.run(
        [sys.executable, str(victims), str(project), *words], capture_output=True, text=True, check=True
    )
    ended = json.loads(done.stdout.splitlines()[-1])
    assert (ended["code"], sorted(ended["died"])) == (0, sorted(points)), done.stdout[-2000:]
    assert rows(project, "select count(*), count(distinct day) from j_days") == [(DAYS, DAYS)]
    marked = "select count(*), count(distinct batch) from _elt.standing where step_id = 'model.till.j_days'"
    assert rows(project, marked) == [(DAYS, DAYS)]
    assert builds(project)["c_log"] == [(1, True)]
    assert rows(project, "select count(*) from c_log") == [(DAYS,)]
    found = "c_log was built before the run was cut off, as the target itself says" in done.stdout
    # If c_log is the last of the steps, its marker leaves nothing to do.
    assert found or "Nothing to retry" in done.stderr


def test_failed_batches_are_run_by_a_resume(tmp_path: Path) -> None:
    """Also those that dbt would pass over by now, because the table is there; the others stand, while it does."""
    bad = CHANGES["models/days.sql"].replace("false as", f"range = {DAYS - 2} as")
    project = write_till(tmp_path, {**CHANGES, "models/days.sql": bad})
    where = ("--project-dir", str(project))
    assert run_command_line(["run", "--select", "days", "j_days", *where]) == 1
    assert rows(project, "select count(*) from j_days") == [(DAYS - 1,)]
    rows(project, "drop table j_days")
    assert run_command_line(["resume", *where]) == 1
    assert rows(project, "select count(*) from j_days") == [(DAYS - 1,)]
    rows(project, "update days set is_bad = false")
    assert run_command_line(["resume", *where]) == 0
    assert rows(project, "select count(*), count(distinct day) from j_days") == [(DAYS, DAYS)]
