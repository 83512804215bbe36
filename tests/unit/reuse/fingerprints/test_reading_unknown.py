"""Whatever is on no list is not understood, wherever in a template it is reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.reuse.fingerprints.reading import TextReading, read_template


def words(text: str) -> list[str]:
    """Return what is not understood in a template."""
    return [what for what, _ in read_template(text).unknown]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% set a = adapter %}", "adapter, which is passed on"),
        ("{{ f(adapter) }}", "adapter, which is passed on"),
        ("{% set q = run_query %}", "run_query, which is passed on, or which dbt does not define"),
        ("{% set m = modules %}", "modules, which is passed on"),
        ("{% set r = ref %}", "ref, which is passed on"),
        ("{% set u = dbt_utils %}", "dbt_utils, which is passed on, or which dbt does not define"),
        ("{% set s = dbt_utils.star %}", "dbt_utils.star, which is passed on, or which dbt does not define"),
        ("{% set get = config.get %}", "config.get, which is passed on"),
        ("{{ config.set('sql_header', 'x') }}", "config.set()"),
        ("{{ adapter.drop_relation(this) }}", "adapter.drop_relation()"),
        ("{{ adapter.execute('drop table t') }}", "adapter.execute()"),
        ("{{ adapter.no_such_method() }}", "adapter.no_such_method()"),
        ("{{ adapter.config.credentials.user }}", "adapter.config.credentials.user, which is passed on"),
        ("{{ adapter['quote']('x') }}", "adapter['quote']()"),
        ("{{ adapter | attr('type') }}", "adapter, which is passed on"),
        ("{{ (f or g)() }}", "a call of what is computed"),
        ("{% set x = f() %}{{ x['y']() }}", "a call of what is computed"),
        ("{% set x = f() %}{{ x() }}", "x(), which calls a variable"),
        ("{% macro m(f) %}{{ f(1) }}{% endmacro %}", "f(), which calls a variable"),
        ("{{ context['ref']('x') }}", "context"),
        ("{{ builtins }}", "builtins"),
        ("{{ modules.time.time() }}", "modules.time.time()"),
        ("{{ modules.datetime.datetime.fromtimestamp(0) }}", "the method fromtimestamp()"),
        ("{% set x = f() %}{{ x.astimezone() }}", "the method astimezone()"),
        ("{% set x = f() %}{{ x.to_csv('file') }}", "the method to_csv()"),
        ("{% set x = f() %}{{ x.execute }}", "the attribute execute"),
        ("{% set x = f() %}{{ x.__class__ }}", "the attribute __class__"),
        ("{{ var('list').append(1) }}", "the method append(), which changes a value that other nodes see"),
        (
            "{% set v = var('l') %}{% do v.x.append(1) %}",
            "the method append(), which changes a value that other nodes see",
        ),
        (
            "{% for v in var('l') %}{% do v.pop() %}{% endfor %}",
            "the method pop(), which changes a value that other nodes see",
        ),
        ("{{ x | no_such_filter }}", "the filter no_such_filter"),
        ("{{ [] | map(name) }}", "a filter whose name is computed"),
        ("{{ [] | select('no_such_test') | list }}", "the test no_such_test"),
        ("{{ 1 is no_such_test }}", "the test no_such_test"),
        ("{{ 1 is sameas f() }}", "the test sameas of what is computed"),
        ("{{ this() }}", "this()"),
        ("{{ nobody_knows }}", "nobody_knows, which is passed on, or which dbt does not define"),
        ("{{ flags.set('X', 1) }}", "flags.set()"),
        ("{{ exceptions.no_such() }}", "exceptions.no_such()"),
        ("{{ try_or_compiler_error('no', f, 1) }}", "try_or_compiler_error(), which calls what is passed to it"),
        ("{% set m = adapter.dispatch('x') %}{{ f(m) }}", "m, a macro that is passed on"),
        ("{{ return(adapter.dispatch('x')) }}", "what adapter.dispatch finds, which is passed on"),
        ("{% include 'file.sql' %}", "the statement include"),
        ("{% import 'file.sql' as f %}", "the statement import"),
        ("{% block b %}{% endblock %}", "the statement block"),
    ],
)
def test_functions_on_no_list_are_not_understood(text: str, what: str) -> None:
    """Aliases of objects and functions, computed calls, methods, filters and tests that nobody listed."""
    assert what in words(text)


@pytest.mark.parametrize(
    "text",
    [
        "select a, b from {{ ref('x') }} join {{ source('s', 't') }} using (a) where d = '{{ var('d', '2024') }}'",
        "{{ config(materialized='table') }}{% for c in ['a'] %}{{ c | upper }}{{ ',' if not loop.last }}{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
        "{% macro m(a, b='x') %}{{ a.name ~ b.split(',')[0] }}{{ caller() if caller is defined }}{% endmacro %}",
        "{% macro m() %}{{ kwargs.get('k') }}{{ varargs | join }}{% endmacro %}",
        "{% macro m(day: str, n: Optional[Dict[str, int]] = none) %}{{ day }}{% endmacro %}",
        "{% test t(model, column_name) %}select * from {{ model }} where {{ column_name }} is null{% endtest %}",
        "{% data_test t(model) %}select * from {{ model }}{% enddata_test %}",
        "{% snapshot s %}{{ config(strategy='check') }}select 1{% endsnapshot %}",
        "{% set m = adapter.dispatch('x', 'shop') %}{{ m(1) }}",
        "{% call m('x') %}{{ this.identifier }}{% endcall %}",
        "{% set comma = joiner(',') %}{% for i in [1] %}{{ comma() }}{{ i }}{% endfor %}",
        "{% set d = modules.datetime.datetime.strptime('2024', '%Y') %}{{ d.date() }}",
        "{{ modules.re.sub('a', 'b', 'c') }}{{ modules.pytz.timezone('UTC') }}{{ modules.itertools.count(1) }}",
        "{{ exceptions.raise_compiler_error('no ' ~ this) if target.name == 'prod' }}",
        "{% for c in adapter.get_columns_in_relation(ref('x')) if c.is_string() %}{{ c.quoted }}{% endfor %}",
        "{% filter upper %}a{% endfilter %}{% set b %}c{% endset %}{{ b | trim }}{% with d = b %}{{ d }}{% endwith %}",
        "{{ api.Relation.create(database=database, schema=schema, identifier='x').include(database=false) }}",
        "{{ api.Column.translate_type('text') }}{{ api.Column('a', 'text').quoted }}",
        "{{ {'a': [1, (2, 3)]}['a'][0] }}{{ -1 + 2 ** 3 // 4 % 5 }}{{ 'a' if 1 < 2 and not 3 is none else 'b' }}",
        "{{ graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | map(attribute='name') | list }}",
        "{% if x is defined %}{% endif %}{{ true is sameas true }}",
        "{% if var('a') %}{% set late = 1 %}{% endif %}{{ late }}",
        "{{ try_or_compiler_error('no', modules.datetime.datetime.strptime, 'a', 'b') }}",
        "{{ fromjson('{}').x }}{{ tojson([1]) }}{{ local_md5('a') }}{{ zip([1]) | list }}{{ log('x', info=true) }}",
        "{% for a in [1] recursive %}{{ loop([2]) }}{% if a %}{% break %}{% endif %}{% endfor %}",
        "{{ config(pre_hook='{{ log(this) }}') }}{{ '{% not a template' }}",
        "{{ test_unique(**_dbt_generic_test_kwargs) }}{{ builtins.ref('x') }}{{ function('f') }}",
    ],
)
def test_ordinary_templates_are_understood(text: str) -> None:
    """Documented names of dbt, Jinja's syntax, and methods of plain values."""
    assert words(text) == []


DANGERS = {
    "{{ adapter.drop_relation(this) }}": "unknown",
    "{{ (f or g)() }}": "unknown",
    "{{ modules.datetime.datetime.now() }}": "volatile",
    "{{ run_query('select 1') }}": "asks",
    "{{ var('v') }}": "vars",
    "{{ flags.FULL_REFRESH }}": "flags",
    "{{ my_macro(1) }}": "foreign",
    "{{ config.get('x') }}": "own_entry",
    "{{ target.name }}": "target",
}
AROUND = (
    "{% if false %}X{% endif %}",
    "{% if a %}{% elif b %}X{% else %}{% endif %}",
    "{% if a %}{% else %}X{% endif %}",
    "{% for i in [] %}X{% endfor %}",
    "{% for i in [1] %}{% else %}X{% endfor %}",
    "{% macro never_called() %}X{% endmacro %}",
    "{% call f() %}X{% endcall %}",
    "{% set x %}X{% endset %}",
    "{% filter upper %}X{% endfilter %}",
    "{% with a = 1 %}X{% endwith %}",
    "{% test t(model) %}X{% endtest %}",
    "{% materialization m, adapter='duckdb', supported_languages=['sql'] %}X{% endmaterialization %}",
    "-- X",
    "' X '",
    "{# no #} {% raw %}{{ no }}{% endraw %} X",
    "{% set v = 1 %}X{{ v }}",
)
WITHIN = (
    "{{ E if false else 1 }}",
    "{{ f(E) }}",
    "{{ f(a=E) }}",
    "{{ f(*E) }}",
    "{{ f(**E) }}",
    "{{ [1, {'a': (E,)}] }}",
    "{{ 'a' ~ E }}",
    "{{ E | upper }}",
    "{{ 'a' | replace(E, 'b') }}",
    "{{ 1 is divisibleby(E) }}",
    "{{ 'abc'[E:] }}",
    "{{ {}[E] }}",
    "{{ {E: 1} }}",
    "{{ not E }}",
    "{{ 1 < 2 < E }}",
    "{{ 1 in [E] }}",
    "{% set x = E %}",
    "{% set x, y = 1, E %}",
    "{% do [].append(E) %}",
    "{% for i in E %}{% endfor %}",
    "{% for i in [] if E %}{% endfor %}",
    "{% macro m(a=E) %}{% endmacro %}",
    "{% with x = E %}{% endwith %}",
    "{% call f(E) %}{% endcall %}",
    "{% call(a=E) f() %}{% endcall %}",
    "{{ config(post_hook='{{ HOOK }}') }}",
)


@given(
    st.sampled_from(sorted(DANGERS)),
    st.sampled_from(("{{ E }}", *WITHIN)),
    st.lists(st.sampled_from(AROUND), max_size=4),
)
def test_unknown_code_is_found_wherever_it_is_written(danger: str, within: str, around: list[str]) -> None:
    """In any expression and any statement, however deep, taken or not."""
    expression = danger.removeprefix("{{ ").removesuffix(" }}")
    text = (
        within.replace("E", expression)
        if "HOOK" not in within
        else within.replace("HOOK", expression.replace("'", '"'))
    )
    for layer in around:
        text = layer.replace("X", text)
    found = read_template(text)
    assert getattr(found, DANGERS[danger]), text


@pytest.mark.parametrize(
    ("text", "is_global"),
    [
        ("{% set graph = 1 %}{{ graph }}", False),
        ("{% for graph in [1] %}{{ graph }}{% endfor %}", False),
        ("{% for graph in [1] %}{% endfor %}{{ graph }}", True),
        ("{% if a() %}{% set graph = 1 %}{% endif %}{{ graph }}", True),
        ("{% if a() %}{% set graph = 1 %}{% else %}{% set graph = 2 %}{% endif %}{{ graph }}", False),
        ("{% for i in [1] %}{% set graph = 1 %}{% endfor %}{{ graph }}", True),
        ("{% macro m(graph) %}{{ graph }}{% endmacro %}", False),
        ("{% macro m(graph) %}{% endmacro %}{{ graph }}", True),
        ("{% macro m(a=graph) %}{{ a }}{% endmacro %}", True),
        ("{{ graph }}{% set graph = 1 %}", True),
        ("{% set graph = graph %}", True),
        ("{% set x %}{% set graph = 1 %}{% endset %}{{ graph }}", True),
        ("{% with graph = 1 %}{{ graph }}{% endwith %}", False),
        ("{% with graph = 1 %}{% endwith %}{{ graph }}", True),
        ("{% call(graph) m() %}{{ graph }}{% endcall %}", False),
        ("{% call(graph) m(graph) %}{% endcall %}", True),
    ],
)
def test_a_local_variable_hides_a_name_of_dbt_as_far_as_it_reaches(text: str, is_global: bool) -> None:
    """As in Jinja: what only some ways set may still be the name of dbt."""
    assert ("graph" in dict(read_template(text).asks)) == is_global


@pytest.mark.parametrize("text", ["{% if %}", "{{ a b }}", "{% endif %}", "{% for x in %}{% endfor %}", "{{ 'a }}"])
def test_templates_that_jinja_cannot_parse_are_not_understood(text: str) -> None:
    """With the line where it fails."""
    found = read_template(f"select 1\n{text}")
    assert found == TextReading(unknown=found.unknown)
    assert found.unknown[0][0].startswith("Jinja cannot parse it: ")
    assert found.unknown[0][1] == 2


def test_an_expression_that_is_nested_too_deeply_is_not_understood() -> None:
    """Python's limit is met before the end is."""
    assert words("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}") == ["an expression that is nested too deeply"]
