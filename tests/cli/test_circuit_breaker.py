"""A source that is down run after run is left out for a while, as `elt.yml` says."""

import json
from textwrap import dedent

import pytest

pytestmark = pytest.mark.functional

FILES = {
    "elt.yml": "repeats: {ingest: none}\ncircuit_breaker:\n  after: 2\n  below: ${BELOW:-use_existing}\n",
    "dbt_project.yml": "name: mini\nversion: '1.0'\nprofile: mini\n",
    "profiles.yml": "mini: {target: dev, outputs: {dev: {type: duckdb, path: mini.duckdb, threads: 1}}}\n",
    "models/models.yml": "sources: [{name: shop, tables: [{name: orders}]}]\n",
    "models/orders.sql": "select * from {{ source('shop', 'orders') }}\n",
    "ingestion/shop.py": """
        import os

        import dlt

        @dlt.source
        def shop():
            return orders

        @dlt.resource
        def orders():
            if os.environ.get("SHOP_IS_DOWN"):
                raise RuntimeError("the shop is down")
            yield {"id": 1}
        """,
}


def test_a_load_that_fails_in_run_after_run_is_omitted(elt, tmp_path, monkeypatch):
    """After two failures it is not run; what is below runs on what stands, or is skipped; named, it is tried."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    elt("run", project=tmp_path).reports("2 success", code=0)
    monkeypatch.setenv("SHOP_IS_DOWN", "1")
    for _ in range(2):
        elt("run", project=tmp_path).reports("the shop is down", "1 skipped", code=1)
    logged = elt("logs", "shop", project=tmp_path)
    assert "RuntimeError: the shop is down" in logged.out
    planned = elt("plan", project=tmp_path)
    planned.reports("not run: failed in the last 2 runs; attempted again in 59 min", "ingest: one attempt", code=0)
    told = json.loads(elt("plan", "--skip-unchanged", "--select", "orders", "--json", project=tmp_path).out)
    assert told["steps"][0]["decision"]["words"].startswith("failed in the last 2 runs")
    assert [(step["max_attempts"], step["time_limit_seconds"]) for step in told["steps"]] == [(1, 1800), (3, 7200)]
    elt("run", project=tmp_path).reports("warn ingest:shop not run", "1 success", "1 warn", code=0)
    monkeypatch.setenv("BELOW", "skip")
    elt("run", project=tmp_path).reports("skipped ingest:shop not run", "2 skipped", code=1)
    elt("run", "--select", "ingest:shop.orders+", project=tmp_path).reports("the shop is down", code=1)
    monkeypatch.delenv("SHOP_IS_DOWN")
    elt("run", "--select", "ingest:shop.orders+", project=tmp_path).reports("2 success", code=0)
    elt("run", project=tmp_path).reports("2 success", code=0)
