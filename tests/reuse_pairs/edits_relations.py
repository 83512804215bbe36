"""Edits of what exists in the warehouse: views whose parents change, tables that something else wrote, lost files."""

from random import Random

import duckdb

from tests.reuse_pairs.parts import (
    BOTH,
    DUCKDB,
    RELATIONS,
    VIEWS,
    Part,
    built,
    changed_rows,
    drawer,
    outside,
    source_yml,
    table,
    view,
)

COLUMNS = (
    ("id, v, 1 as w", "id, v, 1 as w, 2 as x"),
    ("id, v, 1 as w", "id, v"),
    ("id, v, 1 as w", "id, v, 1 as u"),
    ("id, v, 1 as w", "1 as w, v, id"),
    ("id, v, 1 as w", "id, v, 'one' as w"),
    ("id, v, 1 as w", "id, v, cast(1 as bigint) as w"),
)


@drawer(VIEWS, *BOTH)
def parent_of_a_view_changes_its_columns(draw: Random, p: str, adapter: str) -> Part:
    """The parent of a view that selects everything gains, loses, renames, moves or retypes a column."""
    then, now = draw.choice(COLUMNS)
    kind = draw.choice(
        (
            "materialized='table'",
            "materialized='view'",
            "materialized='ephemeral'",
            "materialized='incremental', unique_key='id', on_schema_change='sync_all_columns'",
            "materialized='incremental', unique_key='id', on_schema_change='append_new_columns'",
        )
    )
    parent = f"models/{p}_parent.sql"
    return Part(
        variant=f"{kind}: {then} becomes {now}",
        files={
            parent: f"{{{{ config({kind}) }}}}\nselect {then} from {{{{ source('{p}_ext', '{p}_t') }}}}\n",
            f"models/{p}_star.sql": view(f"select * from {{{{ ref('{p}_parent') }}}}"),
            f"models/{p}_over.sql": draw.choice((view, table))(f"select * from {{{{ ref('{p}_star') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_over",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.replace(parent, then, now),
    )


@drawer(VIEWS, *BOTH)
def source_of_a_view_changes_its_columns(draw: Random, p: str, adapter: str) -> Part:
    """The source of a view that selects everything gains or renames a column; a table is built over the view."""
    change = draw.choice(
        (
            f"alter table ext.{p}_t add column w integer default 7",
            f"alter table ext.{p}_t add column w integer; insert into ext.{p}_t values (4, 'd', 8)",
        )
    )
    return Part(
        variant=change,
        files={
            f"models/{p}_star.sql": view(f"select * from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}_over.sql": table(f"select * from {{{{ ref('{p}_star') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_over",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(RELATIONS, *BOTH)
def renamed_and_restored(draw: Random, p: str, adapter: str) -> Part:
    """A node is replaced by another one with its alias, built, and put back."""
    x, other = f"models/{p}_x.sql", f"models/{p}_other.sql"
    kind = draw.choice(("table", "view"))
    before = f"{{{{ config(materialized='{kind}') }}}}\nselect 1 as id, 'one' as v\n"

    def edit(bench):
        bench.remove(x)
        bench.write(other, f"{{{{ config(materialized='{kind}', alias='{p}_x') }}}}\nselect 1 as id, 'three' as v\n")
        bench.elt("run", "--no-ingest", "--select", f"{p}_other")
        bench.remove(other)
        bench.write(x, before)

    return Part(variant=kind, files={x: before}, edit=edit)


@drawer(RELATIONS, *BOTH)
def aliases_are_exchanged(draw: Random, p: str, adapter: str) -> Part:
    """Two models exchange their aliases."""
    first, second = f"models/{p}_m.sql", f"models/{p}_n.sql"
    one, two = f"alias='{p}_one'", f"alias='{p}_two'"

    def edit(bench):
        bench.replace(first, one, two)
        bench.replace(second, two, one)

    return Part(
        variant="exchanged",
        files={
            first: table("select 1 as id, 'one' as v", one),
            second: table("select 1 as id, 'two' as v", two),
        },
        outputs=(f"{p}_m", f"{p}_n"),
        edit=edit,
    )


@drawer(RELATIONS, *BOTH)
def dbt_runs_between(draw: Random, p: str, adapter: str) -> Part:
    """`elt dbt` builds the same relations in between, with other vars or without rows, or with another text."""
    way = draw.choice(("vars", "empty", "text", "seed"))
    file, seed = f"models/{p}_t.sql", f"seeds/{p}_seed.csv"

    def edit(bench):
        if way == "vars":
            bench.elt("dbt", "run", "--select", f"{p}_t", "--vars", f"{{{p}_v: two}}")
        elif way == "empty":
            bench.elt("dbt", "run", "--select", f"{p}_t", "--empty")
        elif way == "text":
            bench.replace(file, "'t'", "'u'")
            bench.elt("dbt", "run", "--select", f"{p}_t")
            bench.replace(file, "'u'", "'t'")
        else:
            bench.replace(seed, "1,a", "1,z")
            bench.elt("dbt", "seed", "--select", f"{p}_seed")
            bench.replace(seed, "1,z", "1,a")

    sql = f"select id, v || '{{{{ var('{p}_v', 'one') }}}}' || 't' as v from {{{{ ref('{p}_seed') }}}}"
    return Part(
        variant=way,
        files={file: table(sql), seed: "id,v\n1,a\n2,b\n"},
        outputs=(f"{p}_t", f"{p}_seed"),
        edit=edit,
    )


@drawer(RELATIONS, *BOTH)
def run_of_a_part_between(draw: Random, p: str, adapter: str) -> Part:
    """`elt run` builds a model of another text in between, then the text is put back."""
    file = f"models/{p}_t.sql"
    before = built(draw, "select 1 as id, 'one' as v")

    def edit(bench):
        bench.replace(file, "'one'", "'two'")
        bench.elt("run", "--no-ingest", "--select", f"{p}_t")
        bench.replace(file, "'two'", "'one'")

    return Part(variant=before, files={file: before}, outputs=(f"{p}_t",), edit=edit)


BY_HAND = (
    "drop table {t}",
    "delete from {t}",
    "update {t} set v = upper(v)",
    "alter table {t} add column w integer",
    "alter table {t} rename column v to w",
    "drop table {t}; create table {t} as select 1 as id, 'theirs' as v",
    "drop table {t}; create view {t} as select 1 as id, 'theirs' as v",
    "drop table {t}; create table {t} as select cast(id as bigint) as id, v from ext.{p}_t",
)


@drawer(RELATIONS, *BOTH)
def table_is_changed_by_hand(draw: Random, p: str, adapter: str) -> Part:
    """Somebody drops, changes or replaces a table that was built: a model, an incremental one, a seed or a snapshot."""
    kind = draw.choice(("table", "incremental", "seed", "snapshot"))
    name = f"{p}_hand"
    relation = f"main.{name}" if adapter == DUCKDB else f"analytics.{name}"
    change = draw.choice((*BY_HAND, *(changed_rows(draw, relation)[1] for _ in range(4)))).format(t=relation, p=p)
    if kind == "snapshot":
        change = draw.choice(("drop table {t}", "update {t} set v = upper(v)", "delete from {t}")).format(t=relation)
    read = f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"
    snapshot = f"{{% snapshot {name} %}}\n{{{{ config(unique_key='id', strategy='check', check_cols=['v']) }}}}\n"
    files = {
        "table": {f"models/{name}.sql": table(read)},
        "incremental": {
            f"models/{name}.sql": f"{{{{ config(materialized='incremental', unique_key='id') }}}}\n{read}\n"
        },
        "seed": {f"seeds/{name}.csv": "id,v\n1,a\n2,b\n3,c\n"},
        "snapshot": {f"snapshots/{name}.sql": f"{snapshot}{read}\n{{% endsnapshot %}}\n"},
    }[kind]
    # a view below would keep PostgreSQL from dropping it, or go with it
    return Part(
        variant=f"{kind}: {change}",
        files={
            **files,
            f"models/{p}_below.sql": table(f"select id, v from {{{{ ref('{name}') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_below",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(RELATIONS, *BOTH)
def view_is_changed_by_hand(draw: Random, p: str, adapter: str) -> Part:
    """Somebody drops a view or gives it another definition."""
    relation = f"main.{p}_seen" if adapter == DUCKDB else f"analytics.{p}_seen"
    change = draw.choice(
        (
            f"create or replace view {relation} as select cast(9 as integer) as id, cast('theirs' as varchar) as v",
            f"drop view {relation}",
            f"drop view {relation}; create table {relation} as select 9 as id, 'theirs' as v",
        )
    )
    return Part(
        variant=change,
        files={
            f"models/{p}_seen.sql": view("select cast(1 as integer) as id, cast('ours' as varchar) as v"),
            f"models/{p}_below.sql": table(f"select id, v from {{{{ ref('{p}_seen') }}}}"),
        },
        outputs=(f"{p}_below",),
        edit=lambda bench: bench.sql(change),
    )


@drawer(RELATIONS)
def file_of_an_external_model(draw: Random, p: str, adapter: str) -> Part:
    """The file that an external model wrote is deleted, replaced or cut short; or its parent changes."""
    way = draw.choice(("deleted", "replaced", "other format", "parent", "moved"))
    suffix = draw.choice(("parquet", "csv"))
    file = f"{p}_out.{suffix}"
    model = f"models/{p}_external.sql"

    def edit(bench):
        path = bench.root / file
        match way:
            case "deleted":
                path.unlink()
            case "replaced":
                duckdb.connect().execute(f"copy (select 7 as id, 'theirs' as v) to '{path}'")
            case "other format":
                path.write_bytes(b"id,v\n")
            case "parent":
                bench.sql(f"insert into ext.{p}_t values (4, 'd')")
            case "moved":
                bench.replace(model, file, f"{p}_moved.{suffix}")

    return Part(
        variant=f"{suffix}: {way}",
        files={
            model: f"{{{{ config(materialized='external', location='{file}') }}}}\n"
            f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}\n",
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
            f"models/{p}_below.sql": table(f"select id, v from {{{{ ref('{p}_external') }}}}"),
        },
        outputs=(f"{p}_below",),
        ddl=outside(f"{p}_t"),
        edit=edit,
    )
