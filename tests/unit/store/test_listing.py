"""The newest runs are found by an index, however many are recorded."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import event

from orchestrator.store.database import open_for_reading, store_url
from orchestrator.store.reader import SqlRunReader
from orchestrator.store.sql_store import SqlStore
from orchestrator.store.tables import metadata
from tests.contracts.test_store import opening, started
from tests.factories import make_plan


def test_listing_runs_never_scans_a_table(tmp_path: Path) -> None:
    """Neither those that `elt history` shows nor the last one is looked for by reading a table from end to end."""
    url = store_url("history.db", tmp_path)
    with closing(SqlStore(url)) as store:
        store.writer(opening()).record([started(make_plan("a -> b"))])
    engine, asked = open_for_reading(url), []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    reader = SqlRunReader(engine)
    reader.heads(limit=20)
    reader.heads(limit=20, target_identity="duckdb shop.duckdb")
    reader.find()
    with closing(engine.raw_connection()) as connection:
        plans = [
            step[-1]
            for statement, values in list(asked)
            for step in connection.cursor().execute(f"explain query plan {statement}", values)
        ]
    assert any("USING INDEX runs_by_start" in step for step in plans)
    assert not [step for step in plans for name in metadata.tables if step == f"SCAN {name}"]
