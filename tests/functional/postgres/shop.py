"""The shop as people write it on PostgreSQL: dlt loads it, dbt builds it, great-expectations evaluates it.

ingest shop.customers → raw.customers → stg_customers ─┐
ingest shop.orders    → raw.orders    → stg_orders ────┴→ fct_orders (suite) → dim_customers, orders_history
ingest rates.rates    → rates.rates   → stg_rates → fct_rates
seed countries → stg_customers; snapshot customers_history; fct_orders is incremental; dim_customers has a unit test
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.api import Command, FinishedRun, Verb, plan, run
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, ValidationStep
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


@dataclass(frozen=True)
class Shop:
    """The project in a folder, and its database."""

    folder: Path
    server: Server
    database: str

    def variables(self, **changes: str) -> dict[str, str]:
        """Give the variables that the profile reads."""
        return {
            "SHOP_HOST": self.server.host,
            "SHOP_PORT": str(self.server.port),
            "SHOP_DATABASE": self.database,
            "SHOP_PASSWORD": PASSWORD,
            "SHOP_USER": "postgres",
            **changes,
        }

    @contextmanager
    def entered(self, **changes: str) -> Iterator[None]:
        """Set the variables."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables(**changes).items():
                patch.setenv(name, value)
            yield

    def run(self, *select: str, verb: Verb = Verb.BUILD, **options: object) -> FinishedRun:
        """Run a selection in this process."""
        command = Command(verb=verb, project_dir=self.folder, profiles_dir=self.folder, select=select, **options)
        with self.entered():
            return run(command)

    def plan(self, *select: str, **options: object) -> Plan:
        """Plan a selection in this process."""
        command = Command(project_dir=self.folder, profiles_dir=self.folder, select=select, **options)
        with self.entered():
            return plan(command).plan

    def write(self, name: str, text: str) -> None:
        """Change a file."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(dedent(text).lstrip())

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        return self.server.rows(sql, self.database)

    def copied(self, folder: Path, database: str) -> "Shop":
        """Give the project in another folder, with what was parsed and loaded, and another database."""
        shutil.copytree(self.folder, folder)
        return Shop(folder, self.server, database)


def write_shop(folder: Path, server: Server, database: str, changes: Mapping[str, str | None] | None = None) -> Shop:
    """Write the project with some files changed, added or (None) left out."""
    shop = Shop(folder, server, database)
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            shop.write(name, text)
    return shop


def name_of(step: Step) -> str:
    """Give the name of a step, with its kind where a model has the same."""
    return f"suite {step.name}" if isinstance(step, ValidationStep) else step.name


def statuses(ran: FinishedRun) -> dict[str, str]:
    """Give what became of each step, by its name."""
    return {name_of(ran.plan.by_id[outcome.step_id]): str(outcome.status) for outcome in ran.outcomes}


def blamed(ran: FinishedRun) -> dict[str, str]:
    """Give the step to blame for each that was skipped, both by name."""
    names = {step.id: name_of(step) for step in ran.plan.steps}
    return {
        names[outcome.step_id]: names[outcome.reason.blame]
        for outcome in ran.outcomes
        if outcome.reason.blame is not None
    }
