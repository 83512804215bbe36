"""Two tables of PostgreSQL are compared as those of DuckDB are, whatever types they have."""

import pytest

from orchestrator.adapters.comparison import Difference, compare_tables
from orchestrator.adapters.comparison_sql import COMPARING
from orchestrator.nodes.identity import Relation

pytestmark = pytest.mark.functional
ROWS = "select * from (values ('NaN'::float8, 1), ('Infinity', 2), (1e300, 3), (null, 4), ({}, 5)) as t(d, i)"
TYPES = """select '{{"a": {a}}}'::json as j, array[{f}] as f, point(1, 2) as p, 1.5::numeric({n}, 2) as n"""
ONE_ROW = Difference(only_first=1, only_second=1, cells=("d",))
CASES = (
    (ROWS.format("0.1::float8 + 0.2"), ROWS.format("0.3::float8"), None),
    (ROWS.format("0.1250000000005::float8"), ROWS.format("0.12500000000049999::float8"), None),
    (ROWS.format("0.125"), ROWS.format("0.126"), ONE_ROW),
    (ROWS.format("0.1::float8 + 0.2"), ROWS.format("0.3::float8").replace("NaN", "-Infinity"), ONE_ROW),
    (TYPES.format(a=1, f="0.1::float8 + 0.2", n=5), TYPES.format(a=1, f="0.3::float8", n=5), None),
    (
        TYPES.format(a=1, f=1, n=5),
        TYPES.format(a=2, f=1, n=5),
        Difference(only_first=1, only_second=1, cells=("j",)),
    ),
    (
        TYPES.format(a=1, f=1, n=5),
        TYPES.format(a=1, f=1, n=6),
        Difference(columns=("n was numeric(5,2), is numeric(6,2)",)),
    ),
)


def test_tables_are_compared_by_columns_and_rows(server, new_database):
    """Also by what has no equality in PostgreSQL, and by numbers that are none; floats to the digits that count."""
    database = new_database()

    def ask(statement: str):
        return server.rows(statement, database)

    one, other = (Relation(database=database, schema=schema, identifier="t") for schema in ("one", "other"))
    for schema in ("one", "other"):
        ask(f"create schema {schema}")
    for first, second, difference in CASES:
        for schema, select in (("one", first), ("other", second)):
            ask(f"drop table if exists {schema}.t")
            ask(f"create table {schema}.t as {select}")
        assert compare_tables(ask, COMPARING["postgres"], one, other).difference == difference
