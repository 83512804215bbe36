"""Edits of configuration: of a node, of the project, of the profile; and options of the run."""

from random import Random

from tests.reuse_pairs.parts import (
    BOTH,
    CONFIGURATION,
    DUCKDB,
    NOTHING,
    POSTGRES,
    Part,
    built,
    drawer,
    outside,
    source_yml,
    table,
)

KEYS = (
    ("materialized: table", "materialized: view"),
    ("materialized: view", "materialized: table"),
    ("materialized: table", "materialized: incremental"),
    ("materialized: incremental", "materialized: table"),
    ("materialized: incremental, unique_key: id", "materialized: incremental, unique_key: [id, v]"),
    (
        "materialized: incremental, on_schema_change: ignore",
        "materialized: incremental, on_schema_change: append_new_columns",
    ),
    (
        "materialized: incremental, unique_key: id",
        "materialized: incremental, unique_key: id, incremental_strategy: merge",
    ),
    ("materialized: table", "materialized: table, indexes: [{columns: [id]}]"),
    ("materialized: table", "materialized: table, alias: {p}_renamed"),
    ("materialized: table", "materialized: table, schema: marts"),
    ("materialized: table", "materialized: table, persist_docs: {relation: true, columns: true}"),
    ("materialized: table", "materialized: table, contract: {enforced: true}"),
    ("materialized: table, contract: {enforced: true}", "materialized: table"),
    ("materialized: table", "materialized: table, post_hook: \"insert into {{ this }} values (9, 'hook')\""),
    ("materialized: table, pre_hook: 'select 1'", "materialized: table, pre_hook: 'select 2'"),
    ("materialized: table", "materialized: table, full_refresh: true"),
    ("materialized: table", "materialized: table, enabled: true, sql_header: 'set search_path = main;'"),
)


@drawer(CONFIGURATION, *BOTH)
def key_changes(draw: Random, p: str, adapter: str) -> Part:
    """A key of a model's configuration changes."""
    keys = KEYS if adapter == DUCKDB else KEYS[:-1]
    then, now = (one.replace("{p}", p) for one in draw.choice(keys))
    yml = f"models/{p}.yml"
    text = (
        f"models:\n  - name: {p}_keyed\n    description: It is keyed.\n    config: {{{then}}}\n"
        "    columns: [{name: id, data_type: integer, description: its id}, {name: v, data_type: varchar}]\n"
    )
    return Part(
        variant=f"{then} becomes {now}",
        files={
            yml: text + source_yml(p, f"{p}_t"),
            f"models/{p}_keyed.sql": f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}\n",
        },
        outputs=(f"{p}_keyed",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.replace(yml, f"{{{then}}}", f"{{{now}}}"),
    )


@drawer(CONFIGURATION, *BOTH)
def persisted_description_changes(draw: Random, p: str, adapter: str) -> Part:
    """A description changes that is kept in the database."""
    yml = f"models/{p}.yml"
    kind = draw.choice(("table", "view", "incremental"))
    return Part(
        variant=kind,
        files={
            yml: f"models:\n  - name: {p}_kept\n    description: five\n"
            f"    config: {{materialized: {kind}, persist_docs: {{relation: true, columns: true}}}}\n"
            "    columns: [{name: v, description: five}]\n",
            f"models/{p}_kept.sql": "select 1 as id, 'x' as v\n",
        },
        outputs=(f"{p}_kept",),
        edit=lambda bench: bench.replace(yml, "five", "nine"),
    )


@drawer(CONFIGURATION, *BOTH)
def made_up_key_changes(draw: Random, p: str, adapter: str) -> Part:
    """A key changes that dbt does not know, or one of `meta`, and a macro, a hook or a materialization reads it."""
    where, place = draw.choice(("code", "hook")), draw.choice(("model", "project"))
    read = "{{ config.get('shade', 'none') }}"
    hook = ", post_hook=\"insert into {{ this }} values (9, '{{ config.get('shade', 'none') }}')\""
    yml, inner = f"models/{p}.yml", f"models/{p}_dir/{p}_shady.sql"
    files = {
        inner: table(f"select 1 as id, '{read if where == 'code' else 'x'}' as v", hook[2:] if where == "hook" else "")
    }
    if place == "model":
        files[yml] = f"models:\n  - {{name: {p}_shady, config: {{shade: dark_{p}}}}}\n"
    project = {"models": {"pairs": {f"{p}_dir": {"+shade": f"dark_{p}"}}}} if place == "project" else {}
    file = yml if place == "model" else "dbt_project.yml"
    return Part(
        variant=f"{place}, {where}",
        files=files,
        outputs=(f"{p}_shady",),
        project=project,
        edit=lambda bench: bench.replace(file, f"dark_{p}", f"light_{p}"),
    )


@drawer(CONFIGURATION)
def setting_of_the_profile_changes(draw: Random, p: str, adapter: str) -> Part:
    """A setting of the database changes in profiles.yml."""
    key, then, now, expression = draw.choice(
        (
            ("TimeZone", "UTC", "Asia/Tokyo", "cast(timestamptz '2024-01-01 23:30:00+00' as date)"),
            ("TimeZone", "UTC", "Asia/Tokyo", "strftime(timestamptz '2024-01-01 23:30:00+00', '%H')"),
            ("TimeZone", "UTC", "Asia/Tokyo", "current_setting('TimeZone')"),
            ("integer_division", "'false'", "'true'", "5 / 2"),
            ("default_null_order", "nulls_first", "nulls_last", "list_sort([2, null, 1])"),
            ("ieee_floating_point_ops", "'true'", "'false'", "1.0::double / 0.0"),
        )
    )
    return Part(
        variant=f"{key}: {expression}",
        files={f"models/{p}_set.sql": built(draw, f"select 1 as id, cast({expression} as varchar) as v")},
        outputs=(f"{p}_set",),
        profile={"settings": {key: then.strip("'")}},
        edit=lambda bench: bench.replace("profiles.yml", f"{key}: {then}", f"{key}: {now}"),
    )


@drawer(CONFIGURATION, *BOTH)
def run_is_empty(draw: Random, p: str, adapter: str) -> Part:
    """One of the two runs has --empty."""
    first, second = draw.choice(((("--empty",), ()), ((), ("--empty",))))
    return Part(
        variant=f"{first} then {second}",
        files={
            f"models/{p}_read.sql": table(f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_read",),
        ddl=outside(f"{p}_t"),
        first=first,
        second=second,
    )


EVENTS = ("2024-03-01 10:00", "2025-03-02 11:00", "2026-03-03 12:00")


def _events(p: str) -> tuple[str, ...]:
    rows = ", ".join(f"({number}, 'e{number}', '{at}')" for number, at in enumerate(EVENTS, 1))
    return (
        f"create table ext.{p}_e (id integer, v varchar, seen_at timestamp)",
        f"insert into ext.{p}_e values {rows}",
    )


@drawer(CONFIGURATION, *BOTH)
def event_time_is_limited(draw: Random, p: str, adapter: str) -> Part:
    """The second run has --event-time-start and -end, or --sample; some have an event_time, some a microbatch."""
    options = draw.choice(
        (
            ("--event-time-start", "2025-01-01", "--event-time-end", "2026-01-01"),
            ("--sample", "{'start': '2025-01-01', 'end': '2026-01-01'}"),
        )
    )
    first, second = draw.choice((((), options), (options, ())))
    kind = draw.choice(("microbatch", "table", "none"))
    micro = (
        "materialized='incremental', incremental_strategy='microbatch', event_time='seen_at', batch_size='year',"
        " begin='2024-01-01', lookback=3"
    )
    timed = "        config: {event_time: seen_at}\n" if kind != "none" else ""
    config = micro if kind == "microbatch" and adapter == DUCKDB else "materialized='table'"
    return Part(
        variant=f"{kind}: {first} then {second}",
        files={
            f"models/{p}_timed.sql": f"{{{{ config({config}) }}}}\n"
            f"select id, v, seen_at from {{{{ source('{p}_ext', '{p}_e') }}}}\n",
            f"models/{p}.yml": source_yml(p, f"{p}_e", timed),
        },
        outputs=(f"{p}_timed",),
        ddl=_events(p),
        first=first,
        second=second,
    )


@drawer(CONFIGURATION, *BOTH)
def hook_of_the_project_changes(draw: Random, p: str, adapter: str) -> Part:
    """An on-run-start hook makes what a model reads or calls; the hook changes."""
    make, read = draw.choice(
        (
            ("create or replace view ext.{p}_h as select 1 as id, 'one_{p}' as v", "select id, v from ext.{p}_h"),
            (
                "drop table if exists ext.{p}_h; create table ext.{p}_h as select 1 as id, 'one_{p}' as v",
                "select id, v from ext.{p}_h",
            ),
        )
        if adapter == POSTGRES
        else (
            ("create or replace macro {p}_h() as 'one_{p}'", "select 1 as id, {p}_h() as v"),
            ("create or replace table ext.{p}_h as select 1 as id, 'one_{p}' as v", "select id, v from ext.{p}_h"),
        )
    )
    return Part(
        variant=make,
        files={f"models/{p}_hooked.sql": built(draw, read.format(p=p))},
        outputs=(f"{p}_hooked",),
        project={"on-run-start": [make.format(p=p)]},
        edit=lambda bench: bench.replace("dbt_project.yml", f"one_{p}", f"two_{p}"),
    )


HARMLESS = (
    ("description: five", "description: nine"),
    ("config: {tags: [five]}", "config: {tags: [nine]}"),
    ("config: {meta: {owner: five}}", "config: {meta: {owner: nine}}"),
    ("config: {group: one}", "config: {group: two}"),
    ("access: protected", "docs: {show: true}"),
    ("docs: {show: true}", "docs: {show: false}"),
    ("columns: [{name: v, description: five}]", "columns: [{name: v, description: nine}]"),
    ("description: five", "description: 'five'"),
)


@drawer(NOTHING, *BOTH, harmless=True)
def harmless_key_changes(draw: Random, p: str, adapter: str) -> Part:
    """A description, tag, owner or group changes, which nothing reads."""
    then, now = draw.choice(HARMLESS)
    yml = f"models/{p}.yml"
    groups = f"groups: [{{name: {p}_one, owner: {{name: a}}}}, {{name: {p}_two, owner: {{name: b}}}}]\n"
    then, now = (one.replace("group: ", f"group: {p}_") for one in (then, now))
    return Part(
        variant=f"{then} becomes {now}",
        files={
            yml: f"{groups}models:\n  - name: {p}_plain\n    {then}\n" + source_yml(p, f"{p}_t"),
            f"models/{p}_plain.sql": built(draw, f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
        },
        outputs=(f"{p}_plain",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.replace(yml, then, now),
    )


@drawer(NOTHING, *BOTH, harmless=True)
def nothing_changes(draw: Random, p: str, adapter: str) -> Part:
    """Nothing changes, or only the time of a file."""
    touched = draw.random() < 0.5
    file = f"models/{p}_plain.sql"
    return Part(
        variant="touched" if touched else "nothing",
        files={
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
            file: built(draw, f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"seeds/{p}_seed.csv": "id,v\n1,a\n2,b\n",
        },
        outputs=(f"{p}_plain", f"{p}_seed"),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: (bench.root / file).touch() if touched else None,
    )
