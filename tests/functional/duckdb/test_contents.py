"""What DuckDB says of its relations, functions and settings: the same if and only if readers get the same."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, DuckdbWarehouse, open_warehouse
from orchestrator.nodes.identity import Relation
from orchestrator.reuse.facts import Budget, Content, StoredFunction

pytestmark = pytest.mark.functional
PLENTY = Budget(rows=10_000, seconds=60)
TYPES = (
    *("varchar", "varchar(3)", "varchar[]", "varchar[2]", "json", "struct(a int, b varchar)", "map(varchar, int)"),
    *("int[]", "int[2]", "union(a int, b varchar)", "bit"),
    *("geometry", "variant", "decimal(10,2)", "timestamptz", "timetz", "interval", "bignum", "hugeint", "uhugeint"),
    *("timestamp_ns", "time", "uuid", "enum('a', 'b''c')", "blob", "double", "float", "varchar collate nocase"),
)
OTHERS = {
    "zero with a sign": ("0.0::double", "'-0.0'::double"),
    "a month": ("interval '30 days'", "interval '1 month'"),
    "trailing spaces": ("'b'", "'b  '"),
    "nothing": ("''", "null::varchar"),
    "letters in a column that does not tell case": ("'a' collate nocase", "'A' collate nocase"),
    "letters in a list": ("['a' collate nocase]", "['A' collate nocase]"),
    "an empty list": ("[]::int[]", "null::int[]"),
    "a list of nothing": ("[null]::int[]", "[]::int[]"),
    "a flat list": ("[[1, 2]]", "[[1], [2]]"),
    "a list of another order": ("[1, 2]", "[2, 1]"),
    "a struct of nothing": ("{'a': null::int}", "null::struct(a int)"),
    "zero with a sign in a list": ("[0.0::double]", "['-0.0'::double]"),
    "a month in a struct": ("{'a': interval '30 days'}", "{'a': interval '1 month'}"),
    "a map of nothing": ("map{1: null::int}", "map{}::map(int, int)"),
    "another member of a union": (
        "union_value(a := 1)::union(a int, b int)",
        "union_value(b := 1)::union(a int, b int)",
    ),
    "another type in a variant": ("1::variant", "'1'::varchar::variant"),
    "bits with a leading zero": ("'01'::bit", "'001'::bit"),
    "not a number": ("0.0::double", "'nan'::double"),
    "spaces in json": ("""'{"a":1}'::json""", """'{"a": 1}'::json"""),
}
"""Pairs of values of one type that a reader can tell apart, and a hash might not."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbWarehouse]:
    file = DatabaseFile(
        path=tmp_path_factory.mktemp("contents") / "w.duckdb",
        config={"storage_compatibility_version": "latest"},  # the default of DuckDB 1 has no VARIANT
    )
    opened = open_warehouse(file, lock_timeout=1)
    yield opened
    opened.close()


def named(name: str, schema: str = "main", database: str | None = None) -> Relation:
    return Relation(database=database, schema=schema, identifier=name)


def content(warehouse: DuckdbWarehouse, name: str, budget: Budget = PLENTY, **options: object) -> Content:
    """What one relation holds."""
    return warehouse.contents([named(name)], budget, **options)[named(name)]


def made(warehouse: DuckdbWarehouse, select: str) -> Content:
    """What a table holds that is made of a query."""
    warehouse.ask(f"create or replace table t as {select}")
    return content(warehouse, "t")


VALUES = st.tuples(
    st.none() | st.integers(-2, 2),
    st.none() | st.sampled_from(["", "a", "a ", "b", "ab"]),
    st.none() | st.sampled_from(["0.0", "-0.0", "1.5", "nan"]),
    st.none() | st.lists(st.none() | st.integers(0, 1), max_size=2),
)


def literal(row: tuple[object, ...]) -> str:
    number, text, real, many = row
    written = [
        "null" if number is None else str(number),
        "null" if text is None else f"'{text}'",
        "null" if real is None else f"'{real}'",
        "null" if many is None else f"[{', '.join('null' if one is None else str(one) for one in many)}]",
    ]
    return f"({', '.join(written)})"


def test_tables_have_the_same_checksum_if_and_only_if_they_hold_the_same_rows(warehouse: DuckdbWarehouse) -> None:
    """In any order; also where values changed places, one row took the place of another, or DuckDB finds them equal."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(VALUES, max_size=4), st.data())
    def check(rows: list[tuple[object, ...]], data: st.DataObject) -> None:
        others = data.draw(st.permutations(rows) | st.lists(st.sampled_from(rows) if rows else VALUES, max_size=4))
        found = []
        for these in (rows, others):
            warehouse.ask("create or replace table p (i int, s varchar, d double, l int[])")
            if these:
                warehouse.ask(f"insert into p values {', '.join(map(literal, these))}")
            found.append(content(warehouse, "p").rows)
        assert (found[0] == found[1]) == (Counter(map(literal, rows)) == Counter(map(literal, others)))

    check()


@pytest.mark.parametrize("what", OTHERS)
def test_values_that_readers_can_distinguish_have_different_checksums(warehouse: DuckdbWarehouse, what: str) -> None:
    """Also those that DuckDB takes for equal, or hashes alike."""
    one, other = (made(warehouse, f"select 1 as id, {value} as v, null as w") for value in OTHERS[what])
    assert one.columns == other.columns
    assert None not in {one.rows, other.rows}
    assert one.rows != other.rows


def test_values_that_change_columns_or_rows_are_seen(warehouse: DuckdbWarehouse) -> None:
    """The last column too, in which the hash of several values is linear."""
    same = made(warehouse, "values (1, 2, 'x'), (3, 4, 'y')")
    assert made(warehouse, "values (3, 4, 'y'), (1, 2, 'x')") == same
    edits = ("values (2, 1, 'x'), (3, 4, 'y')", "values (1, 2, 'y'), (3, 4, 'x')", "values (1, 2, 'x'), (1, 2, 'x')")
    rows = {made(warehouse, edit).rows for edit in (*edits, "values (1, 2, 'x')")}
    assert len(rows | {same.rows}) == 5


def test_columns_of_dlt_are_counted_separately(warehouse: DuckdbWarehouse) -> None:
    """A new id leaves the rows as they are; an id that moves to another row is seen; so is one that only came back."""
    first = made(warehouse, "select * from (values (1, 'a'), (2, 'b')) v(id, _dlt_id)")
    renewed = made(warehouse, "select * from (values (1, 'c'), (2, 'd')) v(id, _dlt_id)")
    moved = made(warehouse, "select * from (values (1, 'b'), (2, 'a')) v(id, _dlt_id)")
    assert first.rows == renewed.rows == moved.rows
    assert len({first.dlt_columns, renewed.dlt_columns, moved.dlt_columns}) == 3
    assert made(warehouse, "select 1 as id").dlt_columns == ""


def test_every_type_and_any_name_can_be_read(warehouse: DuckdbWarehouse) -> None:
    """Names with quotes, in other letters or written in another case; in an attached database; with 1,600 columns."""
    columns = ", ".join(f'"{number} ""of"" {kind[:4]}" {kind}' for number, kind in enumerate(TYPES))
    warehouse.ask('attach \':memory:\' as "Be ""side"')
    warehouse.ask('create schema "Be ""side"."Übér"')
    warehouse.ask(f'create table "Be ""side"."Übér"."a ""b" ({columns})')
    warehouse.ask('insert into "Be ""side"."Übér"."a ""b" default values')
    wide = ", ".join(f"{number} as c{number}" for number in range(1600))
    warehouse.ask(f"create table wide as select {wide}")
    odd = named('A "B', "Übér", 'be "SIDE')
    found = warehouse.contents([odd, named("WIDE"), named("nowhere"), named("wide", database="gone")], PLENTY)
    assert {relation: (one.kind, one.count, one.why_not) for relation, one in found.items()} == {
        odd: ("table", 1, ""),
        named("WIDE"): ("table", 1, ""),
    }
    assert warehouse.attached() == {'Be "side': "duckdb"}
    warehouse.ask('detach "Be ""side"')


def test_relations_beyond_the_budget_are_not_read(warehouse: DuckdbWarehouse) -> None:
    """A table by its number of rows, which is known all the same; the rest once the time is used up."""
    warehouse.ask("create or replace table large as select range as id from range(10001)")
    large = content(warehouse, "large")
    assert (large.rows, large.count, large.why_not) == (None, 10001, "it has more than 10,000 rows (content.rows)")
    warehouse.ask("delete from large where id < 5")
    assert content(warehouse, "large").count == 9996
    late = content(warehouse, "large", Budget(rows=100_000, seconds=0))
    assert (late.rows, late.why_not) == (None, "the time limit for reading tables (0 s, content.time) was reached")
    warehouse.ask("create or replace view slow as select count(*) as n from range(3000000000) where hash(range) = 1")
    slow = content(warehouse, "slow", Budget(rows=10, seconds=0.2), rows_of_views=[named("slow")])
    assert slow.why_not == "the time limit for reading tables (0.2 s, content.time) was reached"
    assert content(warehouse, "large", definitions_only=True).rows is None


def test_the_rows_of_a_view_are_read_where_that_is_asked(warehouse: DuckdbWarehouse, tmp_path: Path) -> None:
    """Else its columns and its definition; a view that fails says why, and others are read all the same."""
    warehouse.ask(f"copy (select 1 as a) to '{tmp_path}/f.parquet'")
    warehouse.ask(f"create or replace view file as from read_parquet('{tmp_path}/f.parquet')")
    warehouse.ask("create or replace view plain as select 1 as a")
    plain = content(warehouse, "plain")
    assert (plain.kind, plain.rows, plain.why_not) == ("view", None, "")
    assert plain.definition.endswith("SELECT 1 AS a;")
    both = [named("file"), named("plain")]
    before = warehouse.contents(both, PLENTY, rows_of_views=both)
    assert before[both[0]].rows == before[both[1]].rows != None  # noqa: E711
    (tmp_path / "f.parquet").unlink()
    after = warehouse.contents(both, PLENTY, rows_of_views=both)
    assert after[both[0]].rows is None
    assert "No files found" in after[both[0]].why_not
    assert after[both[1]] == before[both[1]]


def test_macros_are_reported_with_their_definitions(warehouse: DuckdbWarehouse) -> None:
    """In any schema, with all overloads; the ones of DuckDB itself are not among them."""
    warehouse.ask("create schema tools")
    warehouse.ask("create macro tools.Plus(a, b) as a + b, (a) as a + 1")
    warehouse.ask("create macro several(n) as table select * from range(n)")
    assert warehouse.stored_functions() == {
        "plus": StoredFunction(definition="(a) as (a + 1)\n(a, b) as (a + b)", bodies=("(a + 1)", "(a + b)")),
        "several": StoredFunction(
            definition='(n) as SELECT * FROM "range"(n)', is_table=True, bodies=('SELECT * FROM "range"(n)',)
        ),
    }


SAY = """
import json, sys
from pathlib import Path
from orchestrator.adapters.duckdb.duckdb_warehouse import DatabaseFile, open_warehouse
profile = json.loads(sys.argv[2])
file = DatabaseFile(path=Path(sys.argv[1]), config=json.loads(sys.argv[3]), settings=lambda: profile)
print(json.dumps(dict(open_warehouse(file, lock_timeout=5).result_settings())))
"""


def test_settings_that_change_results_are_the_same_in_two_processes(tmp_path: Path) -> None:
    """With one profile; another time zone or order is seen, other threads, memory or secrets are not."""

    def said(profile: dict[str, object], config: dict[str, object]) -> dict[str, str]:
        words = [sys.executable, "-c", SAY, str(tmp_path / "s.duckdb"), json.dumps(profile), json.dumps(config)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    base = said({"TimeZone": "UTC"}, {"threads": 1})
    assert base["TimeZone"] == "UTC"
    assert said({"timezone": "UTC", "s3_secret_access_key": "x"}, {"threads": 2, "max_memory": "1GB"}) == base
    assert said({"TimeZone": "Asia/Tokyo"}, {}) == {**base, "TimeZone": "Asia/Tokyo"}
    assert said({"TimeZone": "UTC", "default_null_order": "nulls_first"}, {}) != base
    assert said({"TimeZone": "UTC", "s3_region": "x"}, {}) == {**base, "s3_region": "x"}
