"""A project of which one result follows from what no fingerprint sees, because it is declared deterministic.

rates (seed) ─┬→ prices (table)
              ├→ stray (table, which also reads main.outside, and is declared deterministic) → below_stray (table)
              ├→ marked (table, with a hook)
              ├→ stamped (table, which is another one each time, and may be reused all the same)
              └→ doubled (table, in Python)
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import duckdb

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: stall
        version: "1.0.0"
        profile: stall
        on-run-start: ["create or replace macro half(x) as x / 2.0"]
        models:
          stall: {+materialized: table}
        """,
    "profiles.yml": """
        stall:
          target: dev
          outputs:
            dev: {type: duckdb, path: stall.duckdb, threads: 2}
        """,
    "seeds/rates.csv": "code,rate\nA,2\nB,3\n",
    "models/prices.sql": """
        {{ config(contract={'enforced': true}) }}
        select code, half(rate) as price, sum(rate / 7.0) over () as total from {{ ref('rates') }}
        """,
    "models/stray.sql": """
        {{ config(meta={'elt': {'deterministic': true}}) }}
        select r.code, o.tax from {{ ref('rates') }} r join main.outside o using (code)
        """,
    "models/below_stray.sql": "select code from {{ ref('stray') }} where tax > 0\n",
    "models/marked.sql": """
        {{ config(post_hook="insert into main.seen values ('marked')", meta={'elt': {'deterministic': true}}) }}
        select code from {{ ref('rates') }}
        """,
    "models/stamped.sql": """
        {{ config(meta={'elt': {'volatile': false}}) }}
        select code, now() as built_at from {{ ref('rates') }}
        """,
    "models/doubled.py": """
        def model(dbt, session):
            dbt.config(materialized="table")
            return dbt.ref("rates").project("code, rate * 2 as twice")
        """,
    "models/models.yml": """
        models:
          - name: prices
            columns:
              - {name: code, data_type: varchar}
              - {name: price, data_type: double}
              - {name: total, data_type: double}
        """,
}


def write_stall(root: Path) -> Path:
    """Write the project, and the tables that nobody tells dbt of; gives the folder."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    ask(root, "create table outside as select * from (values ('A', 1), ('B', 2)) as t(code, tax)")
    ask(root, "create table seen (what varchar)")
    return root


def ask(root: Path, statement: str) -> list[tuple[object, ...]]:
    """Ask the database, which nobody else has open."""
    with duckdb.connect(str(root / "stall.duckdb")) as connection:
        return connection.execute(statement).fetchall()
