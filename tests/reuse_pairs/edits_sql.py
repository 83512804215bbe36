"""Edits of what SQL reads and says: files, tables without ref(), stored macros and views, functions, layout."""

from random import Random

import duckdb

from tests.reuse_pairs.parts import (
    BOTH,
    DUCKDB,
    NOTHING,
    POSTGRES,
    SQL,
    Part,
    built,
    changed_rows,
    drawer,
    outside,
    source_yml,
    table,
    view,
)

SHAPES = (
    "select id, v from {0}",
    "with x as (select * from {0}) select id, v from x",
    "select id, v from (select * from {0}) q",
    "select 1 as id, (select max(v) from {0}) as v",
    "select 1 as id, 'in' as v where exists (select 1 from {0} where id > 2) union all select 2, 'always'",
)
FILE_READS = (
    "'{f}'",
    '"{f}"',
    "{f}",
    "read_csv('{f}')",
    "read_csv_auto(['{f}'])",
    "range(1) r, '{f}' x",
    "query('from ''{f}''')",
    "(select 1 as id, content as v from read_text('{f}'))",
    "(select count(*)::integer as id, max(file) as v from glob('{p}_*.csv'))",
    "{{{{ var('{p}_src') }}}}",
    "{{{{ {p}_reader() }}}}",
)


@drawer(SQL)
def file_changes(draw: Random, p: str, adapter: str) -> Part:
    """A file that the SQL reads changes."""
    file, read = f"{p}_x.csv", draw.choice(FILE_READS)
    sql = draw.choice(SHAPES).format(read.format(f=file, p=p))
    reader = f"read_csv('{file}')"
    files = {
        file: "id,v\n1,a\n2,b\n",
        f"models/{p}_file.sql": built(draw, sql),
        f"macros/{p}.sql": f"{{% macro {p}_reader() %}}{reader}{{% endmacro %}}\n",
    }

    def edit(bench):
        bench.write(file, "id,v\n1,a\n2,z\n3,zz\n")
        bench.write(f"{p}_y.csv", "id,v\n1,a\n")

    return Part(variant=sql, files=files, outputs=(f"{p}_file",), edit=edit, project={"vars": {f"{p}_src": reader}})


@drawer(SQL, *BOTH)
def table_without_ref_changes(draw: Random, p: str, adapter: str) -> Part:
    """A table that the SQL names without ref() or source() changes."""
    name = f"ext.{p}_t"
    reads = [name, f'"ext"."{p}_t"', f"{{{{ var('{p}_rel') }}}}", f"{{{{ target.schema and 'ext' }}}}.{p}_t"]
    if adapter == DUCKDB:
        reads += [f"wh.ext.{p}_t", f"query('from ext.{p}_t')", f"range(1) r, {name} x"]
    sql = draw.choice(SHAPES).format(draw.choice(reads))
    words, change = changed_rows(draw, name)
    return Part(
        variant=f"{sql}: {words}",
        files={f"models/{p}_stray.sql": built(draw, sql)},
        outputs=(f"{p}_stray",),
        ddl=outside(f"{p}_t"),
        project={"vars": {f"{p}_rel": name}},
        edit=lambda bench: bench.sql(change),
    )


@drawer(SQL)
def attached_database_changes(draw: Random, p: str, adapter: str) -> Part:
    """A row of an attached database changes, or another file is attached under the same name."""
    other = draw.random() < 0.5
    declared = draw.random() < 0.5

    def make(bench, file, value):
        with duckdb.connect(str(bench.root / file)) as connection:
            connection.execute("create table if not exists t (id integer, v varchar)")
            connection.execute("insert into t values (1, ?)", [value])

    def edit(bench):
        make(bench, f"{p}_two.duckdb" if other else f"{p}_one.duckdb", "two")
        if other:
            bench.replace("profiles.yml", f"{p}_one.duckdb", f"{p}_two.duckdb")

    read = f"{{{{ source('{p}_db', 't') }}}}" if declared else f"{p}_db.main.t"
    yml = f"sources: [{{name: {p}_db, database: {p}_db, schema: main, tables: [{{name: t}}]}}]\n"
    return Part(
        variant=f"{read}: {'another file' if other else 'a row'}",
        files={f"models/{p}_db.sql": table(f"select id, v from {read}"), f"models/{p}.yml": yml},
        outputs=(f"{p}_db",),
        ddl=(f"attach '{{root}}/{p}_one.duckdb' as {p}_db; create table {p}_db.main.t as select 0 as id, 'one' as v",),
        profile={"attach": [{"path": f"{p}_one.duckdb", "alias": f"{p}_db"}]},
        edit=edit,
    )


@drawer(SQL, *BOTH)
def stored_function_changes(draw: Random, p: str, adapter: str) -> Part:
    """A macro or function that is stored in the database gets another body."""
    if adapter == POSTGRES:
        make = (
            "create or replace function ext.{p}_f(x text) returns text language sql immutable as $$select x || '{0}'$$"
        )
        sql = f"select 1 as id, ext.{p}_f('x') as v"
    else:
        make, sql = draw.choice(
            (
                ("create or replace macro {p}_f(x) as x || '{0}'", f"select 1 as id, {p}_f('x') as v"),
                ("create or replace macro ext.{p}_f(x) as x || '{0}'", f"select 1 as id, ext.{p}_f('x') as v"),
                ("create or replace macro lpad(x) as x || '{0}'", "select 1 as id, lpad('x') as v"),
                (
                    "create or replace macro {p}_g() as '{0}'; create or replace macro {p}_f(x) as x || {p}_g()",
                    f"select 1 as id, {p}_f('x') as v",
                ),
                (
                    "create or replace macro {p}_f() as table select 1 as id, '{0}' as v",
                    f"select id, v from {p}_f()",
                ),
            )
        )
    return Part(
        variant=f"{make}: {sql}",
        files={f"models/{p}_called.sql": built(draw, sql)},
        outputs=(f"{p}_called",),
        ddl=(make.format("one", p=p),),
        edit=lambda bench: bench.sql(make.format("two", p=p)),
    )


@drawer(SQL, *BOTH)
def stored_view_changes(draw: Random, p: str, adapter: str) -> Part:
    """A view that something else made gets other rows, or another definition."""
    declared, rows = draw.random() < 0.7, draw.random() < 0.5
    read = f"{{{{ source('{p}_ext', '{p}_view') }}}}" if declared else f"ext.{p}_view"
    change = (
        changed_rows(draw, f"ext.{p}_t")[1]
        if rows
        else f"create or replace view ext.{p}_view as select id, cast(v || '!' as varchar) as v from ext.{p}_t"
    )
    return Part(
        variant=f"{read}: {change}",
        files={
            f"models/{p}_seen.sql": built(draw, f"select id, v from {read}"),
            f"models/{p}.yml": source_yml(p, f"{p}_view"),
        },
        outputs=(f"{p}_seen",),
        ddl=(*outside(f"{p}_t"), f"create view ext.{p}_view as select id, v from ext.{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(SQL)
def view_over_file_changes(draw: Random, p: str, adapter: str) -> Part:
    """A view of the project reads a file that changes; the table over the view names no file."""
    file = f"{p}_x.csv"
    return Part(
        variant="view over a file",
        files={
            file: "id,v\n1,a\n",
            f"models/{p}_over_file.sql": view(f"select id, v from '{file}'"),
            f"models/{p}_kept.sql": table(f"select id, v from {{{{ ref('{p}_over_file') }}}}"),
        },
        outputs=(f"{p}_kept",),
        edit=lambda bench: bench.write(file, "id,v\n1,a\n2,b\n"),
    )


TRAPS = (
    ("'a b'", "'a  b'"),
    ("'a -- b'", "'a -- c'"),
    ("'a /* b */'", "'a /* c */'"),
    ("lower('Ab')", "upper('Ab')"),
    ("greatest('a', 'b')", "least('a', 'b')"),
    ("'it''s'", "'it''S'"),
    ("'A'", "'a'"),
    ("cast(1.50 as varchar)", "cast(1.5 as varchar)"),
    ("$$a -- b$$", "$$a -- c$$"),
    ("e'a\\nb'", "e'a\\tb'"),
    ("'x' /* '", "'y' /* '"),
    ("replace('{{ \"a b\" }}', ' ', '_')", "replace('{{ \"a  b\" }}', ' ', '_')"),
)


@drawer(SQL, *BOTH)
def code_changes(draw: Random, p: str, adapter: str) -> Part:
    """A function, a literal or a name in the code changes, some of them such that only layout seems to change."""
    then, now = draw.choice(TRAPS)
    file, end = f"models/{p}_said.sql", " */" if "/* '" in then else ""
    return Part(
        variant=f"{then} becomes {now}",
        files={file: built(draw, f"select 1 as id, {then}{end} as v")},
        outputs=(f"{p}_said",),
        edit=lambda bench: bench.replace(file, then, now),
    )


@drawer(SQL, *BOTH)
def name_changes_its_case(draw: Random, p: str, adapter: str) -> Part:
    """The name of a column changes its case, which a reader of the table sees."""
    then, now = draw.choice((("as Extra", "as EXTRA"), ('as "Extra"', 'as "extra"')))
    file = f"models/{p}_cased.sql"
    return Part(
        variant=f"{then} becomes {now}",
        files={file: table(f"select 1 as id, 'x' as v, 2 {then}")},
        outputs=(f"{p}_cased",),
        edit=lambda bench: bench.replace(file, then, now),
    )


@drawer(NOTHING, *BOTH, harmless=True)
def only_layout_changes(draw: Random, p: str, adapter: str) -> Part:
    """A comment or the layout of the code changes."""
    file = f"models/{p}_plain.sql"
    old, new = draw.choice(
        (
            ("-- first", "-- second"),
            ("id, v", "id,\n    v"),
            ("select", "SELECT"),
            ("-- first", "-- first\n/* and 'more' */\n"),
            ("-- first", "{# first #}"),
        )
    )
    return Part(
        variant=f"{old!r} becomes {new!r}",
        files={
            file: built(draw, f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}} -- first"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_plain",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.replace(file, old, new),
    )


CLOCKS = {
    DUCKDB: (
        *("now()", "current_timestamp", "localtimestamp", "get_current_timestamp()", "transaction_timestamp()"),
        *("age(timestamp '2020-01-01')", "random()", "uuid()", "gen_random_uuid()", "txid_current()", "current_time"),
        *("today()", "current_date", "nextval('ext.{p}_seq')", "(select count(*) from duckdb_tables())"),
        *("(select count(*) from information_schema.tables)", "(select max(x) from range(9) r(x) using sample 3)"),
        "date_diff('day', date '2020-01-01', current_date)",
    ),
    POSTGRES: (
        *("now()", "current_timestamp", "localtimestamp", "clock_timestamp()", "statement_timestamp()"),
        *("age(timestamp '2020-01-01')", "random()", "gen_random_uuid()", "txid_current()", "timeofday()"),
        *("'now'::timestamptz", "current_date", "nextval('ext.{p}_seq')", "pg_backend_pid()", "timestamptz 'today'"),
        *("(select count(*) from information_schema.tables)", "(select count(*) from pg_class)"),
    ),
}


@drawer(SQL, *BOTH)
def asks_the_clock(draw: Random, p: str, adapter: str) -> Part:
    """Nothing is edited, and the SQL asks the clock, chance, a sequence or the catalog: it runs all the same."""
    expression = draw.choice(CLOCKS[adapter]).format(p=p)
    return Part(
        variant=expression,
        files={f"models/{p}_clock.sql": table(f"select 1 as id, cast({expression} as varchar) as v")},
        ddl=(f"create sequence ext.{p}_seq",),
        must_run=(f"{p}_clock",),
    )
