"""Two tables of DuckDB are compared by their columns and rows, whatever the order of either."""

import duckdb
import pytest

from orchestrator.adapters.comparison import Compared, Difference, compare_tables
from orchestrator.adapters.comparison_sql import COMPARING
from orchestrator.nodes.identity import Relation

pytestmark = pytest.mark.functional
SAME = {
    "rows and columns in another order": ("select * from {rows}", "select s, i from {rows} order by 1 desc"),
    "floats that were summed in another order": (
        "select 0.1::double + 0.2 as a, 0.1::float + 0.2 as b, 'nan'::double as c, null::double as d, 0::double as e",
        "select 0.3::double as a, 0.3::float as b, 'nan'::double as c, null::double as d, -0.0::double as e",
    ),
    "floats that stand on either side of where they are rounded, also inside of lists": (
        "select 0.1250000000005::double as d, [0.1::double + 0.2] as l, {'a': 1.5} as s, i from range(3) t(i)",
        "select 0.12500000000049999::double as d, [0.3::double] as l, {'a': 1.5} as s, i from range(3) t(i)",
    ),
    "tables without rows": ("select 1 as a limit 0", "select 1 as a limit 0"),
}
ROWS = "(values (1, 'x'), (1, 'x'), (2, null)) as t(i, s)"


@pytest.fixture(scope="module")
def compared():
    """Compare what two selects leave."""
    with duckdb.connect() as connection:
        connection.execute('create schema one; create schema "an other"')

        def compare(first: str, second: str) -> Compared:
            one, other = (
                Relation(database="memory", schema=schema, identifier='a "t"') for schema in ("one", "an other")
            )
            for relation, select in ((one, first), (other, second)):
                text = select.replace("{rows}", ROWS)
                connection.execute(f'create or replace table "{relation.schema}"."a ""t""" as {text}')
            return compare_tables(lambda text: connection.execute(text).fetchall(), COMPARING["duckdb"], one, other)

        yield compare


@pytest.mark.parametrize("what", SAME)
def test_equal_tables(compared, what: str):
    """Whatever of this is another."""
    assert compared(*SAME[what]).difference is None


def test_duplicate_rows_are_counted_each_time(compared):
    """Also those that are there twice; the columns are named in which values differ."""
    first = "select * from {rows} union all select 2, 'y'"
    second = "select * from {rows} union all select 2, 'z' union all select 1, 'x'"
    found = compared(first, second)
    assert (found.rows, found.difference) == (4, Difference(only_first=1, only_second=2, cells=("i", "s")))


def test_columns_are_compared_before_rows(compared):
    """By their names and types."""
    found = compared("select 1 as i, 'x' as s, 1 as old", "select 1 as i, 2 as s, 1 as new")
    told = ("old is there no more", "new is new", "s was VARCHAR, is INTEGER")
    assert found.difference == Difference(columns=told)


def test_floats_that_differ_in_significant_digits_differ(compared):
    """One digit in eleven, and numbers in another row."""
    found = compared("select 1.0000000001::double as d", "select 1.0::double as d")
    assert found.difference == Difference(only_first=1, only_second=1, cells=("d",))
    pairs = "select * from (values (1, {}::double), (2, {}::double)) as t(i, d)"
    swapped = compared(pairs.format(1.5, 2.5), pairs.format(2.5, 1.5))
    assert swapped.difference == Difference(only_first=2, only_second=2)
