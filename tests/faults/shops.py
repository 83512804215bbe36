"""Copies of a small shop with real loads and real models, in which `elt` is killed and goes on."""

import json
import shutil
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import duckdb

from orchestrator.errors import NothingRecordedError, UnknownRunError
from orchestrator.execution.recorded import RecordedRun
from orchestrator.plan.status import Status
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.faults.drawing import Death, Proven
from tests.faults.forking import KILLED, Forker
from tests.functional.shop import PARSED, write_shop
from tests.warm_children import ready

MODULE = """
import dlt


@dlt.resource(write_disposition="append")
def customers(id=dlt.sources.incremental("id", range_start="open")):
    yield [{"id": n, "name": f"customer {n}"} for n in range(200)]


@dlt.resource(write_disposition="replace")
def orders():
    yield [{"id": n, "customer_id": n % 200, "amount": n / 4, "items": [{"sku": n}, {"sku": -n}]} for n in range(300)]


@dlt.source
def raw():
    return customers, orders
"""
FILES: dict[str, str | None] = {
    "ingestion/raw.py": MODULE,
    "models/sources.yml": "sources: [{name: raw, schema: raw, tables: [{name: customers}, {name: orders}]}]",
    "models/staging/staging.yml": None,  # the tests of the marts are enough
    "seeds/kinds.csv": "kind,name\n1,small\n2,large\n",
    "models/marts/sums.sql": """
        {{ config(materialized='incremental', unique_key='customer_id') }}
        select customer_id, sum(amount) as spent from {{ ref('fct_orders') }} group by 1
        """,
    "models/marts/every_order.sql": """
        {{ config(materialized='incremental', incremental_strategy='append') }}
        select order_id, amount from {{ ref('fct_orders') }}
        """,
    "snapshots/names.yml": """
        snapshots:
          - name: names
            relation: ref('stg_customers')
            config: {schema: main, unique_key: customer_id, strategy: check, check_cols: [name]}
        """,
}
RUN = ("run", "--json")
RESUME = ("resume", "--json")
OF_THE_MOMENT = ("_dlt_load_id", "_dlt_id", "_dlt_parent_id", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from")


@dataclass(frozen=True)
class Undisturbed:
    """What a run without any fault leaves, and how often it passes each point."""

    tables: dict[str, Counter[tuple[object, ...]]]
    passings: dict[str, int]


class Shops:
    """A shop that nothing has been loaded into, copies of it, and who runs `elt` in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self._forker = Forker("tests.faults.real_server")

    def __enter__(self) -> Self:
        ready()
        self._forker.__enter__()
        (self._folder / "shop").mkdir()
        self._empty = write_shop(self._folder / "shop", FILES, raw="")
        shop = self.copy()
        assert self.elt(shop, *RUN) == 0, self.said(shop)
        shutil.copyfile(shop / "target" / PARSED, self._empty / "target" / PARSED)  # the next need not parse
        self.undisturbed = Undisturbed(tables_of(shop), json.loads((shop / "passings.json").read_text()))
        return self

    def __exit__(self, *how: object) -> None:
        self._forker.__exit__(*how)

    def copy(self) -> Path:
        """Make a shop of its own."""
        self._made += 1
        return Path(shutil.copytree(self._empty, self._folder / f"shop{self._made}"))

    def elt(self, shop: Path, *words: str, death: Death | None = None) -> int:
        """Run `elt` in a shop to its end or its death, and give the exit code."""
        return self._forker.order(folder=str(shop), words=words, fault=death and death.as_fault())

    def kill_and_prove(self, death: Death) -> Proven:
        """Let a run die, and prove that it goes on to what an undisturbed run leaves."""
        shop = self.copy()
        while (code := self.elt(shop, *RUN, death=death)) == 0 and death.passing > 1:
            death = replace(death, passing=death.passing - 1)  # the tools ask a little less at times
            shop = self.copy()
        assert code == KILLED, self.said(shop)
        before = recorded(shop)
        if before is None or before.head.status is None:
            code = self.elt(shop, *(RUN if before is None else RESUME))
            assert code == 0, self.said(shop)
        after = recorded(shop)
        assert after is not None
        assert after.head.status is Status.SUCCESS
        assert tables_of(shop) == self.undisturbed.tables
        assert tries_of(before, after) == tries_of(before, before)
        shutil.rmtree(shop)
        rows = sum(table.total() for table in self.undisturbed.tables.values())
        return Proven(deaths=(death,), sittings=2, steps=len(after.steps), rows=rows)

    def said(self, shop: Path) -> str:
        """Give what `elt` said last."""
        return (shop / "out.txt").read_text()[-3000:] + (shop / "err.txt").read_text()


def recorded(shop: Path) -> RecordedRun | None:
    """Read the last run, if any is recorded."""
    with closing(SqlStore(store_url(".elt/history.db", shop))) as store:
        try:
            reader = store.reader()
            return reader.run(reader.find())
        except (NothingRecordedError, UnknownRunError):
            return None


def tries_of(run: RecordedRun | None, seen: RecordedRun | None) -> dict[str, int]:
    """Count, as the record has them at another time, the tries of the steps that a run had recorded as ended well."""
    if run is None or seen is None:
        return {}
    well = {step.step_id for step in run.steps if step.status is not None and not step.status.halts}
    return {step.step_id: len(step.attempts) for step in seen.steps if step.step_id in well}


def tables_of(shop: Path) -> dict[str, Counter[tuple[object, ...]]]:
    """Read every table of the shop but the tools' own, without what is another each time."""
    with duckdb.connect(str(shop / "shop.duckdb"), config={"threads": 1}) as connection:
        found = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
        return {
            f"{schema}.{name}": Counter(map(repr, rows_of(connection, schema, name)))
            for schema, name in found
            if not name.startswith("_dlt_") and schema != "_elt" and not schema.endswith("_staging")
        }


def rows_of(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[tuple[object, ...]]:
    """Read the rows of a table."""
    known = connection.execute(f'describe "{schema}"."{name}"').fetchall()
    columns = [f'"{column[0]}"' for column in known if column[0] not in OF_THE_MOMENT]
    return connection.execute(f'select {", ".join(columns)} from "{schema}"."{name}"').fetchall()
