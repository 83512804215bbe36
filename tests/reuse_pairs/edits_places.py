"""Edits of where things are and of what happened in between: sources, versions, restored databases, lost records."""

import shutil
from random import Random

import yaml

from tests.reuse_pairs.parts import (
    BOTH,
    CONFIGURATION,
    DATA,
    DUCKDB,
    JINJA,
    NOTHING,
    POSTGRES,
    RELATIONS,
    SQL,
    Part,
    built,
    changed_rows,
    drawer,
    outside,
    source_yml,
    table,
)
from tests.reuse_pairs.warehouses import FILE


@drawer(CONFIGURATION, *BOTH)
def source_points_elsewhere(draw: Random, p: str, adapter: str) -> Part:
    """A source gets another identifier or schema in YAML; the other table has other rows."""
    yml = f"models/{p}.yml"
    then, now = draw.choice(((f"identifier: {p}_one", f"identifier: {p}_two"), ("schema: ext", f"schema: ext_{p}")))
    text = f"sources: [{{name: {p}_ext, schema: ext, tables: [{{name: t, identifier: {p}_one}}]}}]\n"
    ddl = (
        *outside(f"{p}_one"),
        *outside(f"{p}_two", ((1, "z"),)),
        f"create schema ext_{p}",
        f"create table ext_{p}.{p}_one as select 7 as id, 'elsewhere' as v",
    )
    return Part(
        variant=f"{then} becomes {now}",
        files={yml: text, f"models/{p}_read.sql": built(draw, f"select id, v from {{{{ source('{p}_ext', 't') }}}}")},
        outputs=(f"{p}_read",),
        ddl=ddl,
        edit=lambda bench: bench.replace(yml, then, now),
    )


@drawer(CONFIGURATION, *BOTH)
def latest_version_changes(draw: Random, p: str, adapter: str) -> Part:
    """Another version of a model becomes the latest, which a reference without a version means."""
    yml = f"models/{p}.yml"
    return Part(
        variant="latest_version",
        files={
            yml: f"models: [{{name: {p}_m, latest_version: 1, versions: [{{v: 1}}, {{v: 2}}]}}]\n",
            f"models/{p}_m_v1.sql": table("select 1 as id, 'one' as v"),
            f"models/{p}_m_v2.sql": table("select 1 as id, 'two' as v"),
            f"models/{p}_read.sql": built(draw, f"select id, v from {{{{ ref('{p}_m') }}}}"),
        },
        outputs=(f"{p}_read",),
        edit=lambda bench: bench.replace(yml, "latest_version: 1", "latest_version: 2"),
    )


@drawer(NOTHING, *BOTH, harmless=True)
def file_moves(draw: Random, p: str, adapter: str) -> Part:
    """The file of a model or macro moves to another folder or gets another name, with the same text."""
    old, new = draw.choice(
        (
            (f"models/{p}_plain.sql", f"models/moved/{p}_plain.sql"),
            (f"macros/{p}.sql", f"macros/{p}_moved.sql"),
            (f"models/{p}.yml", f"models/{p}_moved.yml"),
        )
    )

    def edit(bench):
        bench.write(new, (bench.root / old).read_text())
        bench.remove(old)

    return Part(
        variant=f"{old} becomes {new}",
        files={
            f"macros/{p}.sql": f"{{% macro {p}_f() %}}'x'{{% endmacro %}}\n",
            f"models/{p}.yml": f"models: [{{name: {p}_plain, description: It moves.}}]\n",
            f"models/{p}_plain.sql": table(f"select 1 as id, {{{{ {p}_f() }}}} as v"),
        },
        outputs=(f"{p}_plain",),
        edit=edit,
    )


@drawer(SQL, *BOTH)
def hook_reads_a_table(draw: Random, p: str, adapter: str) -> Part:
    """A hook of a model reads a table without ref(), whose rows change."""
    hook = draw.choice(("pre_hook", "post_hook"))
    statement = (
        f"insert into {{{{ this }}}} select id + 10, v from ext.{p}_t"
        if hook == "post_hook"
        else f"create or replace view ext.{p}_made as select count(*) as n from ext.{p}_t"
    )
    sql = "select 1 as id, cast('x' as varchar) as v"
    if hook == "pre_hook":
        sql = f"select 1 as id, cast(n as varchar) as v from ext.{p}_made"
    _, change = changed_rows(draw, f"ext.{p}_t")
    return Part(
        variant=f"{hook}: {change}",
        files={f"models/{p}_hooked.sql": table(sql, f'{hook}="{statement}"')},
        outputs=(f"{p}_hooked",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(RELATIONS, DUCKDB)
def database_is_put_back(draw: Random, p: str, adapter: str) -> Part:
    """The text of a model changes and is run; then the database file is put back, and perhaps the text."""
    file, both = f"models/{p}_t.sql", draw.random() < 0.5

    def edit(bench):
        shutil.copy(bench.root / FILE, bench.root / "kept")
        bench.replace(file, "'one'", "'two'")
        bench.elt("run", "--no-ingest", "--select", f"{p}_t")
        shutil.move(bench.root / "kept", bench.root / FILE)
        if both:
            bench.replace(file, "'two'", "'one'")

    return Part(
        variant="text too" if both else "file alone",
        files={file: built(draw, "select 1 as id, 'one' as v")},
        outputs=(f"{p}_t",),
        edit=edit,
    )


@drawer(RELATIONS, *BOTH)
def record_is_lost(draw: Random, p: str, adapter: str) -> Part:
    """The record of runs is deleted, and the text of a model changes or a row of its table."""
    file, by_hand = f"models/{p}_t.sql", draw.random() < 0.5
    schema = "main" if adapter == DUCKDB else "analytics"

    def edit(bench):
        shutil.rmtree(bench.root / ".elt", ignore_errors=True)
        if by_hand:
            bench.sql(f"update {schema}.{p}_t set v = 'theirs'")
        else:
            bench.replace(file, "'one'", "'two'")

    return Part(
        variant="by hand" if by_hand else "text",
        files={file: table("select 1 as id, 'one' as v")},
        outputs=(f"{p}_t",),
        edit=edit,
    )


@drawer(RELATIONS, *BOTH)
def run_breaks_between(draw: Random, p: str, adapter: str) -> Part:
    """A run in between ends in an error, of a model or of a hook behind it; then the text is put back."""
    file = f"models/{p}_t.sql"
    before = table("select 1 as id, 'one' as v", 'post_hook="select 1"')
    old, new = draw.choice((("'one'", "no_such_column"), ('"select 1"', '"select no_such_column"')))

    def edit(bench):
        bench.replace(file, old, new)
        if "hook" not in new:
            bench.replace(file, "1 as id", "2 as id")
        bench.elt("run", "--no-ingest", "--select", f"{p}_t")
        bench.write(file, before)

    return Part(variant=new, files={file: before}, outputs=(f"{p}_t",), edit=edit)


@drawer(DATA, *BOTH)
def rows_change_and_return(draw: Random, p: str, adapter: str) -> Part:
    """Rows of a source change, a part of the project runs, and the rows of before return."""
    _, change = changed_rows(draw, f"ext.{p}_t")

    def edit(bench):
        bench.sql(f"create table ext.{p}_kept as select * from ext.{p}_t")
        bench.sql(change)
        bench.elt("run", "--no-ingest", "--select", f"{p}_read")
        bench.sql(f"delete from ext.{p}_t; insert into ext.{p}_t select * from ext.{p}_kept")

    return Part(
        variant=change,
        files={
            f"models/{p}_read.sql": built(draw, f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_read",),
        ddl=outside(f"{p}_t"),
        edit=edit,
    )


@drawer(DATA, POSTGRES)
def materialized_view_is_refreshed(draw: Random, p: str, adapter: str) -> Part:
    """Rows change below a materialized view, which a run refreshes."""
    _, change = changed_rows(draw, f"ext.{p}_t")
    return Part(
        variant=change,
        files={
            f"models/{p}_mv.sql": "{{ config(materialized='materialized_view') }}\n"
            f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}\n",
            f"models/{p}_below.sql": table(f"select id, v from {{{{ ref('{p}_mv') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_below",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(CONFIGURATION, *BOTH)
def flag_of_the_project_changes(draw: Random, p: str, adapter: str) -> Part:
    """A flag changes in dbt_project.yml that the code reads."""
    flag, then, now = draw.choice((("printer_width", "70", "90"), ("log_cache_events", "false", "true")))
    read = f"flags.{flag.upper()}"
    return Part(
        variant=f"{flag}: {read}",
        files={f"models/{p}_flag.sql": table(f"select 1 as id, '{{{{ {read} }}}}' as v")},
        outputs=(f"{p}_flag",),
        project={"flags": {flag: yaml.safe_load(then)}},
        edit=lambda bench: bench.replace("dbt_project.yml", f"{flag}: {then}", f"{flag}: {now}"),
    )


MATERIALIZATION = """{% materialization NAME, ADAPTER %}
  {% set target_relation = this.incorporate(type='table') %}
  {% call statement('main') %}
    drop table if exists {{ this }}; create table {{ this }} as select id, v || 'one' as v from ({{ sql }}) q
  {% endcall %}
  {% do adapter.commit() %}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
"""


@drawer(JINJA, DUCKDB)
def own_materialization_changes(draw: Random, p: str, adapter: str) -> Part:
    """The text of a materialization of the project's own changes."""
    file = f"macros/{p}.sql"
    text = MATERIALIZATION.replace("NAME", f"{p}_kind").replace("ADAPTER", "default")
    return Part(
        variant="its statement",
        files={
            file: text,
            f"models/{p}_own.sql": f"{{{{ config(materialized='{p}_kind') }}}}\nselect 1 as id, 'x' as v\n",
        },
        outputs=(f"{p}_own",),
        edit=lambda bench: bench.replace(file, "'one'", "'two'"),
    )
