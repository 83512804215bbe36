"""Decides whether a run records its results in the target itself, and returns the record to write them to."""

from collections.abc import Callable

from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, IngestStep, StepId
from orchestrator.reuse.facts import Content
from orchestrator.wiring.project import OpenProject


def record_in_target(
    project: OpenProject, plan: Plan, on_content: Callable[[StepId, Content], None], *, is_expected: bool
) -> SqlTargetRecord | None:
    """Create the record tables in the target's main database before the run; dbt's attached databases follow later.

    `on_content` is called on the thread of the build with what a successful build leaves. `is_expected` says that
    earlier runs are known to have built in this target.
    """
    record = project.record()
    if record is not None:
        record.on_content = on_content
    if record is not None and any(isinstance(step, BuildStep | IngestStep) for step in plan.steps):
        record.make([project.target.database], is_expected=is_expected)
    return record
