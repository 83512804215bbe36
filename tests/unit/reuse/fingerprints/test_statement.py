"""A compiled statement is understood only where all that its result depends on is on a list."""

import pytest

from orchestrator.reuse.fingerprints.statement import read_function, read_statement, read_view

UNDERSTOOD = {
    "duckdb": (
        "select a from t",
        "from t",
        "from t select a where a > 1;",
        "values (1, 2)",
        "(select a from t) union all by name (select a from u) order by 1 limit 3",
        "select * exclude (a) replace (b + 1 as b) from t",
        "select a::decimal(10,2), cast(b as struct(a decimal(3,1), b varchar(3)[])), c::int[], d::map(int, int) from t",
        "select [x for x in l if x > 1], list_transform(l, lambda x: x + 1), l[1:2], {'a': 1}, map {'a': 1} from t",
        "select extract(year from a), date_trunc('month', a), a at time zone 'UTC', interval (b) day from t",
        "select sum(a) over (partition by b order by c rows between 1 preceding and current row) from t",
        "select row_number() over w from t window w as (order by a) qualify row_number() over w = 1",
        "select string_agg(a, ',' order by b) filter (where c), percentile_cont(0.5) within group (order by a) from t",
        "select a from t group by grouping sets ((a), ()), cube (b), rollup (c) having count(*) > 1",
        "select a from t positional join u",
        "select a from t asof join u on t.a >= u.a anti join v using (a)",
        "select a.lower(), 'x'.upper(), #1, j->>'$.a', trim(both 'x' from a), substring(a from 1 for 2) from t",
        "select a from range(3) r(a), unnest([1, 2]) u(b), generate_series(1, 3) g(c), json_each('{}')",
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n from r",
        "with a as materialized (select 1 x), b as not materialized (select 2 y) select x, y from a, b",
        "pivot t on a using sum(b)",
        "select * from t pivot (sum(a) for b in (1, 2))",
        "select age(a, b), lower('now()') /* random() */ from t -- now()",
        "select a from t limit 1",
        "select 'today'::varchar, 1 as now, t.user, histogram(a) from t",
        "select a as user from t",
    ),
    "postgres": (
        "select a from t",
        "select to_char(a, 'YYYY'), date_trunc('day', a), extract(year from a), json_build_object('a', b) from t",
        "select distinct on (a) a, b from t order by a, b desc nulls last",
        "select * from jsonb_array_elements(x) with ordinality e(v, i)",
        "select * from json_to_recordset(x) as r(a int, b numeric(10,2))",
        "select a ->> 'x', a #>> '{a}', a @> b, a ? 'x', array(select a from t), array[1, 2] from t",
        "select a ~* 'x', a similar to 'x', a is not distinct from b, a::varchar(10), a::double precision from t",
        "select a from t cross join lateral (select b from u where u.a = t.a) z fetch first 3 rows only",
        "select a from generate_series(date '2020-01-01', date '2021-01-01', interval '1 day') g(a)",
        "select \"user\", t.user, age(a, b) from t where c = 'known thing'",
        "values (1, 2)",
    ),
}
NOT_UNDERSTOOD = {
    "duckdb": (
        "select count(*) from range(1) r, 'x.csv' x",
        "select count(*) from read_csv('x.csv')",
        "select a from 's3://b/x.parquet'",
        "select a from glob('*.csv')",
        "select * from query('select 1')",
        "select * from query_table('t')",
        "select * from histogram('t', a)",
        "select current_date",
        'select "current_date" from t',
        "select user from t",
        'select "now"()',
        "select main.now()",
        "select system.main.random()",
        "select now /* x */ ()",
        "select a.age() from t",
        "select age(a) from t",
        "select list_aggregate(l, 'reservoir_quantile', 0.5) from t",
        "select nextval('s')",
        "select getvariable('x'), current_setting('x')",
        "select getenv('x')",
        "select version()",
        "select a from t using sample 3",
        "select a from t tablesample 10%",
        "select rowid from t",
        "select a from t at (version => 1)",
        "select cast(a as mood) from t",
        "select $1",
        "select ?",
        "select a from t for update",
        "select own(a) from t",
        "select e'a\\'b', now()",
        "from (show tables)",
        "from (describe t)",
        "from (summarize t)",
    ),
    "postgres": (
        "select current_date",
        "select localtimestamp(0)",
        "select user",
        "select current_schema",
        "select 'now'::timestamp",
        "select a from t where d > 'yesterday'",
        "select timestamptz 'tomorrow 12:00'",
        "select age(a) from t",
        "select a::regclass from t",
        "select a::mood from t",
        "select a::timetz from t",
        "select ctid from t",
        "select tableoid from t",
        "select a from t for update",
        "select a into b from t",
        "select a from t tablesample bernoulli (10)",
        "with x as (insert into t values (1) returning a) select a from x",
        "select a operator(pg_catalog.+) b from t",
        "select * from rows from (generate_series(1, 2), now()) x",
        "select query_to_xml('select 1', true, true, '')",
        'select "Lower"(a) from t',
        "select pg_catalog.now()",
        "select pg_table_size('t')",
        "select t.pg_column_size from t",
        "select $1",
    ),
}
NO_QUERY = (
    "select 1; select 2",
    "insert into t select 1",
    "update t set a = 1",
    "create table x as select 1",
    "set x = 1",
    "pragma table_info('t')",
    "attach 'x.db'",
    "copy t to 'x.csv'",
    "table t",
    "describe t",
    "explain select 1",
    "vacuum",
    "",
    "-- nothing",
    "select 'x",
    "select ((",
)


@pytest.mark.parametrize(("adapter", "sql"), [(adapter, sql) for adapter, all_ in UNDERSTOOD.items() for sql in all_])
def test_a_query_of_listed_parts_is_understood(adapter, sql):
    """A query whose nodes, functions, types and keywords are all on the lists depends on its relations alone."""
    read = read_statement(sql, adapter)
    assert (read.unknown, read.volatile) == ((), ())


@pytest.mark.parametrize(
    ("adapter", "sql"), [(adapter, sql) for adapter, all_ in NOT_UNDERSTOOD.items() for sql in all_]
)
def test_anything_else_is_not_understood(adapter, sql):
    """The clock, chance, the session, files, the catalog and what is not on a list are named."""
    assert not read_statement(sql, adapter).is_understood


@pytest.mark.parametrize("adapter", ["duckdb", "postgres"])
@pytest.mark.parametrize("sql", NO_QUERY)
def test_anything_but_a_single_query_is_unknown(adapter, sql):
    """A model compiles to one query; several statements, other ones and broken SQL are unknown."""
    read = read_statement(sql, adapter)
    assert read.unknown
    assert read.sees_all_columns


@pytest.mark.parametrize(
    ("sql", "relations"),
    [
        ("select a from x.csv", {("x", "csv")}),
        ('select a from "x.csv"', {("x.csv",)}),
        ("select a from DB.S.T join s.u using (a), v", {("db", "s", "t"), ("s", "u"), ("v",)}),
        ("with t as (select a from t) select a from t", {("t",)}),
        ("with t as (select a from s.t) select a from t", {("s", "t")}),
        ("with t as (select 1 a) select a from main.t", {("main", "t")}),
        ("with a as (select x from b), b as (select 1 x) select x from a", {("b",)}),
        ("with recursive t as (select 1 a union all select a + 1 from t) select a from t", set()),
        ("with recursive t as (select a from t union all select a + 1 from t) select a from t", {("t",)}),
        ("with recursive t as (select a from t) select a from t", {("t",)}),
        ("with t as (select 1 a) select a from (with t as (select a from u) select a from t)", {("u",)}),
        ("select (with t as (select 1 a) select a from t) from t", {("t",)}),
        ("select a from (t join u using (a))", {("t",), ("u",)}),
        ("pivot t on a using sum(b)", {("t",)}),
    ],
)
def test_a_name_that_is_not_a_cte_in_scope_is_a_relation(sql, relations):
    """A CTE hides a relation of its name only where the database sees the CTE."""
    assert read_statement(sql, "duckdb").relations == relations


def test_names_are_folded_as_the_database_does():
    """PostgreSQL keeps the case of names in quotes, DuckDB ignores it."""
    sql = 'select a from S."T"'
    assert read_statement(sql, "duckdb").relations == {("s", "t")}
    assert read_statement(sql, "postgres").relations == {("s", "T")}


def test_calls_are_all_functions_by_name():
    """Built-in functions are named too, for a stored macro may shadow one; in PostgreSQL a dot may call one as well."""
    assert read_statement("select Lower(t.a), x.abs() from s.t where own(1) in (b)", "duckdb").calls == {
        *("lower", "abs", "own"),
    }
    assert read_statement("select lower(t.a) from s.t", "postgres").calls == {"lower", "a"}


def test_a_function_that_the_caller_vouches_for_is_understood():
    """A user-defined function is known by its definition, which the caller reads; never one that asks the clock."""
    assert read_statement("select own(a) from tab(1)", "duckdb", known_functions={"own", "tab"}).is_understood
    assert not read_statement("select now()", "duckdb", known_functions={"now"}).is_understood


def test_another_adapter_is_unknown():
    """Without lists for a database nothing is understood."""
    assert read_statement("select 1", "snowflake").unknown == ("the SQL of the adapter snowflake",)


def test_findings_are_few_and_in_plain_words():
    """A message names the function or the file; there are at most five, in the order found."""
    read = read_statement("select own(a), now() from t, 'x.csv'", "duckdb")
    assert read.unknown == (
        "the file 'x.csv', which no node of the project writes",
        "the function own(), which is not on the list of deterministic functions of DuckDB 1.5 to 2.0",
    )
    assert read.volatile == ("now()",)
    assert len(read_statement("select a(), b(), c(), d(), e(), f(), g()", "duckdb").unknown) == 5


@pytest.mark.parametrize("sql", ["select 'secret", "select (( 'secret' from", "select a from t where 'secret' = = 1"])
def test_no_message_has_a_value(sql):
    """A value in the SQL may be secret; what the parser quotes of it is omitted."""
    (message,) = read_statement(sql, "duckdb").unknown
    assert message.startswith("the SQL cannot be parsed: ")
    assert "secret" not in message


def test_a_view_is_read_by_its_query():
    """DuckDB stores `create view`, PostgreSQL the query; a list of new names hides what a column is."""
    read = read_view('CREATE VIEW s.v AS WITH "as" AS (SELECT a FROM t) SELECT a FROM "as";', "duckdb")
    assert (read.relations, read.is_understood, read.sees_all_columns) == ({("t",)}, True, False)
    assert read_view("CREATE VIEW v(x, y) AS SELECT * FROM t", "duckdb").sees_all_columns
    assert read_view("CREATE VIEW v AS SELECT now()", "duckdb").volatile == ("now()",)
    assert read_view("SELECT t.a FROM t;", "postgres").relations == {("t",)}
    assert read_view("CREATE TABLE t AS SELECT 1", "duckdb").unknown


def test_a_macro_is_read_by_its_body():
    """A macro's body is an expression or a query."""
    assert read_function("(x + strftime(y, '%Y'))", "duckdb").is_understood
    assert read_function("SELECT max(a) FROM t", "duckdb").relations == {("t",)}
    assert read_function("(SELECT max(a) FROM t)", "duckdb").relations == {("t",)}
    assert read_function("(current_timestamp - x)", "duckdb").volatile == ("current_timestamp",)
    assert not read_function("1; select 2", "duckdb").is_understood
