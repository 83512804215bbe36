"""What a template depends on is read off its text, without evaluating it."""

import pytest

from orchestrator.reuse.fingerprints.reading import NOTHING, TextReading, read_argument, read_template


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
        ("{{ var.has_var('a') }} {{ builtins.var('b') }}", {"a", "b"}),
    ],
)
def test_vars_are_found_where_jinja_evaluates(text: str, names: set[str]) -> None:
    """In expressions, statements, SQL comments and strings that are templates; not in Jinja comments or raw blocks."""
    found = read_template(text)
    assert (found.vars, found.every_var) == (names, False)


@pytest.mark.parametrize(
    "text", ["{{ var(name) }}", "{{ var('a' ~ b) }}", "{% set v = var %}", "{{ context['var']('a') }}", "{{ var() }}"]
)
def test_a_var_with_a_computed_name_may_be_any_var(text: str) -> None:
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
        ("\n\nselect '{{ run_started_at }}'", 3, "run_started_at"),
        ("{{ modules.datetime.datetime.now() }}", 1, "now"),
        ("{% set d = modules.datetime.date(2024, 1, 1) %}{{ d.today() }}", 1, "today"),
        ("{% set dt = modules.datetime %}{{ dt.datetime.utcnow() }}", 1, "utcnow"),
        ("{{ dbt.current_timestamp() }}", 1, "current_timestamp"),
        ("{{ adapter.dispatch('current_timestamp', 'dbt')() }}", 1, "current_timestamp"),
        ("{{ dbt_date.today() }}", 1, "today"),
        ("{{ var('logical_date') }}", 1, "the logical date"),
        ("{{ range(9) | random }}", 1, "the filter random"),
        ("{{ [[1, 2]] | map('random') | list }}", 1, "the filter random"),
        ("{{ invocation_id }}", 1, "invocation_id"),
        ("{{ model.batch.event_time_start }}", 1, "model.batch"),
    ],
)
def test_volatile_expressions_are_found_with_their_line(text: str, line: int, what: str) -> None:
    """Clocks, chance, and what dbt makes up for each run; in branches that are not taken too."""
    assert read_template(text).volatile == ((what, line),)
    assert read_template(f"{{% if false %}}{text}{{% endif %}}").volatile == ((what, line),)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% set r = run_query('select 1') %}", "run_query"),
        ("{% set r = dbt.run_query('select 1') %}", "run_query"),
        ("\n{% if execute %}{% endif %}", "execute"),
        ("{% call statement('x') %}{% endcall %}", "statement"),
        ("{{ adapter.get_columns_in_relation(this) }}", "adapter.get_columns_in_relation"),
        ("{% for n in graph.nodes.values() %}{% endfor %}", "graph"),
        ("{% for x in set(['a', 'b']) %}{{ x }}{% endfor %}", "the order of a set"),
        ("{{ (d().keys() - ['a']) | join }}", "the order of a set"),
        ("{{ set(d()) | sort }}", "the order of a set"),
        ("{{ tojson(model) }}", "model as a whole"),
        ("{{ model.build_path }}", "model.build_path"),
        ("{% set m = f() %}{{ m.created_at }}", "created_at, which may be when dbt parsed the project"),
    ],
)
def test_differences_that_only_compiling_shows_are_found(text: str, what: str) -> None:
    """Queries, what dbt knows only when it executes, the order of sets, and entries that parsing dates."""
    found = read_template(text)
    assert [one for one, _ in found.asks] == [what]
    assert found.unknown == ()


@pytest.mark.parametrize(
    "text",
    [
        "{{ adapter.dispatch('x')() }}",
        "{{ adapter.quote('x') }}",
        "{{ f(execute=1) }}",
        "{% for x in set(['a', 'b']) | sort(case_sensitive=true) %}{{ x }}{% endfor %}",
        "{{ set(['a', 'b']) | length }}",
        "{{ 'a' in set(['a', 'b']) }}",
    ],
)
def test_code_that_sends_no_query_has_no_queries(text: str) -> None:
    """Dispatching and quoting do not reach the warehouse; a set whose order cannot show has none."""
    assert read_template(text).asks == ()


def test_the_nodes_manifest_entry_is_read_by_name() -> None:
    """`model` and `config.get` read it, and so does what they are passed to; a test's parameter `model` is no entry."""
    assert read_template("{{ model.tags }}").own_entry
    assert read_template("{{ config.get('x') }}").own_entry
    assert read_template("{{ threshold(config) }}").own_entry
    assert read_template("{% set c = config %}{{ c.meta_get('x') }}").own_entry
    assert not read_template("{{ config(tags=['x']) }}").own_entry
    assert not read_template("{% test t(model, column_name) %}from {{ model }}{% endtest %}").own_entry
    assert not read_template("{% macro t(config) %}{{ config.meta_get('x') }}{% endmacro %}").own_entry


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("{% if not flags.FULL_REFRESH %}{% endif %}", {"FULL_REFRESH"}),
        ("{{ flags['which'] }}", {"WHICH"}),
        ("{{ flags.get('STORE_FAILURES', false) }}", {"STORE_FAILURES"}),
        ("{{ flag.FULL_REFRESH }}", set()),
    ],
)
def test_flags_are_found_by_name(text: str, flags: set[str]) -> None:
    """As attribute, item or with `get`; what they lead to is beside the SQL."""
    found = read_template(text)
    assert (found.flags, found.every_flag, found.beside_the_sql) == (flags, False, bool(flags))


def test_a_flag_with_a_computed_name_may_be_any_flag() -> None:
    """Then the text depends on all of them."""
    assert read_template("{{ flags[name] }}").every_flag
    assert read_template("{{ show(flags) }}").every_flag


def test_names_defined_only_by_the_project_are_foreign() -> None:
    """Macros and macros of packages, with their first line; what dbt or the template itself names is none."""
    found = read_template("{{ cents('a') }}\n{{ shop.cents('a') }} {{ ref('b') }}{% set d = cents('a') %}{{ d }}")
    assert found.foreign == (("cents", 1), ("shop.cents", 2))
    assert {"cents", "shop", "ref"} <= found.names
    assert "d" not in found.names


def test_a_macro_of_the_template_itself_cannot_be_called_by_its_name() -> None:
    """dbt renames it, so the call means a macro of the project."""
    assert read_template("{% macro f() %}{% endmacro %}{{ f() }}").foreign == (("f", 1),)


def test_a_macro_with_a_computed_name_may_be_any_macro() -> None:
    """Dispatching by a name that is not written there, and names looked up in the context."""
    assert read_template("{{ adapter.dispatch(name)() }}").every_macro
    assert read_template("{{ context[name]() }}").every_macro
    assert not read_template("{{ adapter.dispatch('name', 'shop')() }}").every_macro


def test_lines_of_a_template_in_a_string_are_those_of_the_file() -> None:
    """A hook in the second line is found in the second line."""
    assert read_template('select 1\n{{ config(pre_hook="{{ grant_all() }}") }}').foreign == (("grant_all", 2),)


def test_an_argument_is_evaluated_as_dbt_does() -> None:
    """`var('x')` and the like are calls also without braces; other texts are not."""
    assert read_argument("var('x')").vars == {"x"}
    assert read_argument(" env_var('X') ").env == {"X"}
    assert read_argument("{{ var('x') }}").vars == {"x"}
    assert read_argument("my_var('x')") == NOTHING


def test_readings_are_combined() -> None:
    """What is not understood in one of them is not understood in both; nothing is lost."""
    one, other = (
        read_template("{{ var('a') }}{{ f() }}"),
        read_template("{{ flags.X }}\n{{ adapter.commit() }}{{ f() }}"),
    )
    both = one | other
    assert (both.vars, both.flags, both.foreign) == ({"a"}, {"X"}, (("f", 1),))
    assert both.unknown == other.unknown != ()
    assert one | TextReading() == one
