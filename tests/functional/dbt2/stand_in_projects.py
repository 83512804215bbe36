"""Small dbt projects whose dbt is the stand-in for dbt 2.x."""

import sys
from pathlib import Path
from textwrap import dedent

import duckdb

STAND_IN = Path(__file__).with_name("stand_in.py")

PROJECT = {
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        models: {shop: {+materialized: table}}
        """,
    "profiles.yml": """
        shop:
          target: dev
          outputs:
            dev: {type: duckdb, path: "{{ env_var('SHOP_FILE', 'shop.duckdb') }}", threads: 4}
        """,
}
FILES = {
    "seeds/raw_orders.csv": "id,amount\n1,10\n2,20\n",
    "models/stg_orders.sql": "select * from {{ ref('raw_orders') }}",
    "models/totals.sql": "select sum(amount) as total from {{ ref('stg_orders') }}",
    "models/shop.yml": """
        models:
          - name: stg_orders
            columns: [{name: id, data_tests: [unique, not_null]}]
        """,
}
ALL_ENDINGS = {
    "models/broken.sql": "select no_such_column from {{ ref('stg_orders') }}",
    "models/below_broken.sql": "select * from {{ ref('broken') }}",
    "models/failing.sql": "select 1 as id union all select 1",
    "models/below_failing.sql": "select * from {{ ref('failing') }}",
    "models/warned.sql": "select cast(null as int) as id",
    "models/between.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('totals') }}",
    "models/through.sql": "select * from {{ ref('between') }}",
    "models/counted.sql": "select count(*) as number from {{ ref('raw_orders') }}",
    "models/miscounted.sql": "select count(*) as number from {{ ref('raw_orders') }}",
    "models/from_stale.sql": "select * from {{ source('outside', 'events') }}",
    "models/from_fresh.sql": "select * from {{ source('outside', 'clicks') }}",
    "models/versioned_v1.sql": "select 1 as id",
    "models/versioned_v2.sql": "select 2 as id",
    "models/latest.sql": "select * from {{ ref('versioned') }}",
    "snapshots/kept.yml": """
        snapshots:
          - name: kept
            relation: ref('raw_orders')
            config: {unique_key: id, strategy: check, check_cols: all}
        """,
    "models/totals/daily.sql": "select 1 as id",
    "models/endings.yml": """
        sources:
          - name: outside
            schema: outside
            config: {loaded_at_field: came_at, freshness: {error_after: {count: 1, period: day}}}
            tables: [{name: events}, {name: clicks}]
        models:
          - name: failing
            columns: [{name: id, data_tests: [unique]}]
          - name: versioned
            versions: [{v: 1}, {v: 2}]
          - name: warned
            columns: [{name: id, data_tests: [{not_null: {config: {severity: warn}}}]}]
        unit_tests:
          - name: two_orders
            model: counted
            given: [{input: ref('raw_orders'), rows: [{id: 1}, {id: 2}]}]
            expect: {rows: [{number: 2}]}
          - name: three_orders
            model: miscounted
            given: [{input: ref('raw_orders'), rows: [{id: 1}, {id: 2}]}]
            expect: {rows: [{number: 3}]}
        exposures:
          - {name: board, type: dashboard, owner: {name: me}, depends_on: [ref('totals')]}
        """,
}
"""What else a project needs so that its nodes end in every way."""


def write_project(folder: Path, *more: dict[str, str], by_dbt_2: bool = True) -> Path:
    """Write a project with these files, run by the stand-in or by dbt 1.x."""
    for files in (PROJECT, *more):
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).lstrip("\n"))
    if by_dbt_2:
        program = folder / "bin" / "dbt2"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
        program.chmod(0o755)
        (folder / "elt.yml").write_text("dbt: {command: bin/dbt2}\n")
    return folder


def write_sources(folder: Path) -> None:
    """Create the tables that something else fills: one is old, one is not."""
    with duckdb.connect(str(folder / "shop.duckdb")) as database:
        database.execute("create schema outside")
        database.execute("create table outside.events as select timestamp '2020-01-01 00:00:00' as came_at")
        database.execute("create table outside.clicks as select now()::timestamp as came_at")


def tables(folder: Path) -> set[str]:
    """Return the tables that exist; fails if another process holds the database."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as database:
        return {name for (name,) in database.execute("select table_name from duckdb_tables()").fetchall()}
