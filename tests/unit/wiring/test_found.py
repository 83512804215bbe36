"""What a run that goes on, or is retried, finds left of loads that were cut off."""

from dataclasses import replace
from pathlib import Path

from orchestrator.execution.changes import digests_of
from orchestrator.execution.reconcile import left_loads
from orchestrator.execution.recorded import RecordedAttempt, RecordedRun, RecordedStep
from orchestrator.plan.plan import Plan
from tests.factories import make_head, make_plan
from tests.fakes.clock import NOON


def cut_off(run_id: str, plan: Plan, root: Path) -> RecordedRun:
    """Record a run of one load, whose process died in it."""
    (step,) = plan.steps
    attempt = RecordedAttempt(number=1, started_at=NOON, outcome=None)
    recorded = RecordedStep(
        step_id=step.id, name="", kind="ingest", why="", status=None, reason=None, attempts=(attempt,)
    )
    files = digests_of(plan, root)
    return RecordedRun(head=make_head(run_id=run_id), asked={"files": files}, plan=plan, steps=(recorded,))


def test_a_load_continues_with_what_its_own_module_had_extracted(tmp_path: Path) -> None:
    """In a retry too; what an earlier text of the module extracted is another thing."""
    (step,) = make_plan("load_log").steps
    plan = Plan(steps=(replace(step, path="log.py"),))
    (tmp_path / "log.py").write_text("rows = 1")
    first = cut_off("r1", plan, tmp_path)
    assert left_loads(tmp_path, [first]) == {"load_log": {"r1"}}
    (tmp_path / "log.py").write_text("rows = 2")
    assert left_loads(tmp_path, [first]) == {}
    assert left_loads(tmp_path, [first, cut_off("r2", plan, tmp_path)]) == {"load_log": {"r2"}}
