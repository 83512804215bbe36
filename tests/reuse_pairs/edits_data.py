"""Edits of data: what something else loads, and what dlt loads."""

import json
from random import Random

from tests.reuse_pairs.parts import (
    BOTH,
    DATA,
    DUCKDB,
    NOTHING,
    Part,
    built,
    changed_rows,
    drawer,
    outside,
    source_yml,
    table,
)


@drawer(DATA, *BOTH)
def rows_of_a_source_change(draw: Random, p: str, adapter: str) -> Part:
    """Rows of a source change that something else loads."""
    words, change = changed_rows(draw, f"ext.{p}_t")
    return Part(
        variant=words,
        files={
            f"models/{p}_read.sql": built(draw, f"select * from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_read",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(DATA, *BOTH)
def columns_of_a_source_change(draw: Random, p: str, adapter: str) -> Part:
    """The columns of a source change that something else loads: a type, an order, a name, another kind of relation."""
    make = f"drop table ext.{p}_t; create table ext.{p}_t"
    change = draw.choice(
        (
            f"alter table ext.{p}_t alter column id type bigint",
            f"alter table ext.{p}_t add column w integer",
            f"alter table ext.{p}_t rename column w0 to w1",
            f"{make} as select v as w0, id, w0 as v from ext.{p}_t_kept",
            f"{make} as select w0, v, id from ext.{p}_t_kept",
            f"drop table ext.{p}_t; create view ext.{p}_t as select id, v || '!' as v, w0 from ext.{p}_t_kept",
            f"drop table ext.{p}_t",
        )
    )
    ddl = (
        *outside(f"{p}_t"),
        f"alter table ext.{p}_t add column w0 varchar",
        f"create table ext.{p}_t_kept as select * from ext.{p}_t",
    )
    return Part(
        variant=change,
        files={
            f"models/{p}_read.sql": table(f"select * from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t"),
        },
        outputs=(f"{p}_read",),
        ddl=ddl,
        edit=lambda bench: bench.sql(change),
    )


FRESHNESS = (
    "        config:\n          loaded_at_{field}\n"
    "          freshness: {{warn_after: {{count: 100000, period: day}}{more}}}\n"
)


@drawer(DATA, *BOTH)
def freshness_does_not_see_it(draw: Random, p: str, adapter: str) -> Part:
    """A row arrives that the freshness of its source does not see: late, filtered out, on the same day, changed."""
    field, more, change = draw.choice(
        (
            ("field: seen_at", "", "insert into ext.{p}_t values (4, 'late', 'eu', '2024-01-01 09:00')"),
            (
                "field: seen_at",
                ", filter: \"region = 'eu'\"",
                "insert into ext.{p}_t values (4, 'us', 'us', '2024-05-01')",
            ),
            (
                "field: cast(seen_at as date)",
                "",
                "insert into ext.{p}_t values (4, 'same day', 'eu', '2024-01-02 23:00')",
            ),
            ("field: seen_at", "", "update ext.{p}_t set v = 'z' where id = 1"),
            ("field: seen_at", "", "delete from ext.{p}_t where id = 1"),
            (
                "query: select max(seen_at) from ext.{p}_t where region = 'eu'",
                "",
                "insert into ext.{p}_t values (4, 'us', 'us', '2024-05-01')",
            ),
        )
    )
    freshness = FRESHNESS.format(field=f'{field.split(": ", 1)[0]}: "{field.split(": ", 1)[1].format(p=p)}"', more=more)
    return Part(
        variant=f"{field}{more}: {change}",
        files={
            f"models/{p}_read.sql": built(draw, f"select id, v from {{{{ source('{p}_ext', '{p}_t') }}}}"),
            f"models/{p}.yml": source_yml(p, f"{p}_t", freshness),
        },
        outputs=(f"{p}_read",),
        ddl=(
            f"create table ext.{p}_t (id integer, v varchar, region varchar, seen_at timestamp)",
            f"insert into ext.{p}_t values (1, 'a', 'eu', '2024-01-01 10:00'), (2, 'b', 'eu', '2024-01-02 10:00')",
        ),
        edit=lambda bench: bench.sql(change.format(p=p)),
    )


DISPOSITIONS = {
    "append": 'write_disposition="append"',
    "replace": 'write_disposition="replace"',
    "merge": 'write_disposition="merge", primary_key="id"',
    "scd2": 'write_disposition={"disposition": "merge", "strategy": "scd2"}',
}
THEN = ({"id": 1, "v": "a", "parts": [{"q": 1}, {"q": 2}]}, {"id": 2, "v": "b", "parts": [{"q": 3}]})
LOADS = {
    "the same rows": THEN,
    "the same rows in another order": THEN[::-1],
    "more rows": (*THEN, {"id": 3, "v": "c", "parts": [{"q": 4}]}),
    "fewer rows": THEN[:1],
    "a row changed in place": (THEN[0], {"id": 2, "v": "z", "parts": [{"q": 3}]}),
    "a nested row changed": (THEN[0], {"id": 2, "v": "b", "parts": [{"q": 9}]}),
    "a new column": (*THEN, {"id": 3, "v": "c", "w": 5, "parts": []}),
    "no rows": (),
}
READS = {
    "rows": {"read": "select id, v from {source}"},
    "all columns": {"read": "select * from {source}"},
    "ids": {"read": "select id, v, _dlt_id from {source}"},
    "load ids": {"read": "select id, v || _dlt_load_id as v from {source}"},
    "valid rows": {"read": "select id, v from {source} where _dlt_valid_to is null"},
    "nested": {
        "left": "select id, v, _dlt_id as k from {source}",
        "right": "select q, _dlt_parent_id as k from {nested}",
        "read": "select l.id, max(l.v) as v, sum(r.q) as q from {left} l join {right} r on l.k = r.k group by l.id",
    },
    "late view": {"left": "select * from {source}", "read": "select * from {left}"},
}


def _ingestion(p: str, disposition: str, field: str) -> str:
    return (
        "import json\nfrom pathlib import Path\n\nimport dlt\n\n"
        f'DATA = Path(__file__).parent.parent / "data" / "{p}.json"\n\n\n'
        f'@dlt.source(name="{p}_raw")\ndef {p}_raw():\n'
        f'    @dlt.resource(name="items", {DISPOSITIONS[disposition]})\n'
        f"    def items({field}):\n        yield from json.loads(DATA.read_text())\n\n    return items\n"
    )


def _loaded(draw: Random, p: str, disposition: str, load: str, read: str) -> Part:
    field = 'last=dlt.sources.incremental("id", initial_value=0)' if disposition == "append" else ""
    names = {
        "source": f"{{{{ source('{p}_raw', 'items') }}}}",
        "nested": f"{{{{ source('{p}_raw', 'items__parts') }}}}",
        "left": f"{{{{ ref('{p}_left') }}}}",
        "right": f"{{{{ ref('{p}_right') }}}}",
    }
    kinds = ("table", "view") if read != "late view" else ("view",)
    files = {
        f"models/{p}_{name}.sql": (
            built(draw, sql.format(**names))
            if name == "read"
            else f"{{{{ config(materialized='{draw.choice(kinds)}') }}}}\n{sql.format(**names)}\n"
        )
        for name, sql in READS[read].items()
    }
    data = f"data/{p}.json"
    return Part(
        variant=f"{disposition}, {load}, {read}",
        files={
            **files,
            f"ingestion/{p}_raw.py": _ingestion(p, disposition, field),
            f"models/{p}.yml": f"sources: [{{name: {p}_raw, tables: [{{name: items}}, {{name: items__parts}}]}}]\n",
            data: json.dumps(THEN),
        },
        outputs=(f"{p}_read",),
        edit=lambda bench: bench.write(data, json.dumps(LOADS[load])),
    )


@drawer(DATA, *BOTH, slow=True)
def dlt_loads_other_rows(draw: Random, p: str, adapter: str) -> Part:
    """dlt loads again: more, fewer, changed or retired rows, or a new column, in each of its ways to write."""
    disposition = draw.choice(tuple(DISPOSITIONS))
    read = draw.choice([read for read in READS if read != "valid rows" or disposition == "scd2"])
    if disposition == "scd2" and read == "nested":
        read = "valid rows"
    return _loaded(draw, p, disposition, draw.choice(tuple(LOADS)), read)


@drawer(DATA, DUCKDB, slow=True)
def dlt_retires_or_renumbers(draw: Random, p: str, adapter: str) -> Part:
    """dlt loads the same rows with new ids, or only retires rows: what a count of rows does not show."""
    disposition, load, read = draw.choice(
        (
            ("replace", "the same rows", "nested"),
            ("replace", "the same rows", "load ids"),
            ("scd2", "fewer rows", "valid rows"),
            ("scd2", "a row changed in place", "valid rows"),
            ("merge", "a row changed in place", "rows"),
            ("merge", "a nested row changed", "nested"),
        )
    )
    return _loaded(draw, p, disposition, load, read)


@drawer(NOTHING, *BOTH, harmless=True, slow=True)
def dlt_loads_nothing_new(draw: Random, p: str, adapter: str) -> Part:
    """dlt appends nothing, as there are no new rows."""
    return _loaded(draw, p, "append", "the same rows", draw.choice(("rows", "all columns", "load ids")))
