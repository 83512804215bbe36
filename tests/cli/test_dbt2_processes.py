"""A run by dbt 2.x is interrupted and killed: the process of dbt ends with it, and it can be continued."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import start
from tests.cli.recorded_dbt2 import endings, finished, steps_of
from tests.functional.dbt2.stand_in_projects import tables, write_project

LONG = {
    "models/long.sql": """
        select count(*) as number from range(100000) a, range(100000) b, range(1000) c where hash(a, b, c) = 1
        """,
    "models/below_long.sql": "select * from {{ ref('long') }}",
}


def processes_of(project: Path) -> list[psutil.Process]:
    """Return the processes of dbt that work in a project."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "build" in words and str(project.resolve()) in words:
            found.append(process)
    return found


def until(condition, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def long_run(tmp_path):
    """Start a run whose only selected model takes forever, and return it when dbt builds that."""
    project = write_project(tmp_path, LONG)
    running = start("run", project=project)
    until((project / "shop.duckdb").exists)  # dbt has opened it, and runs its first statements
    time.sleep(1)
    yield project, running
    for process in processes_of(project):
        process.kill()


def test_ctrl_c_ends_the_run_and_dbt_and_the_run_can_be_resumed(long_run):
    """The node is cancelled, nothing is left running, and the rest runs later."""
    project, running = long_run
    running.send_signal(signal.SIGINT)
    said = finished(running)
    assert said.code == 130, said.err
    until(lambda: not processes_of(project), 10)
    found = endings(project)
    assert found["long"][:2] == ("cancelled", "interrupted")
    assert found["below_long"][0] == "cancelled"
    (project / "models" / "long.sql").write_text("select 1 as number")
    resumed = finished(start("resume", "--accept-changes", "--quiet", project=project))
    assert resumed.code == 0, resumed.err
    assert {"long", "below_long"} <= tables(project)


def test_a_killed_elt_takes_dbt_with_it(long_run):
    """Otherwise dbt would still write while the run is resumed."""
    project, running = long_run
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not processes_of(project), 15)
    assert "long" not in tables(project), "it can be opened, so nothing holds it"


def test_a_killed_dbt_is_an_error_of_its_nodes(long_run):
    """With how it ended."""
    project, running = long_run
    for process in processes_of(project):
        process.kill()
    said = finished(running)
    assert said.code == 1, said.err
    step = steps_of(project)["long"]
    assert step["status"] == "error"
    assert "signal 9 (SIGKILL" in step["attempts"][0]["message"]


def test_a_time_limit_ends_the_process_of_dbt(tmp_path):
    """dbt 2.x cannot interrupt a single node."""
    project = write_project(tmp_path, LONG)
    (project / "elt.yml").write_text("dbt: {command: bin/dbt2}\ntime_limits: {dbt: 15s}\n")
    said = finished(start("run", project=project))
    assert said.code == 1, said.err
    assert steps_of(project)["long"]["reason"] == "time_limit"
    until(lambda: not processes_of(project), 10)
