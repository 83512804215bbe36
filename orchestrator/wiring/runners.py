"""Creates the step runners that a plan needs, and starts what takes long to start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.adapters.dbt.artifacts import ArtifactWriter
from orchestrator.adapters.dbt.loaded_schemas import LoadedSchemas
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.step_runner import DbtStepRunner
from orchestrator.adapters.dlt.load import IngestRunner
from orchestrator.adapters.great_expectations.validate import ValidationRunner
from orchestrator.adapters.load_age import LoadAgeRunner
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.errors import WarehouseError
from orchestrator.execution.gate import judge_load_age
from orchestrator.execution.lanes import Lane
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import RunListener, RunReader, StepRunner
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, StepId, TestStep, ValidationStep
from orchestrator.reuse.facts import Content
from orchestrator.wiring.found import Left
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.marking import record_in_target
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.verifying import verifier_of
from orchestrator.wiring.warehouse import is_shared

_NOTHING = Left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runners:
    """The step runners of one plan, and the listeners that its dbt steps need."""

    by_lane: Mapping[Lane, StepRunner]
    listeners: tuple[RunListener, ...]


def make_runners(
    project: OpenProject,
    plan: Plan,
    settled: tuple[Outcome, ...] = (),
    *,
    left: Left = _NOTHING,
    has_stood: bool = False,
    reader: RunReader | None = None,
    on_content: Callable[[StepId, Content], None] = lambda _step, _content: None,
) -> Runners:
    """Create the runners that the plan needs, and start what takes long to start.

    dbt receives the outcomes in `settled`, so that its end hooks see the results of the whole run. Steps that were
    started before continue with what is `left` of them. `has_stood` says that nodes of the plan are recorded as built
    in this target by earlier runs, which the `reader` knows. `on_content` is called with what each successful build
    leaves.
    """
    artifacts = ArtifactWriter(project.session)
    record = record_in_target(project, plan, on_content, is_expected=has_stood)
    dbt_steps = [step for step in plan.steps if isinstance(step, BuildStep | TestStep)]
    judged = [step for step in plan.steps if isinstance(step, FreshnessStep)]
    runs = NodeRuns(
        project.session,
        planned=[step.node for step in dbt_steps or judged],
        added=[step.node for step in dbt_steps if isinstance(step, BuildStep) and step.added],
        places=record,
    )
    artifacts.attach(runs)
    runs.take_up(left.batches)
    runs.recall(record for outcome in settled for record in outcome.dbt_results)
    project.resources.callback(runs.close)
    verifier = verifier_of(project, runs, record, reader)
    runners: dict[Lane, StepRunner] = {
        Lane.DBT: DbtStepRunner(runs, artifacts.skipped_nodes, artifacts.lost_nodes, verifier)
    }
    if any(isinstance(step, ValidationStep) for step in plan.steps):
        validation = ValidationRunner(project.warehouse().access(), project.settings.project_root)
        project.resources.callback(validation.close)
        validation.start()
        runners[Lane.VALIDATE] = validation
    if any(isinstance(step, IngestStep) for step in plan.steps):
        runners[Lane.INGEST] = _ingest_runner(project, record, left)
    if is_shared(project.target):
        # before dbt opens the database, and before anything is loaded
        runners[Lane.LIGHT] = LoadAgeRunner(project.warehouse().last_load_age, judge_load_age)
    return Runners(by_lane=runners, listeners=(LoadedSchemas(runs), artifacts))


def _ingest_runner(project: OpenProject, record: SqlTargetRecord | None, left: Left) -> StepRunner:
    if project.host is None:
        raise WarehouseError("The plan loads, but there is no ingestion folder.", hint="This is a bug of elt.")
    return IngestRunner(
        host=project.host,
        access=project.warehouse().access(),
        project_root=project.settings.project_root,
        log_dir=log_dir(project.settings),
        record=None if record is None else record.loads_in(project.target.database),
        goes_on=left.loads,
        placement=project.graph.placement,
    )
