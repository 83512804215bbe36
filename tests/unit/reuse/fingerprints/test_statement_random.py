"""Random queries: wherever something impure or a relation is put, it is found."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.reuse.fingerprints.statement import read_statement

IMPURE = {
    "duckdb": (
        *("now()", "random()", "current_date", "current_timestamp", '"current_date"', "nextval('s')", "uuid()"),
        *("age(ts)", "x.age()", "getvariable('v')", "user", "localtime", "own(1)", "main.now()", '"now"()', "rowid"),
        *("current_setting('x')", "reservoir_quantile(a, 0.5)", "cast(a as mood)", "$1", "?", "version()"),
    ),
    "postgres": (
        *("now()", "random()", "current_date", "current_timestamp(3)", "nextval('s')", "gen_random_uuid()", "age(ts)"),
        *("user", "current_schema", "own(1)", "pg_catalog.now()", '"now"()', "ctid", "'today'::date", "a::regclass"),
        *("current_setting('x')", "clock_timestamp()", "a::timetz", "txid_current()", "$1"),
    ),
}
IMPURE_SOURCES = ("'x.csv'", "read_csv('x.csv')", "query('select 1')", "t tablesample 10%", "glob('*')")
PURE = ("a", "1", "'x'", "null", "t.b", "'random()'", "$$random()$$", '"b c"')

adapters = st.sampled_from(["duckdb", "postgres"])


def expressions(inner):
    """Return expressions around others."""
    return st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} = {})".format, inner, inner),
        st.builds("lower({})".format, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("case when {} then {} else {} end".format, inner, inner, inner),
        st.builds("(cast({} as varchar))".format, inner),
        st.builds("(({}) is not null)".format, inner),
        st.builds("(sum({}) over (partition by {} order by {}))".format, inner, inner, inner),
        st.builds("(count(*) filter (where {}))".format, inner),
        st.builds("(({}) in ({}, {}))".format, inner, inner, inner),
        st.builds("(({}) between ({}) and ({}))".format, inner, inner, inner),
        st.builds("(select max({}) from u where {})".format, inner, inner),
        st.builds("exists (select {} from u group by {} having {})".format, inner, inner, inner),
        st.builds("extract(year from {})".format, inner),
        st.builds("array[{}, {}]".format, inner, inner),
        st.builds("-- now()\n{} /* random() */".format, inner),
    )


values = st.recursive(st.sampled_from(PURE), expressions, max_leaves=6)


@st.composite
def with_hole(draw, layers=3):
    """Return a query text with the one place `{}`, for an expression."""
    text = "{}"
    for _ in range(draw(st.integers(0, layers))):
        around = draw(expressions(st.just("\0")))
        places = around.split("\0")
        hole = draw(st.integers(1, len(places) - 1))
        filled = [draw(values) if place != hole else text for place in range(1, len(places))]
        text = places[0] + "".join(value + place for value, place in zip(filled, places[1:], strict=True))
    shape = draw(
        st.sampled_from(
            [
                "select {} as c from t",
                "select a from t where {}",
                "select a from t join u on {}",
                "select a from t order by {}",
                "select a from t group by {} having count(*) > 1",
                "select a from t limit {}",
                "with c as (select {} as x from t) select x from c",
                "select 1 union all select {} from t",
                "select x from (select {} as x from t) s",
                "select a from t left join lateral (select {} as x) l on true",
                "values (1, {})",
                "select a from t where b = (select max(c) from u where {})",
                "with recursive c as (select 1 as x union all select {} from c) select x from c",
                "select sum(a) over w from t window w as (partition by {})",
            ]
        )
    )
    return shape.format(text) if "{}" in text else shape


@given(st.data(), adapters)
def test_a_query_of_pure_parts_is_understood(data, adapter):
    """Understood is the rule: what has only listed parts has no finding."""
    sql = data.draw(with_hole()).format(data.draw(values))
    read = read_statement(sql, adapter)
    assert read.is_understood, (sql, read)


@given(st.data(), adapters)
def test_an_impure_part_is_found_anywhere(data, adapter):
    """Adding one call of the clock, chance, the session or the unknown makes the whole query not understood."""
    sql = data.draw(with_hole()).format(data.draw(st.sampled_from(IMPURE[adapter])))
    assert not read_statement(sql, adapter).is_understood, sql


@given(with_hole(), st.sampled_from(IMPURE_SOURCES))
def test_a_source_outside_the_graph_is_found_anywhere(around, source):
    """So does a file, a table function or a sample in a subquery anywhere."""
    sql = around.format(f"(select max(z) from {source})")
    assert not read_statement(sql, "duckdb").is_understood, sql


@given(with_hole(), adapters, st.sampled_from(["s.deep", "deep", '"deep"', "d.s.deep"]))
def test_a_relation_is_found_wherever_its_subquery_is(around, adapter, relation):
    """A relation in a subquery of any place is one that the query reads."""
    read = read_statement(around.format(f"(select max(z) from {relation} as q)"), adapter)
    assert tuple(relation.replace('"', "").split(".")) in read.relations
    assert read.is_understood


@given(with_hole(), adapters)
def test_a_star_that_nothing_projects_away_is_seen(around, adapter):
    """A row as a value shows all columns, wherever it is."""
    assert read_statement(around.format("(select lower(t) from t)"), adapter).sees_all_columns
    assert read_statement(around.format("_dlt_id"), adapter).sees_all_columns


@given(st.text(max_size=80), adapters)
def test_reading_any_text_raises_no_error(text, adapter):
    """Whatever a model compiles to, the answer is a statement, and never an exception."""
    assert isinstance(read_statement(text, adapter).is_understood, bool)


words = st.sampled_from(
    [
        *("select", "from", "where", "(", ")", ",", ".", ";", "*", "::", "as", "with", "union", "all", "t", "a", "now"),
        *("random", "'x'", '"y"', "1", "$", "?", "{", "}", "[", "]", "lambda", ":", ":=", "in", "on", "values"),
    ]
)


@given(st.lists(words, max_size=25).map(" ".join), adapters)
def test_reading_any_sql_raises_no_error(text, adapter):
    """The same for texts that are nearly SQL; a call in one that is understood is on the list."""
    read = read_statement(text, adapter)
    assert not (read.is_understood and adapter == "duckdb" and read.calls & {"now", "random"})
