"""run_results.json describes the whole run, in dbt's words."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.dbt2.program_ledger import DbtProgramLedger
from orchestrator.adapters.dbt2.program_outcomes import nothing_done, outcome_of
from orchestrator.errors import ProjectError
from orchestrator.execution.events import RunStarted
from orchestrator.execution.outcome import Outcome
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from tests.unit.adapters.dbt2.test_program_calls import build, check, freshness
from tests.unit.adapters.dbt2.test_program_runner import report

A, B, C, T = build("model.shop.a"), build("model.shop.b"), build("model.shop.c"), check("test.shop.t")
GATE = freshness("source.shop.raw.x")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def written(tmp_path, *outcomes: Outcome, steps=(A, B, C, T, GATE), settled=()):
    ledger = DbtProgramLedger(tmp_path / "target", "2.0.1", "build")
    ledger.begin(RunStarted(run_id="r", at=AT, plan=Plan(steps=steps), database="shop", resumed=False, settled=settled))
    ledger.settle(outcomes)
    ledger.finish(AT + timedelta(seconds=9))
    path = tmp_path / "target" / "run_results.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_every_node_has_its_entry(tmp_path):
    """Those that ran as dbt reported them, the others as skipped; sources have none."""
    found = written(
        tmp_path,
        outcome_of(T, report(T.node, Status.FAIL, "fail", failures=2, message="Got 2 failing rows")),
        outcome_of(GATE, report(GATE.node)),
        Outcome(step_id=B.id, status=Status.SKIPPED),
        Outcome(step_id=C.id, status=Status.CANCELLED),
        settled=(outcome_of(A, report(A.node)),),
    )
    assert {one["unique_id"]: one["status"] for one in found["results"]} == {
        A.node: "success",
        T.node: "fail",
        B.node: "skipped",
        C.node: "skipped",
    }
    assert found["metadata"]["dbt_version"] == "2.0.1"
    assert (found["elapsed_time"], found["args"]) == (9.0, {"which": "build"})
    assert [one["failures"] for one in found["results"]][1] == 2


def test_dbt_1_can_read_it(tmp_path):
    """So `result:` selections and other readers can."""
    from dbt.artifacts.schemas.run import RunResultsArtifact

    written(tmp_path, outcome_of(A, report(A.node, rows_affected=3)), nothing_done(B))
    read = RunResultsArtifact.read_and_check_versions(str(tmp_path / "target" / "run_results.json"))
    assert [(one.unique_id, one.adapter_response) for one in read.results] == [(A.node, {"rows_affected": 3})]


def test_a_run_without_nodes_leaves_the_last_results(tmp_path):
    """As with dbt 1.x."""
    assert written(tmp_path, outcome_of(GATE, report(GATE.node)), steps=(GATE,)) is None
    DbtProgramLedger(tmp_path / "target", "2.0.1", "build").finish(AT)
    assert not (tmp_path / "target").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """The run itself has succeeded: this becomes a warning."""
    (tmp_path / "target").write_text("")
    with pytest.raises(ProjectError, match="could not be written"):
        written(tmp_path, outcome_of(A, report(A.node)))
