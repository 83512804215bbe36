"""A project with much that a fingerprint is made of: macros two packages deep, a var, a variable, a hook, a contract.

seeds raw_sales and rates;
raw_sales → stg_sales → sales (table, contract, hook) → days (ephemeral) → sales_by_day (view)
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: till
        version: "1.0.0"
        profile: till
        vars: {start_date: "2024-01-01", floor: 0}
        models:
          till: {+materialized: view}
        """,
    "profiles.yml": """
        till:
          target: dev
          outputs:
            dev: {type: duckdb, path: till.duckdb, threads: 1}
        """,
    "packages.yml": "packages: [{local: packages/money}, {local: packages/numbers}]\n",
    "packages/money/dbt_project.yml": "name: money\nversion: '1.0'\nconfig-version: 2\n",
    "packages/money/macros/cents.sql": """
        {% macro cents(column) %}({{ numbers.rounded(column) }} * 100){% endmacro %}
        """,
    "packages/numbers/dbt_project.yml": "name: numbers\nversion: '1.0'\nconfig-version: 2\n",
    "packages/numbers/macros/rounded.sql": "{% macro rounded(column) %}round({{ column }}, 2){% endmacro %}\n",
    "macros/unused.sql": "{% macro unused() %}1{% endmacro %}\n",
    "seeds/rates.csv": "currency,rate\nEUR,1.0\nUSD,1.1\n",
    "seeds/raw_sales.csv": "id,day,amount,currency\n1,2024-01-02,5.0,EUR\n2,2024-01-03,7.25,USD\n",
    "models/stg_sales.sql": """
        -- one row a sale
        select id, day, {{ money.cents('amount') }} as cents, currency
        from {{ ref('raw_sales') }}
        where day >= '{{ var("start_date") }}'
        """,
    "models/sales.sql": """
        {{ config(materialized='table', post_hook="delete from {{ this }} where cents < {{ var('floor') }}") }}
        select id, day, cents * rate as cents, '{{ env_var("TILL_REGION", "none") }}' as region
        from {{ ref('stg_sales') }} join {{ ref('rates') }} using (currency)
        """,
    "models/days.sql": "{{ config(materialized='ephemeral') }} select day, cents from {{ ref('sales') }} -- no ids\n",
    "models/sales_by_day.sql": "select day, sum(cents) as cents from {{ ref('days') }} group by day\n",
    "models/stamped.sql": "select id, current_timestamp as seen_at from {{ ref('sales') }}\n",
    "models/pivoted.sql": """
        {% set found = run_query("select 1 as one") %}
        select id from {{ ref('sales') }}
        """,
    "models/models.yml": """
        models:
          - name: sales
            description: Every sale.
            config: {contract: {enforced: true}}
            columns:
              - {name: id, data_type: integer, data_tests: [unique]}
              - {name: day, data_type: date}
              - {name: cents, data_type: double}
              - {name: region, data_type: varchar}
          - name: sales_by_day
            description: What a day brought.
        """,
}


def write_till(root: Path) -> Path:
    """Write the project, its packages linked where `dbt deps` puts them; gives the folder."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text).lstrip())
    (root / "dbt_packages").mkdir()
    for package in ("money", "numbers"):
        (root / "dbt_packages" / package).symlink_to(root / "packages" / package)
    return root


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace a piece of a file, which must be there."""
    file = root / name
    text = file.read_text()
    assert old in text, f"{old!r} is not in {name}"
    file.write_text(text.replace(old, new))
