"""Edits of what SQL reads beside tables: files that are sources, functions of the project, batches of time."""

from random import Random

from tests.reuse_pairs.parts import DATA, DUCKDB, NOTHING, SQL, Part, built, drawer

SCALAR_FUNCTIONS = """{% macro duckdb__scalar_function_sql(target_relation) %}
    create or replace macro {{ target_relation.include(database=false) }}({{ formatted_scalar_function_args_sql() }}) as
    {{ model.compiled_code }}
{% endmacro %}
{% macro duckdb__formatted_scalar_function_args_sql() %}
    {%- for arg in model.arguments %}{{ arg.name }}{{ ", " if not loop.last }}{% endfor -%}
{% endmacro %}
"""
"""dbt-duckdb has no functions of its own yet."""


@drawer(DATA, DUCKDB)
def files_of_a_source_change(draw: Random, p: str, adapter: str) -> Part:
    """The files behind a source change: their bytes, their number, their columns, or only what is beside them."""
    where = draw.choice((f"landing/{p}_*.csv", f"read_csv('landing/{p}_*.csv', union_by_name = true)"))
    name, text = draw.choice(
        (
            (f"landing/{p}_1.csv", "id,v\n1,b\n"),
            (f"landing/{p}_1.csv", "id,v\n1,a\n2,c\n"),
            (f"landing/{p}_1.csv", "id,v,w\n1,a,7\n"),
            (f"landing/{p}_2.csv", "id,v\n2,c\n"),
        )
    )
    external = f'meta: {{external_location: "{where}"}}'
    return Part(
        variant=f"{where}: {name} becomes {text!r}",
        files={
            f"landing/{p}_1.csv": "id,v\n1,a\n",
            f"models/{p}_files.sql": built(draw, f"select * from {{{{ source('{p}_files', '{p}_f') }}}}"),
            f"models/{p}.yml": f"sources:\n  - name: {p}_files\n    tables:\n      - name: {p}_f\n"
            f"        config: {{{external}}}\n",
        },
        outputs=(f"{p}_files",),
        edit=lambda bench: bench.write(name, text),
    )


@drawer(SQL, DUCKDB)
def function_of_the_project_changes(draw: Random, p: str, adapter: str) -> Part:
    """A function of the project changes: its text, what it calls, what it reads, or what somebody made of it."""
    change = draw.choice(("text", "called", "read", "by hand", "nothing"))
    called = f"{{{{ function('{p}_called') }}}}"
    files = {
        "macros/scalar_functions.sql": SCALAR_FUNCTIONS,
        f"functions/{p}.yml": "functions:\n"
        + "".join(
            f"  - name: {p}_{name}\n    arguments: [{{name: x, data_type: integer}}]\n"
            "    returns: {data_type: varchar}\n"
            for name in ("called", "calls", "reads")
        ),
        f"functions/{p}_called.sql": "x || '!'",
        f"functions/{p}_calls.sql": f"{called}(x) || 'a'",
        f"functions/{p}_reads.sql": f"(select max(t.v) from {{{{ ref('{p}_to') }}}} t where t.id = x)",
        f"seeds/{p}_to.csv": "id,v\n1,a\n2,b\n",
        f"models/{p}_m.sql": built(
            draw, f"select 1 as id, {{{{ function('{p}_calls') }}}}(1) || {{{{ function('{p}_reads') }}}}(2) as v"
        ),
    }
    edits = {
        "text": lambda bench: bench.write(f"functions/{p}_calls.sql", f"{called}(x) || 'b'"),
        "called": lambda bench: bench.write(f"functions/{p}_called.sql", "x || '?'"),
        "read": lambda bench: bench.write(f"seeds/{p}_to.csv", "id,v\n1,a\n2,c\n"),
        "by hand": lambda bench: bench.sql(f"create or replace macro main.{p}_called(x) as x || 'theirs'"),
        "nothing": lambda _bench: None,
    }
    return Part(variant=change, files=files, outputs=(f"{p}_m",), edit=edits[change])


@drawer(DATA, DUCKDB)
def rows_of_a_microbatch_model_change(draw: Random, p: str, adapter: str) -> Part:
    """Rows arrive in the newest batch, or change in it; or nothing does, in the same period."""
    change = draw.choice(
        ("", "insert into {t} values (3, 'c', now()::timestamp)", "update {t} set v = 'z' where id = 2")
    )
    config = "materialized='incremental', incremental_strategy='microbatch', batch_size='year', event_time='seen_at'"
    table = f"ext.{p}_t"
    return Part(
        variant=change or "nothing",
        files={
            f"models/{p}_batches.sql": f"{{{{ config({config}, begin='2024-01-01', lookback=9) }}}}\n"
            f"select id, v, seen_at from {{{{ source('{p}_ext', '{p}_t') }}}}",
            f"models/{p}.yml": f"sources:\n  - name: {p}_ext\n    schema: ext\n    tables:\n      - name: {p}_t\n"
            "        config: {event_time: seen_at}\n",
        },
        outputs=(f"{p}_batches",),
        ddl=(
            f"create table {table} (id integer, v varchar, seen_at timestamp)",
            f"insert into {table} values (1, 'a', '2024-02-01'), (2, 'b', now()::timestamp)",
        ),
        edit=lambda bench: bench.sql(change.format(t=table)) if change else None,
    )


@drawer(NOTHING, DUCKDB, harmless=True)
def reads_stay_the_same(draw: Random, p: str, adapter: str) -> Part:
    """A file, a function and batches stay what they are."""
    file = f"landing/{p}_f.csv"
    return Part(
        variant="a file is written again",
        files={
            file: "id,v\n1,a\n",
            f"models/{p}_files.sql": built(draw, f"select * from {{{{ source('{p}_files', '{p}_f') }}}}"),
            f"models/{p}.yml": f"sources:\n  - name: {p}_files\n    tables:\n      - name: {p}_f\n"
            f'        config: {{meta: {{external_location: "{file}"}}}}\n',
        },
        outputs=(f"{p}_files",),
        edit=lambda bench: bench.write(file, "id,v\n1,a\n"),
    )
