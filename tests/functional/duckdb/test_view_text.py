"""The definition of a view, in one form: a reader of the catalog sees the same before and after the file was closed."""

from pathlib import Path

import duckdb
import pytest

from orchestrator.adapters.duckdb.view_text import in_one_form

pytestmark = pytest.mark.functional
OLDER_FORMAT = "v1.2.0"
TYPES = (
    *("date", "DATE", "int", "int4", "int8", "smallint", "tinyint", "hugeint", "ubigint", "varchar", "text", "string"),
    *(
        "char(3)",
        "numeric",
        "decimal",
        "decimal(5)",
        "decimal(10,2)",
        "numeric(10)",
        "double",
        "float8",
        "real",
        "bool",
    ),
    *("timestamp", "datetime", "timestamptz", "timestamp_s", "timestamp_ns", "time", "timetz", "interval", "uuid"),
    *("json", "blob", "bytea", "bit", "int[]", "date[][]", "int[3]", "timestamp with time zone", "double precision"),
    *(
        "struct(a int, b date)",
        'struct("a b" date, c struct(d timestamp))',
        "map(varchar, date)",
        "union(a int, b date)",
    ),
    *("enum('a', 'B c')", "mood", "varint", "long"),
)
EXPRESSIONS = (
    *("1_000", "1e5", "1.5e-3", "1E20", "-1e5", "2 - 1e5", "1_000.5", "'it''s cast(x as date)'", "date '2020-01-01'"),
    *("id::double / 2", "try_cast(d as date)", "id::int::text", "cast((select 'x' as text) as text)"),
    *("list_transform([1, 2], lambda x: x + 1)", "list_reduce([1, 2], lambda x, y: x + y)", "[x + 1 for x in [1, 2]]"),
    "list_transform([[1]], lambda x: list_transform(x, lambda y: y::date::text))",
    *("{'date': 1}", "d || 'CAST(a AS date)'", "d like 'lambda%'", "interval 1 day"),
)
APART = (
    ("cast(cast(d as date) as varchar)", "cast(cast(d as timestamp) as varchar)"),
    ("cast(d as decimal(10,2))::text", "cast(d as decimal(10,3))::text"),
    ("cast(d as decimal)::text", "cast(d as decimal(10))::text"),
    ("cast(null as struct(a date))::text", "cast(null as struct(b date))::text"),
    ("cast(null as struct(string int))::text", "cast(null as struct(text int))::text"),
    ("cast(null as timestamp)::text", "cast(null as timestamptz)::text"),
    ("cast('cast(a as date)' as text)", "cast('cast(a as DATE)' as text)"),
    ('1 as "cast(a as date)"', '1 as "cast(a as DATE)"'),
    ("1e5", "1e6"),
    ("1_000", "1_001"),
)
"""Expressions that a reader can tell apart."""


def definitions(path: Path, expressions: tuple[str, ...], form: str) -> tuple[list[str], list[str]]:
    """Return the definitions of views of these expressions, as they are created and when the file is opened again."""
    asked = (
        "select sql from duckdb_views() where not internal and database_name = current_database() order by view_name"
    )
    with duckdb.connect() as database:
        database.execute(f"attach '{path}' as made (storage_version '{form}')")
        database.execute("use made; create table r (id int, d varchar); create type mood as enum ('a')")
        for number, expression in enumerate(expressions):
            database.execute(f"create view v{number:03} as select {expression} from r")
        new = [text for (text,) in database.execute(asked).fetchall()]
    with duckdb.connect(str(path)) as database:
        return new, [text for (text,) in database.execute(asked).fetchall()]


def test_a_view_has_the_same_text_before_and_after_an_older_format_stored_it(tmp_path: Path) -> None:
    """DuckDB resolves types, numbers and lambdas when it writes the file."""
    expressions = (*(f"cast(null as {name}) as x" for name in TYPES), *(f"{one} as x" for one in EXPRESSIONS))
    new, stored = definitions(tmp_path / "older.duckdb", expressions, OLDER_FORMAT)
    assert len(new) == len(expressions)
    assert new != stored
    assert [in_one_form(one) for one in new] == [in_one_form(one) for one in stored]


def test_the_newest_format_keeps_the_text(tmp_path: Path) -> None:
    """So its one form is the same as well."""
    expressions = tuple(f"cast(null as {name}) as x" for name in TYPES)
    new, stored = definitions(tmp_path / "newest.duckdb", expressions, "latest")
    assert [in_one_form(one) for one in new] == [in_one_form(one) for one in stored]


@pytest.mark.parametrize(("one", "other"), APART)
def test_views_that_differ_have_different_texts(tmp_path: Path, one: str, other: str) -> None:
    """Only names for the same thing are made the same."""
    for form in (OLDER_FORMAT, "latest"):
        both = definitions(tmp_path / f"{form}.duckdb", (one, other), form)
        for first, second in both:
            assert in_one_form(first).split(" AS ", 1)[1] != in_one_form(second).split(" AS ", 1)[1]


def test_one_form_is_valid_sql_with_the_same_columns(tmp_path: Path) -> None:
    """So what reads the definition can parse it. Lambdas are an exception: older formats keep their old form."""
    others = (one for one in EXPRESSIONS if "lambda x" not in one and " for x in " not in one)
    expressions = (*(f"cast(null as {name}) as x" for name in TYPES if name != "mood"), *others)
    with duckdb.connect() as database:
        database.execute("create table r (id int, d varchar)")
        for expression in expressions:
            database.execute(f"create or replace view v as select {expression} from r")
            [(text,)] = database.execute("select sql from duckdb_views() where view_name = 'v'").fetchall()
            # Not those of the view: DuckDB 1.5 writes the number 1e5 as 100000.0, which has another type.
            written, query = (one.removeprefix("CREATE VIEW v AS ") for one in (text, in_one_form(text)))
            assert types_of(database, query) == types_of(database, written)


def types_of(database: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[1] for row in database.execute(f"describe {query}").fetchall()]


@pytest.mark.parametrize("text", ["", "CREATE VIEW v AS SELECT 1;", "CAST(", "CAST(a AS ", "lambda x", "cast(a)"])
def test_a_text_without_casts_or_of_another_form_is_kept(text: str) -> None:
    """Nothing is lost of what is not understood."""
    assert in_one_form(text).replace(" ", "") == text.replace(" ", "")
