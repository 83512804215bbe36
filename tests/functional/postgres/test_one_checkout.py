"""Two runs in one checkout, with a target each: neither takes what the other parsed, or loaded, for its own."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.api import Upstream
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.functional.postgres.server import Server
from tests.functional.postgres.test_two_runs import Desk, desk, said, started, until

pytestmark = pytest.mark.functional
GATED = "select count(*) as n from public.gate"
WAITS = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'gate'"


@pytest.fixture
def checkouts(tmp_path: Path, server: Server, new_database) -> tuple[Desk, Desk]:
    """Two checkouts with one record, and a model that waits as long as a table is locked."""
    database, store = new_database(), str(tmp_path / "runs.db")
    made = desk(tmp_path / "one", server, database, store), desk(tmp_path / "two", server, database, store)
    for one in made:
        one.write({"models/gated.sql": GATED})
    made[0].rows("create table public.gate ()")
    return made


def test_a_run_records_the_manifest_that_it_parsed(checkouts: tuple[Desk, Desk]) -> None:
    """While it waits for its turn another target is parsed in its folder; what it records names its own schemas."""
    one, other = checkouts
    with closing(one.server.connect(one.database)) as holding:
        holding.autocommit = False
        holding.cursor().execute("lock table public.gate in access exclusive mode")
        first = one.start("run", "ada", "--select", "gated")
        with started(first):
            until(lambda: bool(one.rows(WAITS)), first)
            second = other.start("run", "ada", "--select", "gated")
            with started(second):
                assert json.loads(second.stdout.readline())["notice"] == "waiting"
                planned = other.start("plan", "bob")
                out, err = planned.communicate(60)
                assert planned.returncode == 0, (out, err)
                assert "bob" in schemas((other.folder / "target" / "manifest.json").read_bytes())
                holding.rollback()
                said(first)
                said(second)
    assert recorded_schemas(one) == [{"ada", "ada_dbt_test__audit"}] * 2


def recorded_schemas(one: Desk) -> list[set[str]]:
    """Return the schemas in the recorded manifest of each run."""
    with closing(SqlStore(store_url(str(one.folder.parent / "runs.db"), one.folder))) as store:
        reader = store.reader()
        return [schemas(reader.manifest(head.run_id) or b"{}") for head in reader.heads()]


def schemas(manifest: bytes) -> set[str]:
    """Return the schemas of all nodes of a manifest."""
    return {node["schema"] for node in json.loads(manifest)["nodes"].values()}


LOADED: Mapping[str, str] = {
    ".dlt/config.toml": "restore_from_destination = false\n",
    "models/raw.yml": """
        sources:
          - name: raw
            schema: "{{ target.schema }}_raw"
            tables: [{name: orders}]
        """,
    "models/stg_orders.sql": "select id from {{ source('raw', 'orders') }}",
    "ingestion/shop.py": """
        import dlt

        @dlt.resource
        def orders(id=dlt.sources.incremental("id", range_start="open")):
            yield [{"id": n} for n in range(1, LAST + 1)]

        @dlt.source(name="raw")
        def shop():
            return orders
        """,
}


def test_each_target_loads_every_row_once(tmp_path: Path, server: Server, new_database) -> None:
    """Each target has a dataset of its own: what one has seen the other still loads, though nothing is restored."""
    one = desk(tmp_path / "one", server, new_database())
    one.write(LOADED)
    module = one.folder / "ingestion" / "shop.py"
    text = module.read_text()
    for last, target in ((2, "ada"), (3, "bob"), (4, "ada"), (4, "bob")):
        # Of another size each time: Python takes a module of the same size and second for the one that it compiled.
        longer = "#" * len(module.read_text())
        module.write_text(text.replace("LAST + 1", str(last + 1)) + longer)
        assert one.run(target, "stg_orders", upstream=Upstream.ALL, skip_unchanged=False).exit_code == 0
        assert one.rows(f"select id from {target}.stg_orders order by 1") == [(n + 1,) for n in range(last)]
