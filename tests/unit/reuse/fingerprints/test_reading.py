"""What a template depends on is read off its text, without evaluating it."""

import pytest

from orchestrator.reuse.fingerprints.reading import read_template


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ var('a') }} {{ var( \"b\" , 1) }}", {"a", "b"}),
        ("{% if var('a') %}{% endif %} {#- {{ var('no') }} -#}", {"a"}),
        ("-- {{ var('a') }}", {"a"}),
        ("{{ m({'x': {'y': {}}}) ~ var('a') }}", {"a"}),
        ("{{ config(post_hook=\"{{ var('a') }}\") }}", {"a"}),
        ("{% raw %}{{ var('no') }}{% endraw %} select 'var(1)'", set()),
        ("{{ \"}}\" ~ var('a') }}", {"a"}),
        ("select var('no') from t", set()),
    ],
)
def test_vars_are_found_where_jinja_evaluates(text: str, names: set[str]) -> None:
    """In expressions, statements, SQL comments and strings that are templates; not in Jinja comments or raw blocks."""
    found = read_template(text)
    assert (found.vars, found.every_var) == (names, False)


@pytest.mark.parametrize(
    "text", ["{{ var(name) }}", "{{ var('a' ~ b) }}", "{% set v = var %}", "{{ context['var']('a') }}", "{{ var() }}"]
)
def test_a_var_without_a_plain_name_may_be_any(text: str) -> None:
    """Then the text depends on all of them."""
    assert read_template(text).every_var


def test_variables_of_the_environment_are_found_in_the_same_way() -> None:
    """By their names; all of them when the name is not written there."""
    assert read_template("{{ env_var('HOST', 'x') }}").env == {"HOST"}
    assert read_template("{{ env_var('HOST' ~ n) }}").every_env
    assert not read_template("{{ env_var('HOST') }}").every_env


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("select 1,\n  NOW ()", 2, "now()"),
        ("select current_date - 1", 1, "current_date"),
        ("select *\nfrom t using  sample 5", 2, "using sample"),
        ("select gen_random_uuid()", 1, "gen_random_uuid()"),
        ("select nextval('s')", 1, "nextval()"),
        ("\n\nselect '{{ run_started_at }}'", 3, "run_started_at"),
        ("{{ modules.datetime.datetime.now() }}", 1, "now"),
        ("{{ dbt.dateadd('day', -7, 'current_date') }}", 1, "current_date"),
        ("{{ dbt.current_timestamp() }}", 1, "current_timestamp"),
        ("{{ var('logical_date') }}", 1, "the logical date"),
        ("{{ range(9) | random }}", 1, "the filter random"),
        ("select * from read_csv('x.csv')", 1, "read_csv() reads what no node brings"),
        ("select * from 'x.parquet'", 1, "the file 'x.parquet' is read, which no node brings"),
        ("select 'a{% if x %}' || now()", 1, "now()"),
    ],
)
def test_what_differs_each_time_is_found_with_its_line(text: str, line: int, what: str) -> None:
    """In SQL, in Jinja, and in SQL that Jinja holds as a string; also where strings cannot be told from code."""
    assert read_template(text).volatile[0] == (what, line)


@pytest.mark.parametrize(
    "text",
    [
        "select 'now()' as a, \"now()\" as b -- now()\n/* random() */",
        "select known(), t.now, a.random(), renow(), now_at from t",
        "select $$ now() $$, random, uuid, today from t",
        "{# now() #} select 'it''s now()'",
        "select * from t where x = 'from ''now()'",
        "select extract(year from day), current_dated",
    ],
)
def test_names_in_strings_and_comments_are_none(text: str) -> None:
    """Nor are columns of such a name."""
    assert read_template(text).volatile == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% set r = run_query('select 1') %}", "run_query"),
        ("{% set r = dbt.run_query('select 1') %}", "run_query"),
        ("\n{% if execute %}{% endif %}", "execute"),
        ("{% call statement('x') %}{% endcall %}", "statement"),
        ("{{ adapter.get_columns_in_relation(this) }}", "adapter.get_columns_in_relation"),
        ("{% for n in graph.nodes.values() %}{% endfor %}", "graph"),
    ],
)
def test_what_asks_the_warehouse_is_found(text: str, what: str) -> None:
    """Calls of the adapter, queries, and what dbt knows only at execution."""
    assert read_template(text).asks[0][0] == what


@pytest.mark.parametrize(
    "text", ["{{ adapter.dispatch('x')() }}", "{{ adapter.quote('x') }}", "{{ x.execute }}", "{{ f(execute=1) }}"]
)
def test_what_asks_nothing_is_none(text: str) -> None:
    """Dispatching and quoting do not reach the warehouse."""
    assert read_template(text).asks == ()


def test_the_entry_of_the_node_is_read_by_name() -> None:
    """`model` and `config.get` read it; a test's parameter of that name does not, nor does the call of `config`."""
    assert read_template("{{ model.tags }}").own_entry
    assert read_template("{{ config.get('x') }}").own_entry
    assert not read_template("{{ config(tags=['x']) }}").own_entry
    assert not read_template("{% test t(model, column_name) %}from {{ model }}{% endtest %}").own_entry
