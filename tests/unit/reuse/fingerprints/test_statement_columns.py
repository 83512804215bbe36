"""A reader of a loaded table that cannot see dlt's own columns does not follow from them."""

import pytest

from orchestrator.reuse.fingerprints.statement import read_statement

BLIND = (
    "select a from t",
    "select count(*) from t",
    "with s as (select * from raw.t), r as (select a, b as c from s where d > 1) select * from r",
    "select a from (select t.* from t join u using (a))",
    "select a from t where exists (select * from u where u.a = t.a)",
    "select distinct a from (select * from t)",
    "select * from (values (1, 2)) v, range(3) r",
    "with recursive r as (select a from t union all select a + 1 from r) select * from r",
)
SEEING = (
    "select * from t",
    "from t",
    "select t.* from t",
    "select * exclude (a) from t",
    "with s as (select * from raw.t) select * from s",
    'select "_dlt_load_id" from t',
    "select a from t join u using (_dlt_id)",
    "select _DLT_ID from t",
    "select a from t natural join u",
    "select t from t",
    "select main.t from main.t",
    "select to_json(x) from t x",
    "select t.to_json() from t",
    "select count(t) from t",
    "select count(t.*) from t",
    "select count(distinct s) from (select * from t) s",
    "select hash(t.*) from t",
    "select a from t where hash(t.*) > 1",
    "select columns('a.*') from t",
    "select columns(*)::varchar from t",
    "select count(*) from (select distinct * from t)",
    "select count(*) from (select * from t union all select * from u)",
    "select count(*) from (select * from t union select * from u)",
    "select a from (select * from t order by 3 limit 1)",
    "select a from (select * from t limit 1 offset (select max(b) from u))",
    "with s(a, b) as (select * from t) select a from s",
    "select x.a from t x(a, b)",
    "select x.a from (select * from t) x(a, b)",
    "select a in (select * from u) from t",
    "select (select * from u) from t",
    "select a from t, lateral (select * from u) z(b)",
    "select #2 from t",
    "pivot t on a using sum(b)",
    "select a from (unpivot t on a, b into name n value v)",
    "select * like 'a%' from t",
    "select struct_pack(x := t) from t",
    "select [t for x in l] from t",
)


@pytest.mark.parametrize("sql", BLIND)
def test_a_reader_of_named_columns_ignores_other_columns(sql):
    """Stars that end in named columns show nothing of dlt's."""
    assert not read_statement(sql, "duckdb").sees_all_columns


@pytest.mark.parametrize("sql", SEEING)
def test_a_reader_that_might_see_them_counts_as_seeing_them(sql):
    """Where a star, a row or a position may be a column of dlt's, the reader follows from it."""
    assert read_statement(sql, "duckdb").sees_all_columns


@pytest.mark.parametrize("sql", ["select t.row_to_json from t", "select (t).* from t", "select t::text from t"])
def test_postgres_makes_values_of_rows_in_more_ways(sql):
    """`t.row_to_json` calls the function with the row."""
    assert read_statement(sql, "postgres").sees_all_columns
