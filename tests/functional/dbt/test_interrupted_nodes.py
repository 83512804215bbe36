"""Ctrl-C while SQL, batches and Python of models run: the run ends, tells what became of each, and frees the file."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from tests.functional.dbt.sides import copied
from tests.warm_starts import WarmStart

pytestmark = pytest.mark.functional
FOR_HOURS = "(select count(*) from range(100_000_000_000) r where r.range % 7 = 3)"
SLOW = {
    "models/slow/long_sql.sql": f"{{{{ config(materialized='table') }}}} select {FOR_HOURS} as n",
    "models/slow/below_long.sql": "select * from {{ ref('long_sql') }}",
    "models/slow/long_batches.sql": f"""
        {{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at',
            batch_size='year', begin='2021-01-01', concurrent_batches=true) }}}}
        select event_id, happened_at
            {{% if model.batch and model.batch.id != '2021' %}}, {FOR_HOURS} as n{{% else %}}, 0 as n{{% endif %}}
        from {{{{ ref('stg_events') }}}}
        """,
    "models/slow/long_python.py": """
        import time

        def model(dbt, session):
            rows = dbt.ref("stg_events")
            while dbt.this:
                time.sleep(0.05)
            return rows
        """,
}
ROOTS = ("long_sql", "long_batches", "long_python")


def test_an_interrupted_run_ends_and_reports_it(everything: Path, tmp_path: Path) -> None:
    """Exit code 130; no word of dbt's says failure of what was interrupted; batches that ended stand recorded."""
    folder = copied(everything, tmp_path / "elt", SLOW)
    exit_code = _interrupted(folder)
    assert exit_code == 130
    records = {record["unique_id"]: record for record in _results(folder)}
    words = {name.rpartition(".")[2]: record["status"] for name, record in records.items()}
    assert words["stg_events"] == "success"
    assert [words[name] for name in ("long_sql", "below_long", "long_python")] == ["skipped"] * 3
    batches = records["model.everything.long_batches"]
    assert batches["status"] == "partial success"
    assert [start for start, _ in batches["batch_results"]["successful"]] == ["2021-01-01T00:00:00+00:00"]
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        assert connection.execute("select count(*) from main.stg_events").fetchone() == (4,)
        assert connection.execute("select count(*) from main.long_batches").fetchone() == (1,)


def _interrupted(folder: Path) -> int:
    """Run the slow models and press Ctrl-C once all of them have started."""
    words = ["run", "--project-dir", str(folder), "--profiles-dir", str(folder), "--no-ingest", "--upstream", "none"]
    process = WarmStart(
        [*words, "--no-tests", "--json", "-s", "stg_events", "path:models/slow"],
        stdout=subprocess.PIPE,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )
    assert process.stdout is not None
    try:
        _press_when_all_run(process, process.stdout, folder)
        return process.wait()
    finally:
        process.kill()  # a failed test leaves no query behind that runs for hours


def _press_when_all_run(process: WarmStart, lines: Iterable[str], folder: Path) -> None:
    missing = {f"model.everything.{name}" for name in ROOTS}
    for line in lines:
        event = json.loads(line)
        missing.discard(event.get("step_id", "") if event["event"] == "step_started" else "")
        if not missing:
            _wait_for_a_batch(folder / "logs" / "dbt.log")
            process.send_signal(signal.SIGINT)
            missing = {"sent"}


def _wait_for_a_batch(log: Path) -> None:
    """Wait until dbt's log says that a batch has ended."""
    while "OK created batch 2021" not in log.read_text():
        time.sleep(0.05)


def _results(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return found
