"""Incremental models, snapshots and seeds are executed without dbt while the database answers as it did."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb
import pytest

from tests.functional.dbt.sides import Side, dbt, elt
from tests.functional.dbt.test_code_keys import apply
from tests.functional.dbt.test_direct_runs import FILES, direct, project, result_of

__all__ = ["direct", "project"]
pytestmark = pytest.mark.functional

SOURCE = "sources: [{name: raw, schema: raw, tables: [{name: orders}]}]\n"
STATEFUL = {
    "dbt_project.yml": FILES["dbt_project.yml"],
    "profiles.yml": FILES["profiles.yml"],
    "seeds/countries.csv": "code,name\nde,Germany\nfr,France\n",
    "models/raw.yml": SOURCE,
    "models/orders.sql": "{{ config(materialized='incremental', unique_key='id') }}\n"
    "select id, state, updated_at from {{ source('raw', 'orders') }}\n"
    "{% if is_incremental() %}where updated_at >= (select max(updated_at) from {{ this }}){% endif %}",
    "models/appended.sql": "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
    "select id, current_timestamp as seen_at from {{ ref('orders') }}",
    "models/merged.sql": "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id') }}\n"
    "select id, state from {{ ref('orders') }}",
    "models/columns.sql": "{{ config(materialized='incremental', on_schema_change='append_new_columns') }}\n"
    "select * from {{ source('raw', 'orders') }}",
    "models/last.sql": "select o.*, c.name from {{ ref('orders') }} o"
    " left join {{ ref('countries') }} c on c.code = o.state",
    "snapshots/history.sql": "{% snapshot history %}"
    "{{ config(unique_key='id', strategy='check', check_cols=['state']) }}\n"
    "select id, state from {{ ref('orders') }}{% endsnapshot %}",
    "snapshots/by_time.yml": "snapshots: [{name: by_time, relation: ref('orders'), config: {unique_key: id,"
    " strategy: timestamp, updated_at: updated_at}}]\n",
    "models/tests.yml": "models: [{name: orders, columns: [{name: id, data_tests: [unique]}]}]\n",
    "models/unit.yml": """
unit_tests:
  - name: names_the_country
    model: last
    given:
      - {input: ref('orders'), rows: [{id: 1, state: de}, {id: 2, state: xx}]}
      - {input: ref('countries'), rows: [{code: de, name: Germany}]}
    expect: {rows: [{id: 1, name: Germany}, {id: 2, name: null}]}
  - name: takes_all_at_first
    model: orders
    overrides: {macros: {is_incremental: false}}
    given: [{input: "source('raw', 'orders')", rows: [{id: 1, updated_at: 2026-01-01}, {id: 2}]}]
    expect: {rows: [{id: 1, state: null}, {id: 2, state: null}]}
""",
}


def edited(path: str, before: str, after: str) -> dict[str, str]:
    return {path: STATEFUL[path].replace(before, after)}


UNIT_TESTS = {"names_the_country", "takes_all_at_first"}
STEPS = {
    *("countries", "orders", "appended", "merged", "columns", "last", "history", "by_time", "unique_orders_id"),
    *UNIT_TESTS,
}
NIGHTS = (
    [(1, "de", "2026-01-01"), (2, "fr", "2026-01-01")],
    [(1, "fr", "2026-01-02"), (2, "fr", "2026-01-01"), (3, "de", "2026-01-02")],
    [(3, "fr", "2026-01-03"), (4, None, "2026-01-03")],
    [(3, "fr", "2026-01-03"), (4, "de", "2026-01-04")],
)


def load(
    folder: Path, rows: list[tuple[object, ...]], columns: str = "id int, state text, updated_at timestamp"
) -> None:
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(f"create or replace table raw.orders ({columns})")
        connection.executemany(f"insert into raw.orders values ({', '.join('?' * len(rows[0]))})", rows)


def rows(folder: Path) -> Mapping[str, list[tuple[object, ...]]]:
    """Return all rows, without the times at which something was written."""
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema not in ('_elt', 'raw') order by all"
        ).fetchall()
        written = "dbt_valid_|dbt_updated_at|dbt_scd_id|seen_at"
        return {
            f"{schema}.{name}": connection.execute(
                f"select columns(lambda c: not regexp_matches(c, '{written}')) from {schema}.{name} order by all"
            ).fetchall()
            for schema, name in names
        }


def statuses(side: Side) -> dict[str, str]:
    """Return dbt's statuses, without those of hooks."""
    return {node: word for node, word in side.words().items() if not node.startswith("operation.")}


def sides(shops: tuple[Path, Path]) -> tuple[tuple[Path, Callable[[Path], Side]], ...]:
    """Return each project with what runs it."""
    ours, theirs = shops
    return (ours, elt), (theirs, lambda folder: dbt(folder, "build"))


def run_nights(shops: tuple[Path, Path], nights: Iterable[list[tuple[object, ...]]]) -> None:
    """Load the rows of each night, and run both projects."""
    for folder, run in sides(shops):
        for orders in nights:
            load(folder, orders)
            assert run(folder).exit_code == 0


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "ours", tmp_path / "theirs"
    for folder in found:
        apply(folder, STATEFUL)
    return found


def test_each_night_leaves_what_dbt_leaves(shops: tuple[Path, Path], direct: list[str]) -> None:
    """The first night creates, the second finds what exists; from the third on, dbt is not needed."""
    ours, theirs = shops
    for night, orders in enumerate(NIGHTS):
        for folder in shops:
            load(folder, orders)
        direct.clear()
        by_elt, by_dbt = elt(ours), dbt(theirs, "build")
        assert (by_elt.exit_code, by_dbt.exit_code) == (0, 0)
        assert rows(ours) == rows(theirs)
        if night > 1:
            assert set(direct) == STEPS


def test_records_files_and_manifest_are_those_of_a_run_by_dbt(shops: tuple[Path, Path], direct: list[str]) -> None:
    """Of the same night, executed by dbt, and again without it; but not the rows that a unit test is given."""
    ours, _ = shops
    load(ours, NIGHTS[0])
    for _ in range(2):
        assert elt(ours).exit_code == 0
    left = result_of(ours)
    direct.clear()
    shutil.rmtree(ours / "target" / "run")
    shutil.rmtree(ours / "target" / "compiled")
    assert elt(ours).exit_code == 0
    assert set(direct) == STEPS
    again = result_of(ours)
    given = {path for path in left["compiled"] if Path(path).parent.name == "unit.yml"}
    assert {Path(path).stem for path in given} == {"orders", "countries"}
    left["compiled"] = {path: text for path, text in left["compiled"].items() if path not in given}
    assert again == left


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "by_dbt"),
    [
        ("drop table orders cascade", {"orders"}),
        ("alter table columns add column more int", {"columns"}),
        ("alter table orders add column more int", {"orders"}),
        ("drop table history; create view history as select 1 as id", {"history"}),
        ("create table merged__dbt_tmp (id int)", {"merged"}),
        ("create table merged__dbt_backup (id int)", {"merged"}),
        ("drop table countries cascade", {"countries"}),
        ("alter table by_time drop column state", {"by_time"}),
        ("alter table appended rename to APPENDED", {"appended"}),
        ("delete from orders", set()),
    ],
)
def test_after_a_change_of_the_database_dbt_executes_what_it_concerns(
    shops: tuple[Path, Path], direct: list[str], change: str, by_dbt: set[str]
) -> None:
    """And leaves what it leaves on its own."""
    ours, theirs = shops
    run_nights(shops, NIGHTS[:2])
    for folder in shops:
        load(folder, NIGHTS[2])
        with duckdb.connect(folder / "warehouse.duckdb") as connection:
            for statement in change.split("; "):
                connection.execute(statement)
    direct.clear()
    ours_ended, theirs_ended = elt(ours), dbt(theirs, "build")
    assert ours_ended.exit_code == theirs_ended.exit_code
    assert rows(ours) == rows(theirs)
    assert by_dbt.isdisjoint(direct)
    if ours_ended.exit_code == 0:
        assert set(direct) == STEPS - by_dbt


@pytest.mark.slow
def test_new_columns_of_a_source_are_an_answer(shops: tuple[Path, Path], direct: list[str]) -> None:
    """dbt adds them to the model that asks for it, and to the rows that a unit test is given."""
    ours, theirs = shops
    run_nights(shops, NIGHTS[:2])
    for folder in shops:
        load(folder, [(*one, 7) for one in NIGHTS[2]], "id int, state text, updated_at timestamp, more int")
    direct.clear()
    assert elt(ours).exit_code == dbt(theirs, "build").exit_code == 0
    assert set(direct) == STEPS - {"columns", "takes_all_at_first"}
    assert rows(ours) == rows(theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "by_dbt"),
    [
        ({"seeds/countries.csv": "code,name\nde,Deutschland\n"}, {"countries"}),
        (
            {"models/merged.sql": STATEFUL["models/merged.sql"].replace("state from", "upper(state) as state from")},
            {"merged"},
        ),
        (
            {"snapshots/by_time.yml": STATEFUL["snapshots/by_time.yml"].replace("timestamp", "check, check_cols: all")},
            {"by_time"},
        ),
    ],
)
def test_after_an_edit_dbt_executes_what_was_edited(
    shops: tuple[Path, Path], direct: list[str], edits: Mapping[str, str], by_dbt: set[str]
) -> None:
    """The statements of the others are sent again."""
    ours, theirs = shops
    run_nights(shops, NIGHTS[:2])
    for folder in shops:
        load(folder, NIGHTS[2])
        apply(folder, edits)
    direct.clear()
    assert elt(ours).exit_code == dbt(theirs, "build").exit_code == 0
    assert set(direct) == STEPS - by_dbt - UNIT_TESTS - {"countries"}
    assert rows(ours) == rows(theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "edits",
    [
        edited("models/orders.sql", "unique_key", "post_hook='select 1', unique_key"),
        edited("models/orders.sql", "(select max", "(select /* {{ run_started_at }} */ max"),
        edited("models/orders.sql", "select id", "{% do log('x', info=true) %}select id"),
        {
            "macros/strategy.sql": "{% macro get_incremental_delete_insert_sql(args) %}"
            "{{ default__get_incremental_delete_insert_sql(args) }}{% endmacro %}"
        },
    ],
)
def test_what_may_differ_in_each_run_is_left_to_dbt(
    shops: tuple[Path, Path], direct: list[str], edits: Mapping[str, str]
) -> None:
    """A hook, a clock, a message, a macro of the project in place of one of dbt's."""
    ours, _ = shops
    apply(ours, edits)
    load(ours, NIGHTS[0])
    for _ in range(3):
        assert elt(ours).exit_code == 0
    assert "orders" not in direct
    assert {"last", "countries"} <= set(direct)


@pytest.mark.slow
def test_a_full_refresh_is_dbts(shops: tuple[Path, Path], direct: list[str]) -> None:
    """It does not apply to every node alike."""
    ours, _ = shops
    load(ours, NIGHTS[0])
    for _ in range(3):
        assert elt(ours, "--full-refresh").exit_code == 0
    assert set(direct) == {"last", "unique_orders_id"}


@pytest.mark.slow
def test_a_statement_that_fails_is_rolled_back_and_reported_by_dbt(shops: tuple[Path, Path], direct: list[str]) -> None:
    """Its message, and the rows as they were."""
    ours, theirs = shops
    for folder, run in sides(shops):
        apply(folder, edited("models/orders.sql", "select id", "select cast(state as int) as number, id"))
        load(folder, [(1, "1", "2026-01-01")])
        for _ in range(2):
            assert run(folder).exit_code == 0
        load(folder, [(2, "two", "2026-01-05")])
    before = rows(ours)
    direct.clear()
    by_elt, by_dbt = elt(ours), dbt(theirs, "build")
    assert by_elt.exit_code == by_dbt.exit_code == 1
    assert rows(ours) == rows(theirs)
    assert rows(ours)["main.orders"] == before["main.orders"]
    assert "orders" not in direct


@pytest.mark.slow
def test_white_space_at_the_end_of_a_seed_is_an_edit(shops: tuple[Path, Path], direct: list[str]) -> None:
    """dbt's checksum of the file does not contain it, but what dbt says of the rows does."""
    ours, theirs = shops
    for folder, run in sides(shops):
        load(folder, NIGHTS[0])
        for _ in range(2):
            assert run(folder).exit_code == 0
        apply(folder, {"seeds/countries.csv": STATEFUL["seeds/countries.csv"] + "\n\n"})
    by_elt, by_dbt = elt(ours), dbt(theirs, "build")
    assert "countries" not in direct
    for side in (by_elt, by_dbt):
        assert side.records()["seed.shop.countries"]["message"] == "INSERT 4"


@pytest.mark.slow
def test_hooks_at_the_end_see_unit_tests_as_dbt_has_them(shops: tuple[Path, Path], direct: list[str]) -> None:
    """With their compiled code: dbt executes them, because it is started for the hooks anyway."""
    ours, _ = shops
    hook = (
        "{% for one in results %}insert into seen select '{{ one.node.name }}', {{ one.node.compiled_code | length }};"
    )
    apply(
        ours,
        {
            "dbt_project.yml": STATEFUL["dbt_project.yml"]
            + "on-run-start: create table if not exists seen (n text, size int)\n"
            + f'on-run-end: "{hook}{{% endfor %}}select 1"\n'
        },
    )
    load(ours, NIGHTS[0])
    for _ in range(3):
        assert elt(ours).exit_code == 0
    assert UNIT_TESTS.isdisjoint(direct)
    assert "history" in direct
    with duckdb.connect(ours / "warehouse.duckdb") as connection:
        sizes = connection.execute(
            "select count(distinct size), min(size) > 0 from seen where n = ?", ["last"]
        ).fetchall()
        tests = connection.execute("select min(size) > 0 from seen where n = 'takes_all_at_first'").fetchall()
    assert (sizes, tests) == ([(1, True)], [(True,)])


@pytest.mark.slow
def test_what_a_hook_at_the_start_removes_is_missed_as_by_dbt(shops: tuple[Path, Path]) -> None:
    """dbt lists what exists before its hooks, and so fails on an incremental model that a hook has dropped."""
    ours, theirs = shops
    hook = {"dbt_project.yml": STATEFUL["dbt_project.yml"] + "on-run-start: drop table if exists merged\n"}
    for folder in shops:
        apply(folder, hook)
        load(folder, NIGHTS[0])
    for _ in range(4):
        by_elt, by_dbt = elt(ours), dbt(theirs, "build")
        assert by_elt.exit_code == by_dbt.exit_code
        assert statuses(by_elt) == statuses(by_dbt)
