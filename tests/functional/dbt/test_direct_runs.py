"""A run of an unchanged project executes views, tables and data tests without dbt, and leaves what dbt leaves."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator.adapters.dbt import direct_runs
from orchestrator.api import Command, Upstream, run
from orchestrator.cli.main import run_command_line
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from tests.functional.dbt.sides import Side, dbt, elt, inside, steady
from tests.functional.dbt.test_generated_statements import catalog, run_files

pytestmark = pytest.mark.functional
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop:\n  target: dev\n"
    "  outputs: {dev: {type: duckdb, path: warehouse.duckdb, threads: 2, settings: {TimeZone: UTC}}}\n",
    "macros/twice.sql": "{% macro twice(x) %}{{ x }} * 2{% endmacro %}",
    "models/a_view.sql": "select {{ twice(1) }} as id, '{{ env_var('SHOP_NAME', 'none') }}' as shop",
    "models/between.sql": "{{ config(materialized='ephemeral') }} select id, shop from {{ ref('a_view') }}",
    "models/a_table.sql": "{{ config(materialized='table', schema='marts') }}\n"
    "select id, shop, {{ var('factor', 1) }} as factor from {{ ref('between') }}",
    "models/last.sql": "select * from {{ ref('a_table') }}",
    "models/models.yml": """
models:
  - name: a_view
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: a_table
    columns:
      - name: factor
        data_tests: [{accepted_values: {arguments: {values: [1, 2]}, config: {error_if: '> 1'}}}]
""",
    "tests/few.sql": "select * from {{ ref('last') }} where id > 100",
    "models/exposures.yml": "exposures: [{name: board, type: dashboard, owner: {name: x}, depends_on: [ref('last')]}]",
}
CLOCK = 0.05
"""Seconds: what was changed within a tick of the file system's clock is not kept."""
NODES = 8
"""The models and data tests of the project."""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write the project, with other files added."""

    def write(more: Mapping[str, str] | None = None, name: str = "project") -> Path:
        for path, text in {**FILES, **(more or {})}.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        time.sleep(CLOCK)
        return tmp_path / name

    return write


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes that were executed without dbt, in order."""
    found: list[str] = []
    run = direct_runs.DirectRuns.run

    def noted(self: Any, request: Any, stop: Any) -> Any:
        outcome = run(self, request, stop)
        if outcome is not None:
            found.append(request.step.name)
        return outcome

    monkeypatch.setattr(direct_runs.DirectRuns, "run", noted)
    return found


def result_of(folder: Path) -> dict[str, Any]:
    """Return everything that a run leaves for others, without what differs in each run."""
    results = json.loads((folder / "target" / "run_results.json").read_text())
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    records = {record["unique_id"]: steady(record) for record in results["results"]}
    nodes = {key: {**node, "created_at": None} for key, node in manifest["nodes"].items()}
    compiled = folder / "target" / "compiled"
    return {
        "records": records,
        "args": {key: value for key, value in results["args"].items() if key != "invocation_command"},
        "metadata": re.sub(r"[0-9a-f-]{36}|\d{4}-\d\d-\d\dT[\d:.]+Z", "", json.dumps(results["metadata"])),
        "nodes": nodes,
        "catalog": catalog(folder),
        "run": run_files(folder),
        "compiled": {str(file): file.read_text() for file in compiled.rglob("*") if file.is_file()},
    }


def test_the_second_run_leaves_what_the_first_and_what_a_plain_run_leave(
    project: Callable[..., Path], direct: list[str]
) -> None:
    """Records, manifest, files, catalog; and all of it without dbt."""
    folder = project()
    assert elt(folder).exit_code == 0
    first = result_of(folder)
    assert not direct
    shutil.rmtree(folder / "target" / "run")
    shutil.rmtree(folder / "target" / "compiled")
    assert elt(folder).exit_code == 0
    assert len(direct) == NODES
    assert result_of(folder) == first
    assert elt(folder, plain=True).exit_code == 0
    assert len(direct) == NODES
    assert result_of(folder) == first


def test_a_profile_without_settings_is_opened_directly(project: Callable[..., Path], direct: list[str]) -> None:
    """It is the usual case."""
    folder = project({"profiles.yml": FILES["profiles.yml"].replace(", settings: {TimeZone: UTC}", "")})
    for _ in range(2):
        assert elt(folder).exit_code == 0
    assert len(direct) == NODES


@pytest.mark.parametrize(
    "key",
    ["attach: [{path: other.duckdb}]", "module_paths: [macros]", "disable_transactions: true"],
)
def test_a_database_that_dbt_sets_up_itself_is_left_to_dbt(
    project: Callable[..., Path], direct: list[str], key: str
) -> None:
    """elt would open it in another way."""
    folder = project({"profiles.yml": FILES["profiles.yml"].replace("threads: 2", f"threads: 2, {key}")})
    with duckdb.connect(folder / "other.duckdb") as connection:
        connection.execute("select 1")
    for _ in range(2):
        assert elt(folder).exit_code == 0
    assert not direct


def test_dbt_is_not_imported(project: Callable[..., Path]) -> None:
    """In a process of its own that executes every node."""
    folder = project()
    script = (
        "import sys; from orchestrator.cli.main import run_command_line;"
        "code = run_command_line(['run', '--upstream', 'none']);"
        "print(code, sorted({name.partition('.')[0] for name in sys.modules} & {'dbt', 'agate'}))"
    )
    said = [
        subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False).stdout
        for _ in range(2)
    ]
    assert [lines.splitlines()[-1] for lines in said] == ["0 ['agate', 'dbt']", "0 []"], said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "environment"),
    [
        ({"models/a_view.sql": "select 5 as id, 'x' as shop"}, (), {}),
        ({"macros/twice.sql": "{% macro twice(x) %}{{ x }} * 3{% endmacro %}"}, (), {}),
        (
            {"models/between.sql": FILES["models/between.sql"].replace("select id", "select 7 as id")},
            (),
            {},
        ),
        ({"dbt_project.yml": FILES["dbt_project.yml"] + "vars: {factor: 2}\n"}, (), {}),
        ({}, ("--vars", "factor: 2"), {}),
        ({}, (), {"SHOP_NAME": "corner"}),
        ({"profiles.yml": FILES["profiles.yml"].replace("UTC", "Asia/Tokyo")}, (), {}),
        ({"models/a_view.sql": "{{ config(materialized='table') }} select 2 as id, 'none' as shop"}, (), {}),
        ({"models/models.yml": FILES["models/models.yml"].replace("[1, 2]", "[3]")}, (), {}),
        ({}, ("--full-refresh",), {}),
        ({}, ("--empty",), {}),
    ],
)
def test_after_a_change_a_run_leaves_what_dbt_leaves(
    project: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    change: Mapping[str, str],
    options: tuple[str, ...],
    environment: Mapping[str, str],
) -> None:
    """Whatever is edited, given or set: nothing is executed from code that is out of date."""
    ours, theirs = project(name="ours"), project(name="theirs")
    for _ in range(2):
        assert elt(ours).exit_code == 0
    assert dbt(theirs, "build").exit_code == 0
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for folder in (ours, theirs):
        for path, text in change.items():
            (folder / path).write_text(text)
    time.sleep(CLOCK)
    for _ in range(2):  # from what dbt compiles now, and from what is then kept
        by_elt, by_dbt = elt(ours, *options), dbt(theirs, "build", *options)
        assert by_elt.exit_code == by_dbt.exit_code
        assert told(by_elt) == told(by_dbt)
        assert catalog(ours) == catalog(theirs)
        assert rows(ours) == rows(theirs)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("select 1 as id, '{{ run_started_at }}' as shop", "the clock"),
        ("select 1 as id, '{{ invocation_id }}' as shop", "the invocation"),
        ("{% set found = run_query('select 1') %} select 1 as id, 'x' as shop", "the database"),
        ("{% do log('hello from the model', info=true) %} select 1 as id, 'x' as shop", "it says something"),
        ("{{ config(post_hook='select 1') }} select 1 as id, 'x' as shop", "it has a hook"),
    ],
)
def test_a_node_whose_code_may_differ_is_executed_by_dbt_each_time(
    project: Callable[..., Path], direct: list[str], model: str, why: str
) -> None:
    """And those beside it are not."""
    del why
    folder = project({"models/a_view.sql": model})
    heard = []
    for _ in range(3):
        side = elt(folder)
        assert side.exit_code == 0
        heard.append([notice.message for notice in side.notices if "hello" in notice.message])
    assert heard[0] == heard[1] == heard[2]
    assert bool(heard[0]) is ("log(" in model)
    assert len(direct) == 2 * (NODES - 1)
    assert "a_view" not in direct


def test_what_does_not_succeed_is_dbts(project: Callable[..., Path]) -> None:
    """A test that finds rows, and a model and a test that break on the data: statuses and messages are those of dbt."""
    more = {
        "models/a_view.sql": "select id, 'x' as shop from raw.ids",
        "models/breaks.sql": "{{ config(materialized='table') }}"
        " select cast(shop as int) as i, id from {{ ref('a_view') }}",
        "tests/breaks_too.sql": "select cast(shop as int) as i from {{ ref('a_table') }} where id < 0",
    }
    ours, theirs = project(more, "ours"), project(more, "theirs")
    for ids in ("1 where false", "1", "1 union all select 1", "-1", "1 where false"):
        sides = []
        for build, folder in ((elt, ours), (dbt, theirs)):
            with duckdb.connect(folder / "warehouse.duckdb") as connection:
                connection.execute("create schema if not exists raw")
                connection.execute(
                    f"create or replace table raw.ids as select {ids} as id"
                    if "where" not in ids
                    else "create or replace table raw.ids (id int)"
                )
                if "union" in ids:
                    connection.execute("insert into raw.ids values (1)")
            sides.append(elt(folder) if build is elt else dbt(folder, "build"))
        by_elt, by_dbt = sides
        assert by_elt.exit_code == by_dbt.exit_code
        assert told(by_elt) == told(by_dbt)
        assert catalog(ours) == catalog(theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "before",
    [
        "drop view main.a_view cascade; create table main.a_view (id int, shop text)",
        "drop table main_marts.a_table; create view main_marts.a_table as select 1 as id, 'x' as shop, 1 as factor",
        "create unique index i on main_marts.a_table (id)",
        "create table main_marts.a_table__dbt_tmp (id int)",
        "drop schema main_marts cascade",
        "drop table main_marts.a_table",
    ],
)
def test_what_exists_is_replaced_as_by_dbt(project: Callable[..., Path], before: str) -> None:
    """Whatever was changed by hand meanwhile."""
    ours, theirs = project(name="ours"), project(name="theirs")
    for _ in range(2):
        assert elt(ours).exit_code == 0
    assert dbt(theirs, "build").exit_code == 0
    for folder in (ours, theirs):
        with duckdb.connect(folder / "warehouse.duckdb") as connection:
            connection.execute(before)
    by_elt, by_dbt = elt(ours), dbt(theirs, "build")
    assert (by_elt.exit_code, told(by_elt)) == (by_dbt.exit_code, told(by_dbt))
    assert catalog(ours) == catalog(theirs)
    assert rows(ours) == rows(theirs)


def test_hooks_seeds_and_incremental_models_run_beside_it(project: Callable[..., Path], direct: list[str]) -> None:
    """dbt's on-run-end hooks see what was executed without it, and so do its artifacts."""
    more = {
        "dbt_project.yml": FILES["dbt_project.yml"] + "on-run-start: create table if not exists seen (n text, s text)\n"
        "on-run-end: \"{% for one in results %}insert into seen values ('{{ one.node.name }}', '{{ one.status }}');"
        '{% endfor %}select 1"\n',
        "seeds/a_seed.csv": "id\n1\n",
        "models/grows.sql": "{{ config(materialized='incremental') }} select id from {{ ref('a_seed') }}"
        " union all select id from {{ ref('a_table') }}",
        "models/at_the_end.sql": "select * from {{ ref('grows') }}",
    }
    folder = project(more)
    assert elt(folder).exit_code == 0
    first = result_of(folder)
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        seen = connection.execute("select n, s from seen order by all").fetchall()
        connection.execute("drop table seen")
    assert elt(folder).exit_code == 0
    assert len(direct) == NODES + 1
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        assert connection.execute("select n, s from seen order by all").fetchall() == seen
    again = result_of(folder)
    assert again["records"].keys() == first["records"].keys()
    compiled = {
        name: node.get("compiled_code")
        for name, node in first["nodes"].items()
        if "grows" not in name and not name.startswith("operation.")
    }
    assert {name: again["nodes"][name].get("compiled_code") for name in compiled} == compiled


def test_a_direct_build_is_reused(project: Callable[..., Path], direct: list[str]) -> None:
    """It leaves its marker, so a run that skips what is unchanged has nothing to do."""
    folder = project()
    for _ in range(2):
        assert elt(folder).exit_code == 0
    direct.clear()
    reused = elt(folder, skip_unchanged=True)
    assert reused.ran is not None
    assert {outcome.status.value for outcome in reused.ran.outcomes if outcome.tool_word != "no-op"} == {"reused"}
    assert not direct


SLOW = {
    "models/a_view.sql": "select n as id, 'x' as shop from raw.sizes",
    "models/counts.sql": "{{ config(materialized='table', meta={'elt': {'time_limit': '2s'}}) }}"
    " select count(*) as c from {{ ref('a_view') }}, range(id) as a, range(id) as b where a.range != b.range + 1",
    "models/after.sql": "select * from {{ ref('counts') }}",
}


def test_a_time_limit_ends_a_direct_step(project: Callable[..., Path], direct: list[str]) -> None:
    """Its query is interrupted, what is downstream is skipped, and the old table remains."""
    folder = project(SLOW)
    for size in (1, 1, 400_000):
        with duckdb.connect(folder / "warehouse.duckdb") as connection:
            connection.execute("create schema if not exists raw")
            connection.execute(f"create or replace table raw.sizes as select {size} as n")
        ended = elt(folder)
    assert ended.ran is not None
    found = {str(one.step_id).rpartition(".")[2]: one for one in ended.ran.outcomes}
    assert found["counts"].reason.code.value == "time_limit"
    assert (found["counts"].status.value, found["after"].status.value) == ("error", "skipped")
    assert direct.count("counts") == 2
    assert rows(folder)["main.counts"] == [(1,)]
    records = ended.words()
    assert (records["model.shop.counts"], records["model.shop.after"]) == ("error", "skipped")


def test_many_threads_and_both_ways_at_once_leave_what_dbt_leaves(project: Callable[..., Path]) -> None:
    """Forty models on eight threads, of which every fourth is executed by dbt."""
    more = {"profiles.yml": FILES["profiles.yml"].replace("threads: 2", "threads: 8"), "seeds/s.csv": "id\n1\n"}
    for number in range(40):
        kind = ("view", "table", "view", "incremental")[number % 4]
        above = f"{{{{ ref('m{number - 9}') }}}}" if number >= 9 else "{{ ref('s') }}"
        more[f"models/m{number}.sql"] = (
            f"{{{{ config(materialized='{kind}') }}}} select id + {number} as id from {above}"
        )
    ours, theirs = project(more, "ours"), project(more, "theirs")
    for _ in range(3):
        by_elt, by_dbt = elt(ours), dbt(theirs, "build")
        assert (by_elt.exit_code, told(by_elt)) == (by_dbt.exit_code, told(by_dbt))
    assert catalog(ours) == catalog(theirs)
    assert rows(ours) == rows(theirs)
    compiled = [
        {name: node.get("compiled_code") for name, node in side.document("manifest")["nodes"].items()}
        for side in (by_elt, by_dbt)
    ]
    assert compiled[0] == compiled[1]


def test_a_direct_build_that_was_killed_after_its_commit_is_not_repeated(
    project: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Its marker tells the resumed run; what had not begun is built then."""
    folder = project()
    assert elt(folder).exit_code == 0
    script = (
        "import os, sys; from orchestrator.adapters.dbt.direct_runs import DirectRuns; end = DirectRuns._outcome\n"
        "def die(self, step, *more, **named):\n"
        "    return os._exit(9) if step.name == 'a_table' else end(self, step, *more, **named)\n"
        "DirectRuns._outcome = die; from orchestrator.api import Command, Upstream, run; from pathlib import Path\n"
        "folder = Path(sys.argv[1])\n"
        "run(Command(project_dir=folder, profiles_dir=folder, upstream=Upstream.NONE, ingest=False, freshness=False))"
    )
    for _ in range(2):  # the first process has a search path of its own, so nothing is kept for it yet
        killed = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=folder, check=False)
    assert killed.returncode == 9
    assert run_command_line(["resume", "--project-dir", str(folder)]) == 0
    assert "built before the run was cut off" in capfd.readouterr().out
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        built = (
            "select count(*) from _elt.standing where relation ilike '%a_table%'"
            " and run_id = (select max(run_id) from _elt.standing)"
        )
        assert connection.execute(built).fetchone() == (1,)


@pytest.mark.parametrize(
    ("more", "nodes"), [({}, NODES), ({"models/at.sql": "select '{{ var('logical_date', '') }}' as d"}, 0)]
)
def test_scheduled_runs_are_direct_unless_the_project_reads_their_time(
    project: Callable[..., Path], direct: list[str], more: Mapping[str, str], nodes: int
) -> None:
    """Each night has other values of the same vars; what reads one of them is compiled each night."""
    folder = project(more)
    for number in range(3):
        at = datetime(2026, 11, 28 + number, 1, tzinfo=UTC)
        interval = DataInterval(start=at - timedelta(days=1), end=at)
        time_of_run = ScheduledTime(schedule="nightly", logical_time=at, interval=interval)
        with inside(folder):
            assert run(Command(project_dir=folder, upstream=Upstream.NONE, scheduled=time_of_run)).exit_code == 0
        if more:
            assert rows(folder)["main.at"] == [(f"2026-11-{28 + number}T01:00:00+00:00",)]
    assert len(direct) == 2 * nodes


def told(side: Side) -> dict[str, tuple[object, ...]]:
    """Return status, failures and message of each node, without folders."""
    return {
        name: (
            record["status"],
            record["failures"],
            None if record["status"] == "skipped" else str(record["message"]).replace(str(side.folder), ""),
            record["compiled_code"],
        )
        for name, record in side.records().items()
    }


def rows(folder: Path) -> dict[str, list[Any]]:
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema != '_elt'"
        ).fetchall()
        return {f"{s}.{n}": connection.execute(f'select * from "{s}"."{n}" order by all').fetchall() for s, n in names}
