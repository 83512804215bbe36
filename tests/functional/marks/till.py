"""A small project with a node of every kind that leaves something in the target, each of which tells of its builds."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import duckdb

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: till
        version: "1.0.0"
        profile: till
        seeds: {+schema: seeds}
        flags: {require_batched_execution_for_custom_microbatch_strategy: true}
        """,
    "profiles.yml": """
        till:
          target: dev
          outputs:
            dev:
              type: duckdb
              path: till.duckdb
              threads: 1
              attach: [{path: beside.duckdb, alias: beside}]
        """,
    "seeds/coins.csv": """
        coin,cents
        dime,10
        cent,1
        """,
    "models/a_view.sql": "{{ config(materialized='view') }} select 1 as one",
    "models/b_table.sql": "{{ config(materialized='table') }} select one from {{ ref('a_view') }}",
    "models/c_log.sql": """
        {{ config(materialized='incremental', incremental_strategy='append') }}
        select one from {{ ref('b_table') }}
        """,
    "models/d_beside.sql": """
        {{ config(materialized='incremental', incremental_strategy='append', database='beside') }}
        select one from {{ ref('b_table') }}
        """,
    "models/e_python.py": """
        def model(dbt, session):
            dbt.config(materialized="table")
            return dbt.ref("b_table")
        """,
    "models/f_python_log.py": """
        def model(dbt, session):
            dbt.config(materialized="incremental", incremental_strategy="append")
            return dbt.ref("b_table")
        """,
    "models/g_hooked.sql": """
        {{ config(materialized='table', post_hook={"sql": "select 1", "transaction": false}) }}
        select one from {{ ref('b_table') }}
        """,
    "models/h_file.sql": """
        {{ config(materialized='external', location='h_file.parquet') }} select one from {{ ref('b_table') }}
        """,
    "models/i_own.sql": "{{ config(materialized='own') }} select 1 as one",
    "macros/own.sql": """
        {% materialization own, default %}
          {% set relation = this.incorporate(type='table') %}
          {{ run_hooks(pre_hooks) }}
          {% call statement('main') %} create or replace table {{ relation }} as ({{ sql }}) {% endcall %}
          {{ run_hooks(post_hooks) }}
          {{ adapter.commit() }}
          {{ return({'relations': [relation]}) }}
        {% endmaterialization %}
        """,
    "models/j_days.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='seen_at', batch_size='day',
                  begin=modules.datetime.datetime.now().strftime('%Y-%m-%d'), lookback=0) }}
        select now()::timestamp as seen_at
        """,
    "snapshots/k_kept.yml": """
        snapshots:
          - name: k_kept
            relation: ref('b_table')
            config: {strategy: check, unique_key: one, check_cols: all}
        """,
}


def write_till(root: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Write the project, with some files changed or added, and give its folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    return root


def rows(root: Path, statement: str, *, database: str = "till") -> list[tuple[object, ...]]:
    """Ask one of the project's databases from outside of any run."""
    with duckdb.connect(str(root / f"{database}.duckdb")) as connection:
        return connection.execute(statement).fetchall()


def builds(root: Path, *, database: str = "till") -> dict[str, list[tuple[int, bool]]]:
    """Give the markers of each node: which try it was, and whether it is settled by it."""
    found: dict[str, list[tuple[int, bool]]] = {}
    query = "select split_part(step_id, '.', 3), attempt, is_whole from _elt.standing order by rowid"
    for name, attempt, is_whole in rows(root, query, database=database):
        found.setdefault(str(name), []).append((int(str(attempt)), bool(is_whole)))
    return found
