"""Creates the executors that a plan needs, and starts what takes long to start.

Each runner is imported only for a plan that needs it: a run that reuses everything needs none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.errors import WarehouseError
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Ledger, RunReader, StepRunner
from orchestrator.execution.reconcile import Left
from orchestrator.execution.routes import Tool, route_of
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, Step, StepId, node_of
from orchestrator.reuse.facts import Content
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.open_project import OpenProject

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.node_runs import NodeRuns
    from orchestrator.adapters.dbt.verifier import Verifier

_NOTHING = Left()
_NOT_CERTAIN = frozenset({Act.REUSE, Act.IF_CHANGED, Act.CLOSED})
"""What may leave a step of dbt undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runners:
    """The step runners of one plan by the names of their executors, and the ledgers that they need."""

    by_executor: Mapping[str, StepRunner]
    ledgers: tuple[Ledger, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What runners are made of."""

    project: OpenProject
    dbt: RunningDbt
    record: SqlTargetRecord | None
    left: Left
    scheduled: ScheduledTime | None


def make_runners(
    project: OpenProject,
    plan: Plan,
    settled: tuple[Outcome, ...] = (),
    *,
    left: Left = _NOTHING,
    was_built: bool = False,
    reader: RunReader | None = None,
    on_content: Callable[[StepId, Content], None] = lambda _step, _content: None,
    scheduled: ScheduledTime | None = None,
) -> Runners:
    """Create the runners that the plan needs, and start what takes long to start.

    dbt receives the outcomes in `settled`, so that its end hooks see the results of the whole run. Steps that were
    started before continue with what is `left` of them. `was_built` says that nodes of the plan are recorded as built
    in this target by earlier runs, which the `reader` knows. `on_content` is called with what each successful build
    leaves. The steps of one's own learn for which `scheduled` time they run.
    """

    def verifier(runs: "NodeRuns") -> "Verifier | None":
        from orchestrator.wiring.verifying import verifier_of

        return verifier_of(project, runs, record, reader)

    # First: the markers of builds and loads need their tables, and dbt's runs need the record.
    record = _record_in_target(project, plan, on_content, is_expected=was_built)
    nodes = [node for step in plan.steps if (node := node_of(step)) is not None]
    dbt = project.dbt.begin_run(
        DbtRunStart(
            planned=nodes or [step.node for step in plan.of(FreshnessStep)],
            # --full-refresh applies to what the user named, not to what the planner added.
            added=[step.node for step in plan.of(BuildStep) if step.added],
            places=record,
            left=left.batches,
            recalled=(record for outcome in settled for record in outcome.dbt_results),
            verifier=verifier,
            is_needed=any(map(_certainly_needs_dbt, plan.steps)),
        )
    )
    project.resources.callback(dbt.close)
    parts = _Parts(project=project, dbt=dbt, record=record, left=left, scheduled=scheduled)
    needed = {route_of(step).executor for step in plan.steps}
    runners = {name: make(parts) for name, make in _MAKERS.items() if name in needed}
    if project.target.is_shared:
        project.warehouse()  # before dbt opens the database, and before anything is loaded
    return Runners(by_executor=runners, ledgers=(dbt.ledger,))


def _certainly_needs_dbt(step: Step) -> bool:
    """Return whether dbt runs a step, unless what the step waits for does not succeed."""
    is_undecided = step.decision is not None and step.decision.act in _NOT_CERTAIN
    is_no_op = isinstance(step, BuildStep) and step.is_no_op
    return route_of(step).executor == Tool.DBT and not is_undecided and not is_no_op


def _dbt_runner(parts: _Parts) -> StepRunner:
    return parts.dbt.runner


def _validation_runner(parts: _Parts) -> StepRunner:
    from orchestrator.adapters.great_expectations.validate import ValidationRunner

    project = parts.project
    validation = ValidationRunner(project.warehouse().access(), project.settings.project_root)
    project.resources.callback(validation.close)
    validation.start()  # imports great-expectations while dbt builds
    return validation


def _ingest_runner(parts: _Parts) -> StepRunner:
    from orchestrator.adapters.dlt.load import IngestRunner

    project, record = parts.project, parts.record
    if project.host is None:
        raise WarehouseError("The plan loads, but there is no ingestion folder.", hint="This is a bug of elt.")
    runner = IngestRunner(
        host=project.host,
        access=project.warehouse().access(),
        project_root=project.settings.project_root,
        log_dir=log_dir(project.settings),
        record=None if record is None else record.loads_in(project.target.database),
        continues_loads=parts.left.loads,
        placement=project.graph.placement,
    )
    runner.interval = project.interval
    return runner


def _own_step_runner(parts: _Parts) -> StepRunner:
    from orchestrator.adapters.own_steps.own_step_runner import OwnStepRunner, environment_of

    project = parts.project
    environment = environment_of(project.target.name, parts.scheduled)
    runner = OwnStepRunner(project.settings.project_root, log_dir(project.settings), project.masker, environment)
    project.resources.callback(runner.close)
    return runner


def _load_age_runner(parts: _Parts) -> StepRunner:
    from orchestrator.adapters.load_age import LoadAgeRunner
    from orchestrator.execution.gate import evaluate_load_age

    return LoadAgeRunner(parts.project.warehouse().last_load_age, evaluate_load_age)


def _record_in_target(
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


_MAKERS: Mapping[str, Callable[[_Parts], StepRunner]] = {
    Tool.DBT: _dbt_runner,
    Tool.GREAT_EXPECTATIONS: _validation_runner,
    Tool.DLT: _ingest_runner,
    Tool.LOAD_AGE: _load_age_runner,
    Tool.OWN_STEPS: _own_step_runner,
}
"""Creates the runner of each executor that `execution/routes.py` names."""
