"""Statements that elt makes are those that the installed dbt sends, and leave what dbt's materializations leave."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt_common.events.contextvars import get_node_info

from orchestrator.adapters.dbt.bridge import access
from tests.functional.dbt.sides import Side, dbt, elt, steady

pytestmark = pytest.mark.functional
FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
flags: {send_anonymous_usage_stats: false}
""",
    "profiles.yml": """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb, threads: 1}
""",
    "elt.yml": "state_in_target: false\n",
    "models/a_view.sql": "\nselect 1 as id, 'a' as \"Odd Name\" -- a comment",
    "models/a_table.sql": "{{ config(materialized='table') }}\n\nselect id from {{ ref('a_view') }}\n",
    "models/an_alias.sql": "{{ config(materialized='table', alias='Wörter und mehr', tags=['t']) }} select 1 as id",
    "models/between.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('a_table') }}",
    "models/asks.sql": "{% set found = run_query('select 1 as n') %} select {{ found[0][0] if execute else 0 }} as n",
    "models/last.sql": "with x as (select * from {{ ref('between') }})\nselect x.* from x",
    "models/no_sql.sql": "select 1 as id;",
    "models/models.yml": """
models:
  - name: a_view
    description: A view
    columns:
      - name: id
        data_tests:
          - unique
          - not_null: {config: {severity: warn}}
          - accepted_values: {arguments: {values: [1, 2]}, config: {warn_if: '>= 1', error_if: '> 10'}}
  - name: a_table
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('a_view'), field: id}, config: {where: id > 0}}
          - accepted_values: {name: only_a_warning, arguments: {values: [3]}, config: {severity: warn}}
""",
    "tests/singular.sql": "-- depends_on: {{ ref('last') }}\n"
    "select * from {{ ref('a_table') }} where id > {{ var('most', 1) }}",
}
ASKS_THE_CATALOG = re.compile(r"duckdb_(databases|constraints|indexes)\(\)")
Statements = Mapping[str, list[str]]


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write the project into a folder, with other files added."""

    def write(name: str, more: Mapping[str, str] | None = None) -> Path:
        for path, text in {**FILES, **(more or {})}.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The statements that each node sends, in order, without questions to DuckDB's catalog."""
    found: dict[str, list[str]] = defaultdict(list)
    execute = DuckDBCursorWrapper.execute

    def noted(self: DuckDBCursorWrapper, sql: str, bindings: object = None) -> object:
        node = get_node_info().get("unique_id", "")
        if node and not ASKS_THE_CATALOG.search(sql):
            found[node].append(sql)
        return execute(self, sql, bindings)

    monkeypatch.setattr(DuckDBCursorWrapper, "execute", noted)
    return found


@pytest.fixture
def by_dbt(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The nodes that dbt's own materialization executed, of those that elt was to execute."""
    found: set[str] = set()
    replace = access.replace_execution

    def replaced(runner: Any, execute: Callable[[Any, Any, Any], Any]) -> None:
        def noting(node: Any, manifest: Any, by_dbt: Any) -> Any:
            def by_dbt_noted(node: Any, manifest: Any) -> Any:
                found.add(node.name)
                return by_dbt(node, manifest)

            return execute(node, manifest, by_dbt_noted)

        replace(runner, noting)

    monkeypatch.setattr("orchestrator.adapters.dbt.generated_runs.replace_execution", replaced)
    return found


def test_every_statement_is_the_one_that_dbt_sends(
    project: Callable[..., Path], sent: dict[str, list[str]], by_dbt: set[str]
) -> None:
    """In a first build and in one that replaces what exists, with dbt's comment, transactions and white space."""
    theirs, ours = project("dbt"), project("elt")
    for words in ((), ("--vars", "most: 0")):
        answers = []
        for run, folder in ((dbt, theirs), (elt, ours)):
            sent.clear()
            answers.append(run(folder, "build", *words) if run is dbt else elt(folder, *words))
            answers.append({node: [*statements] for node, statements in sent.items()})
        by_them, their_statements, by_us, our_statements = answers
        assert by_us.exit_code == by_them.exit_code == 1
        assert our_statements == their_statements
        assert len(our_statements) == 12
        assert recorded(by_us) == recorded(by_them)
        assert run_files(ours) == run_files(theirs)
        assert catalog(ours) == catalog(theirs)
    assert not by_dbt


def test_plain_runs_leave_every_statement_to_dbt(project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the results are the same."""
    ways = {}
    for name, plain in (("ours", False), ("theirs", True)):
        if plain:
            monkeypatch.setattr(
                "orchestrator.adapters.dbt.generated_runs.replace_execution", lambda *_: pytest.fail("not plain")
            )
        ways[name] = elt(project(name), plain=plain)
    ours, theirs = ways["ours"], ways["theirs"]
    assert recorded(ours) == recorded(theirs)
    assert catalog(ours.folder) == catalog(theirs.folder)


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("create table main.a_view as select 1 as x", "a_view"),
        ("create view main.a_table as select 1 as x", "a_table"),
        ("create table main.a_table (id int primary key)", "a_table"),
        ("create table main.a_table (id int); create index i on main.a_table (id)", "a_table"),
        ("create table main.a_table__dbt_tmp (id int)", "a_table"),
        ("create view main.a_view__dbt_backup as select 1 as x", "a_view"),
        ("create table main.A_TABLE (id int)", "a_table"),
    ],
)
def test_dbt_replaces_what_needs_more_than_the_usual_statements(
    project: Callable[..., Path], by_dbt: set[str], before: str, name: str
) -> None:
    """Another type, keys, indexes, what a killed process left, a name in another case."""
    sides = []
    for side, folder in ((dbt, project("dbt")), (elt, project("elt"))):
        with duckdb.connect(folder / "warehouse.duckdb") as connection:
            connection.execute(before)
        sides.append(side(folder, "build") if side is dbt else elt(folder))
    assert by_dbt == {name}
    assert recorded(sides[1]) == recorded(sides[0])
    assert catalog(sides[1].folder) == catalog(sides[0].folder)


def test_a_build_that_breaks_leaves_the_old_relation_and_nothing_else(
    project: Callable[..., Path], by_dbt: set[str]
) -> None:
    """As with dbt, also when a view or table breaks while it is made, and in the next build."""
    breaks = "{{ config(materialized='table') }} select {{ 'error(\\'no\\')' if var('breaks', false) else '1' }} as id"
    view = "select {{ 'nothing' if var('breaks', false) else '1' }} as id"
    files = {"models/a_table.sql": breaks, "models/a_view.sql": view}
    theirs, ours = project("dbt", files), project("elt", files)
    for words in ((), ("--vars", "breaks: true"), ()):
        sides = dbt(theirs, "build", *words), elt(ours, *words)
        assert recorded(sides[1]) == recorded(sides[0])
        assert catalog(ours) == catalog(theirs)
    assert not by_dbt


def recorded(side: Side) -> dict[str, object]:
    """Return what run_results.json and manifest.json have of each node, without times and folders."""
    folder = str(side.folder)
    nodes = side.document("manifest")["nodes"]
    found: dict[str, object] = {}
    for name, record in side.records().items():
        node = {key: value for key, value in nodes[name].items() if key not in {"created_at", "root_path"}}
        message = None if record["status"] == "skipped" else record["message"]  # declared: a skip has no message
        found[name] = str({**steady(record), "message": message, "node": node}).replace(folder, "")
    return found


def run_files(folder: Path) -> dict[str, str]:
    run = folder / "target" / "run"
    return {str(file.relative_to(run)): file.read_text() for file in run.rglob("*") if file.is_file()}


def catalog(folder: Path) -> list[tuple[object, ...]]:
    """Return every table and view with its definition, and its columns."""
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        views = connection.execute("select schema_name, view_name, sql from duckdb_views() where not internal")
        found = views.fetchall()
        columns = (
            "select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns"
            " where table_schema != '_elt'"
        )
        return sorted([*found, *connection.execute(columns).fetchall()])
