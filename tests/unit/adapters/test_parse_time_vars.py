"""Vars that only the SQL of nodes reads are no reason to parse a project again; what is not understood is one."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.dbt.parse_time_vars import read_by_parse

NAMES = ("elt_data_interval_start", "elt_data_interval_end", "logical_date")
START = "var('elt_data_interval_start')"
MACRO = "{% macro since(column) %}{{ column }} >= '{{ var('elt_data_interval_start') }}'{% endmacro %}"


ONLY_IN_SQL = (
    "select 1 -- data_interval",
    "{# elt_data_interval_start #} {{ config(materialized='table') }} select 1",
    f"select '{{{{ {START} }}}}' from {{{{ ref('a') }}}}",
    f"select '{{{{ {START}[:10] }}}}', '{{{{ {START}.split('T')[0] | upper }}}}'",
    f"{{% set since = {START} %}} {{{{ config(tags=['a']) }}}} select '{{{{ since }}}}' from {{{{ ref('a') }}}}",
    f"{{% if {START} > '2026' %}} select 1 {{% else %}} select 2 {{% endif %}} from {{{{ ref('a') }}}}",
    f"select 1 {{% if is_incremental() %}} where at >= '{{{{ {START} }}}}' {{% endif %}}",
    "select 1 {% if var('elt_data_interval_start', none) and is_incremental() %} where true {% endif %}",
    f"{{% set at = modules.datetime.datetime.fromisoformat({START}) %}} select {{{{ at.year }}}}",
    f"{{% set parts = [] %}} {{% do parts.append({START}) %}} select {{{{ parts | join(',') }}}}",
    f"{{{{ log({START}, info=true) }}}} select 1",
    "{% for side in ['start', 'end'] %} {{ var('elt_data_interval_' ~ side) }} {% endfor %}",
    f"{{% call statement('x') %}} delete from t where at < '{{{{ {START} }}}}' {{% endcall %}} select 1",
    "{{ config(post_hook=\"insert into log values ('{{ var('elt_data_interval_end') }}')\") }} select 1",
    "{% snapshot s %} select '{{ var('logical_date') }}' from {{ ref('a') }} {% endsnapshot %}",
    "{% if var.has_var('elt_data_interval_start') %} select 1 {% else %} select 2 {% endif %}",
)


def read(sql: str, **others: str) -> str | None:
    files = {"models/m.sql": dedent(sql)}
    files |= {
        name.replace("__", "/").replace("_yml", ".yml").replace("_sql", ".sql"): text for name, text in others.items()
    }
    return read_by_parse(NAMES, files)


@pytest.mark.parametrize("sql", ONLY_IN_SQL)
def test_a_value_that_only_shows_in_the_sql_is_not_read_by_the_parse(sql):
    assert read(sql) is None


@pytest.mark.parametrize(
    "sql",
    [
        f"{{{{ config(tags=[{START}]) }}}} select 1",
        f"select * from {{{{ ref('orders_' ~ {START}[:4]) }}}}",
        f"select * from {{{{ source('raw', {START}) }}}}",
        f"select * from {{% if {START} > '2026' %}} {{{{ ref('a') }}}} {{% else %}} {{{{ ref('b') }}}} {{% endif %}}",
        f"{{% set late = {START} > '2026' %}} {{% if late %}} {{{{ config(enabled=false) }}}} {{% endif %}} select 1",
        f"select * from {{{{ ref('a') if {START} else ref('b') }}}}",
        f"{{{{ {START} and config(enabled=false) }}}} select 1",
        f"{{% for x in {START}.split('-') %}} {{{{ ref(x) }}}} {{% endfor %}}",
        "{{ config(alias=var('elt_data_interval_' ~ 'end')) }} select 1",
        f"{{{{ context[{START}] }}}} select 1",
        f"{{{{ unknown_macro({START}) }}}} select 1",
        f"{{% set a = [] %}} {{% if {START} %}} {{% do a.append(1) %}} {{% endif %}} {{{{ config(tags=a) }}}} x",
        f"{{% set f = ref if {START} else source %}} {{{{ f('a', 'b') }}}}",
        f"{{% call set_sql_header(config) %}} set x = '{{{{ {START} }}}}' {{% endcall %}} select 1",
        f"{{{{ {START} ",
        "{{ config(post_hook=var('elt_data_interval_end')) }} select 1",
        f"{{% set ns = namespace(x='') %}} {{% set ns.x = {START} %}} {{{{ ref(ns.x) }}}}",
    ],
)
def test_a_value_that_may_change_the_manifest_is_read_by_the_parse(sql):
    assert str(read(sql)).startswith("models/m.sql")


def test_a_macro_passes_the_value_on_to_what_calls_it():
    assert read("select 1 where {{ since('at') }}", macros__m_sql=MACRO) is None
    assert read("{{ config(tags=[since('at')]) }} select 1", macros__m_sql=MACRO) == "models/m.sql:1"
    twice = MACRO + "{% macro indeed(c) %}{{ pkg.since(c) }}{% endmacro %}"
    assert read("select 1 where {{ indeed('at') }}", macros__m_sql=twice) is None
    assert read("{{ config(tags=[indeed('at')]) }} select 1", macros__m_sql=twice) == "models/m.sql:1"
    dispatched = "{% macro since(c) %}{{ adapter.dispatch('since')(c) }}{% endmacro %}" + MACRO.replace(
        "since", "duckdb__since"
    )
    assert read("{{ config(tags=[since('at')]) }} select 1", macros__m_sql=dispatched) == "models/m.sql:1"


def test_a_macro_that_gets_the_value_is_followed():
    harmless = "{% macro day(at) %}{% set d = at[:10] %}date '{{ d }}'{% endmacro %}"
    assert read(f"select {{{{ day({START}) }}}}", macros__m_sql=harmless) is None
    refers = "{% macro day(at) %}{{ ref(at) }}{% endmacro %}"
    assert read(f"select {{{{ day({START}) }}}}", macros__m_sql=refers) == "macros/m.sql:1"
    dispatched = (
        "{% macro day(at) %}{{ return(adapter.dispatch('day')(at)) }}{% endmacro %}"
        "{% macro default__day(at) %}{{ ref(at) }}{% endmacro %}"
    )
    assert read(f"select {{{{ day({START}) }}}}", macros__m_sql=dispatched) == "macros/m.sql:1"


def test_a_list_that_gets_the_value_is_followed_under_all_of_its_names():
    body = "{% set a = [] %}{% set b = a %}{% do b.append(" + START + ") %}"
    assert read(body + "select {{ a | join(',') }}") is None
    assert read(body + "{{ config(tags=a) }} select 1") == "models/m.sql:1"
    fills = "{% macro fill(list) %}{% do list.append(var('elt_data_interval_start')) %}{% endmacro %}"
    called = "{% set a = [] %}{{ fill(a) }}{{ config(tags=a) }} select 1"
    assert read(called, macros__m_sql=fills) == "models/m.sql:1"


def test_a_macro_of_dbt_may_get_the_value():
    dateadd = (
        "{% macro dateadd(part, n, at) %}{{ return(adapter.dispatch('dateadd', 'dbt')(part, n, at)) }}{% endmacro %}"
        "{% macro default__dateadd(part, n, at) %}{% if part == 'day' %}{{ other() }}{% endif %}{{ at }}{% endmacro %}"
    )
    assert read(f"select {{{{ dbt.dateadd('day', 1, {START}) }}}}", macros__m_sql=dateadd) is None
    assert read(f"select {{{{ dbt.dateadd({START}, 1, 'x') }}}}", macros__m_sql=dateadd) == "macros/m.sql:1"


def test_a_macro_that_dbt_calls_when_it_parses_is_read_by_the_parse():
    macro = "{% macro generate_schema_name(name, node) %}s_{{ var('logical_date') }}{% endmacro %}"
    assert read("select 1", macros__m_sql=macro) == "the macro generate_schema_name, which dbt calls when it parses"


def test_yaml_is_read_by_the_parse_where_it_has_an_expression():
    assert read("select 1", models__m_yml="description: reads elt_data_interval_start") is None
    assert read("select 1", dbt_project_yml="vars: {elt_data_interval_start: '2026-01-01'}") is None
    expression = "a: b\nmodels: {+schema: \"{{ var('elt_data_interval_start') }}\"}"
    assert read("select 1", dbt_project_yml=expression) == "dbt_project.yml:2"
    assert read("select 1", models__m_yml="- accepted_values: {values: var('logical_date')}") == "models/m.yml:1"
    assert read("select 1", models__m_yml="description: \"{{ since('x') }}\"", macros__m_sql=MACRO) == "models/m.yml:1"


def test_a_project_that_does_not_name_them_is_not_looked_at():
    assert read("{{ config(tags=[var('other')]) }} {{ broken ") is None


@given(
    st.lists(
        st.sampled_from(
            [
                "{{ config(tags=['x']) }}",
                "{{ ref('a') }}",
                f"{{{{ {START} }}}}",
                "{% if x %}",
                "{% endif %}",
                "select",
                f"{{% if {START} %}}",
                "{% set x = 1 %}",
                f"{{% set x = {START} %}}",
                "{{ x }}",
                "{{ config(tags=[x]) }}",
            ]
        ),
        max_size=8,
    )
)
def test_more_text_never_makes_the_parse_read_less(pieces):
    """A reason to parse again stays one, whatever follows."""
    text = " ".join(pieces)
    if read(text) is not None:
        assert read(text + " {{ ref('b') }}") is not None


@given(
    st.lists(
        st.sampled_from(
            [
                "{{ ref('a') }}",
                f"{{{{ {START} }}}}",
                "select 1",
                "{% set y = 1 %}",
                f"{{% set x = {START} %}}",
                "{{ x }}",
                f"{{% if {START} > '2026' %}} a {{% endif %}}",
                "{{ y }}",
                "{% if y %}{{ ref('b') }}{% endif %}",
            ]
        ),
        max_size=8,
    )
)
def test_what_is_called_not_read_renders_the_same_calls_for_any_value(pieces):
    """The calls of ref() and config() are the same for two values; a small Jinja stands for dbt's parse."""
    from jinja2 import Environment

    text = " ".join(pieces)
    if read(text) is None:
        seen = []
        for value in ("2025-01-01", "2027-01-01"):
            calls: list[object] = []
            Environment(autoescape=False).from_string(text).render(
                var=lambda *_, value=value: value,
                ref=lambda *names, calls=calls: calls.append(names) or "r",
                config=lambda calls=calls, **options: calls.append(str(options)) or "",
            )
            seen.append(calls)
        assert seen[0] == seen[1]
