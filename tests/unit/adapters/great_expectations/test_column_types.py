"""Column types compare as DuckDB compares them."""

import pytest

from orchestrator.adapters.great_expectations.column_types import ColumnType, aliases_of

ALIASES = aliases_of([("text", "VARCHAR"), ("JSON", "VARCHAR"), ("int4", "INTEGER"), ("numeric", "DECIMAL")])


@pytest.mark.parametrize(
    ("column", "asked", "same"),
    [
        ("VARCHAR", "text", True),
        ("VARCHAR", "character  varying", True),
        ("INTEGER", "Int4", True),
        ("INTEGER", "BIGINT", False),
        ("DECIMAL(10,2)", "numeric", True),
        ("DECIMAL(10,2)", "decimal(10, 2)", True),
        ("DECIMAL(10,2)", "DECIMAL(10,3)", False),
        ("DOUBLE", "double precision", True),
        ("INTEGER[]", "int4[]", True),
        ("INTEGER[]", "INTEGER", False),
        ("VARCHAR", "JSON", False),
        ("JSON", "json", True),
    ],
)
def test_a_type_equals_each_of_its_names(column, asked, same):
    """Aliases, case and spaces do not matter; a name without brackets matches any size."""
    assert (ColumnType(column, ALIASES) == asked) is same
    assert (ColumnType(column, ALIASES) != asked) is not same
    assert (ColumnType(column, ALIASES).casefold() == asked.casefold()) is same


def test_a_type_prints_as_duckdb_names_it():
    """What is shown as observed is the column's own type."""
    assert str(ColumnType("DECIMAL(10,2)", ALIASES)) == "DECIMAL(10,2)"
