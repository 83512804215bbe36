"""Which files a dbt source stands for, by what dbt-duckdb puts into the SQL."""

import pytest

from orchestrator.reuse.source_files import files_of


@pytest.mark.parametrize(
    ("external", "files"),
    [
        ("'data/orders.csv'", ("data/orders.csv",)),
        ("'data/orders*.CSV.gz'", ("data/orders*.CSV.gz",)),
        ("'it''s.parquet'", ("it's.parquet",)),
        ("read_csv('a.csv', types = {'amount': 'decimal(18,2)', b: 'int'}, header=false)", ("a.csv",)),
        ("read_parquet(['a', 'b'], hive_partitioning => true)", ("a", "b")),
        ("READ_JSON('a.txt', format := 'newline_delimited', maximum_depth = -1)", ("a.txt",)),
    ],
)
def test_a_file_or_a_reader_with_constants_is_understood(external: str, files: tuple[str, ...]) -> None:
    """Its rows are those of its files alone."""
    assert files_of(external) == files


@pytest.mark.parametrize(
    "external",
    [
        *("", "'a", "'a.csv' where true", "(select 1)", "read_csv('a') ; drop table t", "read_csv('a') union select 1"),
        *("read_csv(getenv('x'))", "read_csv('a' || b)", "read_csv(b)", "read_csv([])", "read_csv(['a', b])"),
        *("read_csv('a', x = current_date)", "read_csv('a', x = (select 1))", 'read_csv("a")', "read_csv('a'"),
        *("read_csv('a'[1:1])", "read_csv(['a', 'b'][1:1])"),
        *("iceberg_scan('a')", "read_blob('a')", "read_csv"),
    ],
)
def test_anything_else_is_not_understood(external: str) -> None:
    """A call, a subquery, the clock, another function: the reason names the text."""
    assert files_of(external) == f"{external} does more than read files"


def test_other_kinds_of_files_and_other_machines_are_not_understood() -> None:
    """DuckDB reads other endings with extensions; what is not local may change while it is read."""
    assert files_of("'book.xlsx'") == "'book.xlsx' is a kind of file that is not understood"
    assert files_of("'s3://bucket/a.csv'") == "s3://bucket/a.csv is not a local file"
