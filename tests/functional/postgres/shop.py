"""The shop as people write it on PostgreSQL: dlt loads it, dbt builds it, great-expectations judges it.

ingest shop.customers → raw.customers → stg_customers ─┐
ingest shop.orders    → raw.orders    → stg_orders ────┴→ fct_orders (suite) → dim_customers, orders_history
ingest rates.rates    → rates.rates   → stg_rates → fct_rates
seed countries → stg_customers; snapshot customers_history; fct_orders is incremental; dim_customers has a unit test
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.functional.postgres.server import PASSWORD, Server

FILES: Mapping[str, str] = {
    "dbt_project.yml": """
        name: shop
        version: "1.0.0"
        profile: shop
        models:
          shop:
            staging: {+materialized: view, +schema: staging}
            marts: {+materialized: table}
        seeds:
          shop: {+schema: reference}
        """,
    "profiles.yml": """
        shop:
          target: dev
          outputs:
            dev:
              type: postgres
              host: "{{ env_var('SHOP_HOST', '127.0.0.1') }}"
              port: "{{ env_var('SHOP_PORT') | as_number }}"
              user: "{{ env_var('SHOP_USER', 'postgres') }}"
              pass: "{{ env_var('SHOP_PASSWORD') }}"
              dbname: "{{ env_var('SHOP_DATABASE') }}"
              schema: analytics
              threads: 4
        """,
    "seeds/countries.csv": "code,country\nDE,Germany\nFR,France\n",
    "models/sources.yml": """
        sources:
          - name: raw
            schema: raw
            config:
              freshness: {warn_after: {count: 1, period: day}, error_after: {count: 2, period: day}}
            tables:
              - name: customers
                columns: [{name: id, data_tests: [unique, not_null]}]
              - name: orders
                config: {loaded_at_field: ordered_at}
          - name: rates
            tables: [{name: rates}]
        """,
    "models/staging/stg_customers.sql": """
        select c.id as customer_id, c.name, countries.country
        from {{ source('raw', 'customers') }} c left join {{ ref('countries') }} countries on countries.code = c.code
        """,
    "models/staging/stg_orders.sql": """
        select id as order_id, customer_id, amount, ordered_at from {{ source('raw', 'orders') }}
        """,
    "models/staging/stg_rates.sql": "select currency, rate from {{ source('rates', 'rates') }}",
    "models/staging/staging.yml": """
        models:
          - name: stg_customers
            columns:
              - name: customer_id
                data_tests: [unique, not_null]
              - name: country
                data_tests: [{not_null: {config: {severity: warn}}}]
          - name: stg_orders
            columns:
              - name: order_id
                data_tests: [unique, not_null]
              - name: customer_id
                data_tests:
                  - relationships: {arguments: {to: ref('stg_customers'), field: customer_id}}
          - name: stg_rates
            columns: [{name: currency, data_tests: [unique]}]
        """,
    "models/marts/fct_orders.sql": """
        {{ config(materialized='incremental', unique_key='order_id') }}
        select o.order_id, o.customer_id, c.name, o.amount, o.ordered_at
        from {{ ref('stg_orders') }} o join {{ ref('stg_customers') }} c using (customer_id)
        {% if is_incremental() %} where o.order_id > (select max(order_id) from {{ this }}) {% endif %}
        """,
    "models/marts/fct_rates.sql": "select currency, rate from {{ ref('stg_rates') }}",
    "models/marts/dim_customers.sql": """
        select c.customer_id, c.name, coalesce(sum(f.amount), 0) as spent
        from {{ ref('stg_customers') }} c left join {{ ref('fct_orders') }} f using (customer_id)
        group by c.customer_id, c.name
        """,
    "models/marts/marts.yml": """
        models:
          - name: fct_orders
            columns: [{name: order_id, data_tests: [unique, not_null]}]
          - name: dim_customers
            columns: [{name: customer_id, data_tests: [unique, not_null]}]
        unit_tests:
          - name: what_a_customer_spent
            model: dim_customers
            given:
              - input: ref('stg_customers')
                rows: [{customer_id: 1, name: Ann}, {customer_id: 2, name: Bo}]
              - input: ref('fct_orders')
                rows: [{customer_id: 1, amount: 2.5}, {customer_id: 1, amount: 1.5}]
            expect:
              rows: [{customer_id: 1, name: Ann, spent: 4.0}, {customer_id: 2, name: Bo, spent: 0}]
        """,
    "snapshots/customers_history.yml": """
        snapshots:
          - name: customers_history
            relation: ref('stg_customers')
            config: {strategy: check, unique_key: customer_id, check_cols: [name]}
        """,
    "expectations/fct_orders.json": """
        {"name": "fct_orders", "expectations": [
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}},
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "min_value": 0}},
            {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "ordered_at", "type_": "timestamptz"}}
        ]}
        """,
    "ingestion/shop.py": """
        from datetime import UTC, datetime, timedelta
        from pathlib import Path

        import dlt

        LAST = int((Path(__file__).parent / "last").read_text())
        AGE = timedelta(days=int((Path(__file__).parent / "age").read_text()))

        @dlt.resource(write_disposition="replace")
        def customers():
            yield [{"id": 1, "name": "Ann", "code": "DE"}, {"id": 2, "name": "Bo", "code": "FR"}]

        @dlt.resource(write_disposition="append")
        def orders(id=dlt.sources.incremental("id", range_start="open")):
            for n in range(1, LAST + 1):
                moment = datetime.now(UTC) - AGE
                yield {"id": n, "customer_id": 1 + n % 2, "amount": n / 2, "ordered_at": moment}

        @dlt.source(name="raw")
        def shop():
            return customers, orders
        """,
    "ingestion/rates.py": """
        import dlt

        @dlt.resource(write_disposition="replace")
        def rates():
            yield [{"currency": "EUR", "rate": 1.0}, {"currency": "SEK", "rate": 11.2}]

        @dlt.source(name="rates")
        def rates_api():
            return rates
        """,
    "ingestion/last": "3",
    "ingestion/age": "0",
}


def write_shop(root: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Write the project with some files changed, added or (None) left out, and give its folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(dedent(text).lstrip())
    return root


def environment(server: Server, database: str, **changes: str) -> dict[str, str]:
    """Give the variables that the profile reads."""
    return {
        "SHOP_HOST": server.host,
        "SHOP_PORT": str(server.port),
        "SHOP_DATABASE": database,
        "SHOP_PASSWORD": PASSWORD,
        "SHOP_USER": "postgres",
        **changes,
    }
