"""Edits of what the code finds when it asks the warehouse while it compiles."""

from random import Random

from tests.reuse_pairs.parts import BOTH, JINJA, Part, built, drawer, outside, source_yml, table, view

ASKED = (
    "{{% for row in run_query('select v from ext.{p}_t order by id, v') %}}{{{{ row[0] }}}},{{% endfor %}}",
    (
        "{{% if execute %}}"
        "{{{{ run_query('select count(*) from ' ~ source('{p}_ext', '{p}_t')).columns[0].values()[0] }}}}"
        "{{% endif %}}"
    ),
    (
        "{{% set ask = run_query %}}{{% if execute %}}"
        "{{{{ ask('select max(id) from ext.{p}_t').rows[0][0] }}}}{{% endif %}}"
    ),
    (
        "{{% if execute %}}{{% call statement('q', fetch_result=True) %}}select max(v) from ext.{p}_t{{% endcall %}}"
        "{{{{ load_result('q')['data'][0][0] }}}}{{% endif %}}"
    ),
    "{{{{ {p}_ask() }}}}",
    "{{% if execute %}}{{{{ dbt.run_query('select max(id) from ext.{p}_t').rows[0][0] }}}}{{% endif %}}",
    (
        "{{% set d = dbt %}}{{% if execute %}}"
        "{{{{ d['run_query']('select max(id) from ext.{p}_t').rows[0][0] }}}}{{% endif %}}"
    ),
)


@drawer(JINJA, *BOTH)
def run_query_answers_otherwise(draw: Random, p: str, adapter: str) -> Part:
    """Rows change that the code asks for while it compiles."""
    asked = draw.choice(ASKED).format(p=p)
    _, change = draw.choice(
        ((0, f"insert into ext.{p}_t values (4, 'd')"), (0, f"update ext.{p}_t set id = 9, v = 'z'"))
    )
    macro = (
        f"{{% macro {p}_ask() %}}{{% if execute %}}"
        f"{{{{ run_query('select max(id) from ext.{p}_t').rows[0][0] }}}}{{% endif %}}{{% endmacro %}}\n"
    )
    return Part(
        variant=f"{asked}: {change}",
        files={
            f"macros/{p}.sql": macro,
            f"models/{p}_asks.sql": built(draw, f"select 1 as id, '{asked}' as v"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_asks",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


ADAPTER = (
    "{{% set a = adapter %}}{{{{ a.get_columns_in_relation(source('{p}_ext', '{p}_t')) | length }}}}",
    "{{{{ adapter.get_columns_in_relation(source('{p}_ext', '{p}_t')) | map(attribute='name') | join('+') }}}}",
    "{{{{ adapter['get_columns_in_relation'](source('{p}_ext', '{p}_t')) | length }}}}",
    "{{% set f = adapter.get_columns_in_relation %}}{{{{ f(source('{p}_ext', '{p}_t')) | length }}}}",
    "{{{{ {p}_with(adapter) }}}}",
)


@drawer(JINJA, *BOTH)
def adapter_answers_otherwise(draw: Random, p: str, adapter: str) -> Part:
    """A table gains a column that the code asks an alias of the adapter for."""
    asked = draw.choice(ADAPTER).format(p=p)
    macro = (
        f"{{% macro {p}_with(a) %}}{{{{ a.get_columns_in_relation(source('{p}_ext', '{p}_t')) | length }}}}"
        "{% endmacro %}\n"
    )
    return Part(
        variant=asked,
        files={
            f"macros/{p}.sql": macro,
            f"models/{p}_asks.sql": built(draw, f"select 1 as id, '{asked}' as v"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_asks",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(f"alter table ext.{p}_t add column w integer"),
    )


@drawer(JINJA, *BOTH)
def relation_appears(draw: Random, p: str, adapter: str) -> Part:
    """The code asks whether a table exists, its own or another one; the answer of the second run is another one."""
    asked = draw.choice(
        (
            "load_relation(this) is none",
            "adapter.get_relation(this.database, this.schema, this.identifier) is none",
            f"adapter.get_relation(target.database, 'ext', '{p}_late') is none",
            f"load_relation(source('{p}_ext', '{p}_late')) is none",
        )
    )
    return Part(
        variant=asked,
        files={
            f"models/{p}_asks.sql": table(f"select 1 as id, '{{{{ {asked} }}}}' as v"),
            f"models/{p}.yml": source_yml(p, f"{p}_late"),
        },
        outputs=(f"{p}_asks",),
        edit=lambda bench: bench.sql(f"create table ext.{p}_late as select 1 as id"),
    )


@drawer(JINJA, *BOTH)
def date_spine_over_a_source(draw: Random, p: str, adapter: str) -> Part:
    """dbt's date_spine asks a source for its first and last day while it compiles; later days arrive."""
    kind = draw.choice((view, table))
    days = (
        f"{{{{ dbt.date_spine('day', \"(select min(day) from \" ~ source('{p}_ext', '{p}_t') ~ \")\","
        f" \"(select max(day) from \" ~ source('{p}_ext', '{p}_t') ~ \")\") }}}}"
    )
    return Part(
        variant=kind.__name__,
        files={
            f"models/{p}_days.sql": kind(days),
            f"models/{p}_spine.sql": table(f"select 1 as id, count(*) as v from {{{{ ref('{p}_days') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_spine",),
        ddl=(
            f"create table ext.{p}_t (day date)",
            f"insert into ext.{p}_t values ('2024-01-01'), ('2024-01-03')",
        ),
        edit=lambda bench: bench.sql(f"insert into ext.{p}_t values ('2024-02-15')"),
    )
