"""A target whose adapter elt does not know: dbt's part works, and the rest is refused or omitted, and said."""

import json
import os
import signal
import subprocess
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest

from tests.cli.conftest import Said, ended, really_start
from tests.cli.test_history import SLOW, until_it_builds

pytestmark = pytest.mark.functional

ADAPTERS = Path(__file__).parents[1] / "third_adapter"
FILES = {
    "dbt_project.yml": "name: pond\nversion: '1.0'\nprofile: pond\nmodels: {+materialized: table}\n",
    "profiles.yml": "pond: {target: dev, outputs: {dev: {type: quack, path: pond.duckdb, threads: 2}}}\n",
    "seeds/ducks.csv": "id,seen_at\n1,2020-01-01\n2,2020-01-02\n",
    "models/herd.sql": "select id from {{ ref('ducks') }}\n",
    "models/many.sql": "select count(*) as number from {{ ref('herd') }}\n",
    "models/pond.yml": """
        models:
          - name: herd
            columns: [{name: id, data_tests: [unique]}]
        sources:
          - name: seen
            schema: main
            tables:
              - name: ducks
                loaded_at_field: seen_at::timestamp
                freshness: {error_after: {count: 1, period: day}}
        """,
}
NOTE = "on the adapter quack, elt runs dbt's part, without loads, suites, reuse, markers and `elt adopt`"


@pytest.fixture
def pond(tmp_path):
    """Write the project."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip())
    return tmp_path


def began(*words: str, project: Path) -> subprocess.Popen:
    """Start `elt` with the adapter on its path."""
    path = os.pathsep.join((str(ADAPTERS), os.environ.get("PYTHONPATH", "")))
    return really_start(*words, project=project, env={"PYTHONPATH": path})


def said(*words: str, project: Path) -> Said:
    """Run `elt` with the adapter on its path."""
    return ended(began(*words, project=project))


def asked(project: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project / "pond.duckdb")) as connection:
        return connection.execute(statement).fetchall()


def test_dbts_part_runs_and_the_plan_says_what_is_missing(pond):
    """Builds, tests, hooks, and freshness by dbt's query."""
    said("plan", project=pond).reports(NOTE, code=0)
    said("run", project=pond).reports(NOTE, "4 success", code=0)
    assert asked(pond, "select number from many") == [(2,)]
    assert asked(pond, "select count(*) from duckdb_schemas() where schema_name = '_elt'") == [(0,)]
    tested = said("test", project=pond)
    tested.reports("1 success", code=0)
    assert NOTE not in tested.out
    said("freshness", project=pond).reports("freshness seen.ducks", code=1)


def test_nothing_is_reused_in_a_database_that_elt_cannot_see(pond):
    """The seed is as it was, and its table is gone."""
    said("run", project=pond).reports("success", code=0)
    asked(pond, "drop table ducks")
    again = said("run", "--skip-unchanged", project=pond)
    again.reports("success", code=0)
    assert "reused" not in again.out
    assert asked(pond, "select count(*) from ducks") == [(2,)]
    said("explain", "ducks", project=pond).reports("elt cannot see what this target holds", code=0)
    planned = said("plan", "--select", "many", project=pond)
    planned.reports("needed by many; elt cannot see what this target holds", code=0)


def test_a_failed_run_is_retried(pond):
    """What failed and what it halted."""
    (pond / "models/herd.sql").write_text("select no_such_column as id from {{ ref('ducks') }}\n")
    said("run", project=pond).reports("1 error", "skipped", code=1)
    (pond / "models/herd.sql").write_text("select id from {{ ref('ducks') }}\n")
    retried = said("retry", "--json", project=pond)
    assert retried.code == 0, retried.out + retried.err
    events = [json.loads(line) for line in retried.out.splitlines()]
    built = [event["name"] for event in events if event["event"] == "step_started"]
    assert sorted(built) == ["herd", "many", "unique_herd_id"]


def test_a_killed_run_is_resumed(pond):
    """Without markers, the step that was running runs again."""
    model, quick = pond / "models/slow.sql", "select id from {{ ref('herd') }}\n"
    model.write_text(f"select id from {{{{ ref('herd') }}}} where id > ({SLOW})\n")
    run = began("run", "--json", project=pond)
    until_it_builds(run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    model.write_text(quick)
    said("resume", "--accept-changes", project=pond).reports("success", code=0)
    assert asked(pond, "select count(*) from slow") == [(2,)]


def test_loads_suites_and_comparisons_are_refused_before_anything_runs(pond):
    """With what to do instead."""
    (pond / "expectations").mkdir()
    (pond / "expectations/herd.json").write_text(
        '{"name": "herd", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}}]}'
    )
    said("run", project=pond).refuses("E053", "uses the adapter quack", "DuckDB file or a PostgreSQL database")
    assert not (pond / "pond.duckdb").exists()
    said("run", "--exclude", "expectation:*", "--no-freshness", project=pond).reports("success", code=0)
    said("adopt", "--state", str(pond / "target"), project=pond).refuses("E053", "Nothing can be adopted")


def test_a_publish_copy_and_a_storage_version_do_not_concern_it(pond):
    """A copy is for DuckDB files, and so is a storage format."""
    (pond / "elt.yml").write_text("storage_version: v1.4.0\n")
    said("run", project=pond).reports("success", code=0)
    (pond / "elt.yml").write_text("publish_copy: {dev: copy.duckdb}\n")
    said("run", project=pond).refuses("publish_copy.dev")
