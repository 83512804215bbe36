"""A session leaves nothing behind in its process, and sees what others wrote while it was open."""

import re
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from orchestrator.adapters.dbt.artifact_head import head_of
from orchestrator.adapters.dbt.late_dbt import LateDbt, StartedDbt
from orchestrator.adapters.dbt.ledger import DbtLedger
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.run_records import OpenRecords
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.events import RunStarted
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Cause, IngestStep, StepId, Why
from tests.factories import NOON, make_outcome
from tests.fakes.step_runner import FakeStepRunner
from tests.functional.dbt.sides import copied, elt

pytestmark = pytest.mark.functional


def test_two_projects_in_one_process_keep_apart(
    everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two runs, whose profiles name the same relative path, write to a database each and print nothing."""
    monkeypatch.chdir(tmp_path)
    first = elt(copied(everything, tmp_path / "first"), select=["talks"])
    second = elt(copied(everything, tmp_path / "second"), select=["uses_function", "twice"])
    assert "main.talks" in first.tables()
    assert "main.uses_function" not in first.tables()
    assert "main.talks" not in second.tables()
    assert second.sql("select answer from main.uses_function") == [(42,)]
    assert Path.cwd() == tmp_path
    assert capfd.readouterr() == ("", "")
    assert "a model warns" in (first.folder / "logs" / "dbt.log").read_text()


def test_each_run_of_a_process_reports_deprecations(everything: Path, tmp_path: Path) -> None:
    """What dbt tells once a process is told in every run, so that `--warn-error` means the same in each of them."""
    project = (everything / "dbt_project.yml").read_text()
    allowed = project.replace("flags:", "flags:\n  require_resource_names_without_spaces: false")
    folder = copied(
        everything, tmp_path / "elt", {"dbt_project.yml": allowed, "models/two words.sql": "select 1 as id"}
    )
    for _ in range(2):
        assert any("two words" in notice.message for notice in elt(folder, select=["talks"]).notices)
    strict = elt(folder, "--warn-error", select=["talks"])
    assert re.search("spaces (found )?in", strict.trouble.lower())
    assert "WARNING" not in strict.trouble
    assert strict.exit_code == 2


def test_the_database_is_free_after_a_run(everything: Path, tmp_path: Path) -> None:
    """Another process can write to the file as soon as the run has ended."""
    side = elt(copied(everything, tmp_path / "elt"), select=["stg_orders"])
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table mine (x int)')"
    subprocess.run([sys.executable, "-c", code, str(side.folder / "warehouse.duckdb")], check=True)
    assert "main.mine" in side.tables()


def test_a_dbt_without_an_internal_attribute_is_refused(
    everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that could not leave markers does not start; the message says what is missing and what for."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.task.run import ModelRunner

    folder = copied(everything, tmp_path / "elt")
    with monkeypatch.context() as patch:
        patch.delattr(ModelRunner, "_execute_model")
        refused = elt(folder, select=["talks"])
    assert refused.exit_code == 2
    assert refused.trouble.startswith(
        "dbt-core has no dbt.task.run.ModelRunner._execute_model, which elt needs to write a marker with each build."
        f" Installed: dbt-core {version('dbt-core')}, dbt-adapters "
    )
    assert "main.talks" not in refused.tables()
    with monkeypatch.context() as patch:  # an attribute that only this target's adapter needs
        patch.delattr(DuckDBConnectionManager, "_ENV")
        refused = elt(folder, select=["talks"])
    assert "dbt-duckdb has no dbt.adapters.duckdb.connections.DuckDBConnectionManager._ENV" in refused.trouble
    assert elt(folder, select=["talks"]).exit_code == 0


def test_usage_statistics_are_off(everything: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the environment asks for them, nothing is sent."""
    import dbt.tracking

    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "true")
    folder = copied(everything, tmp_path / "elt")
    session = DbtSession(folder)
    session.open(("build", "--project-dir", str(folder), "--profiles-dir", str(folder)))
    try:
        assert dbt.tracking.active_user is not None
        assert dbt.tracking.active_user.do_not_track
        assert not session.flags.SEND_ANONYMOUS_USAGE_STATS
    finally:
        session.close()


def test_a_new_session_opens_although_an_abandoned_thread_still_computes(everything: Path, tmp_path: Path) -> None:
    """What was left running, as after Ctrl-C, keeps its connection busy; closing the session ends it."""
    folder = copied(everything, tmp_path / "elt")
    session = DbtSession(folder)
    session.open(("build", "--project-dir", str(folder), "--profiles-dir", str(folder)))
    session.parse()
    runs = NodeRuns(session, planned=[], added=[])
    handles: SimpleQueue[Any] = SimpleQueue()

    def compute() -> None:
        runs.enter_thread()
        with runs.adapter.connection_named("slow"):
            handles.put(runs.adapter.connections.get_thread_connection().handle)
            with suppress(DbtRuntimeError):
                runs.adapter.execute("select count(*) from range(100_000_000_000) r where r.range % 7 = 3")

    thread = Thread(target=compute, daemon=True)
    thread.start()
    handles.get(timeout=60)
    time.sleep(0.5)
    session.close()
    following = DbtSession(folder)
    following.open(("build", "--project-dir", str(folder), "--profiles-dir", str(folder)))
    following.close()
    thread.join(30)
    assert not thread.is_alive()


def test_dbt_sees_what_a_load_wrote(everything: Path, tmp_path: Path) -> None:
    """dbt remembers the relations of a schema; after a load into it, it looks again."""
    folder = copied(everything, tmp_path / "elt")
    session = DbtSession(folder)
    session.open(("build", "--project-dir", str(folder), "--profiles-dir", str(folder)))
    try:
        session.parse()
        runs = NodeRuns(session, planned=[], added=[])
        runs.prepare()
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute("create table main.loaded (x int)")
        assert not _is_seen(runs)
        records = OpenRecords(session, runs, head_of(session))
        dbt = LateDbt.of(StartedDbt(runs=runs, records=records, runner=FakeStepRunner()))
        ledger = DbtLedger(dbt, without=lambda: records)
        ledger.begin(RunStarted(run_id="r", at=NOON, plan=Plan(steps=(_load("main"),)), database=""))
        ledger.settle([make_outcome("ingest.raw")])
        assert _is_seen(runs)
    finally:
        session.close()


def _is_seen(runs: NodeRuns) -> bool:
    with runs.adapter.connection_named("look"):
        return runs.adapter.get_relation("warehouse", "main", "loaded") is not None


def _load(dataset: str) -> IngestStep:
    return IngestStep(
        id=StepId("ingest.raw"),
        name="raw",
        path="raw.py",
        cause=Cause(why=Why.FEEDS),
        source="raw",
        module="raw.py",
        attribute="raw",
        pipeline="raw",
        dataset=dataset,
        working_dir=None,
        resources=(),
        nodes=(),
    )
