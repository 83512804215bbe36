"""A small dbt project that tests write anew: a shop with two sources, five models and their checks.

raw.customers → stg_customers ─┐
raw.orders    → stg_orders ────┴→ int_orders (ephemeral) → fct_orders → dim_customers
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import duckdb

from tests.agreement.sides import dbt

PARSED = "partial_parse.msgpack"
FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: shop
        version: "1.0.0"
        profile: shop
        model-paths: [models]
        seed-paths: [seeds]
        models:
          shop:
            staging: {+materialized: view}
            marts: {+materialized: table}
        """,
    "profiles.yml": """
        shop:
          target: dev
          outputs:
            dev: {type: duckdb, path: shop.duckdb, threads: 4}
        """,
    "models/sources.yml": """
        sources:
          - name: raw
            schema: raw
            tables:
              - name: customers
                columns: [{name: id, data_tests: [unique, not_null]}]
              - name: orders
        """,
    "models/staging/stg_customers.sql": "select id as customer_id, name from {{ source('raw', 'customers') }}",
    "models/staging/stg_orders.sql": "select id as order_id, customer_id, amount from {{ source('raw', 'orders') }}",
    "models/staging/staging.yml": """
        models:
          - name: stg_customers
            columns: [{name: customer_id, data_tests: [unique, not_null]}]
          - name: stg_orders
            columns:
              - name: order_id
                data_tests: [unique, not_null]
              - name: customer_id
                data_tests:
                  - relationships: {arguments: {to: ref('stg_customers'), field: customer_id}}
        """,
    "models/marts/int_orders.sql": """
        {{ config(materialized='ephemeral') }}
        select o.order_id, o.customer_id, c.name, o.amount
        from {{ ref('stg_orders') }} o join {{ ref('stg_customers') }} c using (customer_id)
        """,
    "models/marts/fct_orders.sql": "select order_id, customer_id, name, amount from {{ ref('int_orders') }}",
    "models/marts/dim_customers.sql": """
        select c.customer_id, c.name, coalesce(sum(f.amount), 0) as spent
        from {{ ref('stg_customers') }} c left join {{ ref('fct_orders') }} f using (customer_id)
        group by all
        """,
    "models/marts/marts.yml": """
        models:
          - name: fct_orders
            columns: [{name: order_id, data_tests: [unique, not_null]}]
          - name: dim_customers
            columns: [{name: customer_id, data_tests: [unique, not_null]}]
        """,
}

RAW = """
    create schema if not exists raw;
    create or replace table raw.customers as select * from (values (1, 'Ann'), (2, 'Bo')) as t(id, name);
    create or replace table raw.orders as select * from (values (10, 1, 5.0), (11, 1, 7.5), (12, 2, 1.0))
        as t(id, customer_id, amount);
"""


def write_shop(root: Path, changes: Mapping[str, str | None] | None = None, *, raw: str = RAW) -> Path:
    """Write the project with some files changed, added or (None) left out, and its raw tables; gives the folder.

    dbt finds what it parsed of the unchanged project, as a user's second command does, and parses what is changed.
    """
    _write(root, {**FILES, **(changes or {})})
    if not (root / "target").is_file():  # a defect of some tests
        (root / "target").mkdir(exist_ok=True)
        (root / "target" / PARSED).write_bytes(_parsed())
    if raw:
        sql(root, raw)
    return root


def _write(root: Path, files: Mapping[str, str | None]) -> None:
    for name, text in files.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(dedent(text).lstrip())


@cache
def _parsed() -> bytes:
    """Let dbt parse the unchanged project, once a process."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        _write(folder, FILES)
        parsed = dbt(folder, "parse")
        assert parsed.exit_code == 0, parsed.trouble
        return (folder / "target" / PARSED).read_bytes()


def sql(root: Path, statement: str) -> list[tuple[object, ...]]:
    """Run SQL on the project's database from outside of any run."""
    with duckdb.connect(str(root / "shop.duckdb")) as connection:
        return connection.execute(statement).fetchall()
