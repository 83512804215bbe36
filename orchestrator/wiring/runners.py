"""Creates the executors that a plan needs, and starts what takes long to start.

Each runner is imported only for a plan that needs it: a run that reuses everything needs none.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.direct_session import DirectSession
from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.errors import WarehouseError
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Ledger, StepRunner
from orchestrator.execution.reconcile import Left
from orchestrator.execution.routes import Tool, route_of
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.command import Command
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, Step, node_of
from orchestrator.reuse.fingerprints.steady_code import SteadyCode
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.ways.generated_sql import GeneratedKind
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.open_project import OpenProject

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.node_runs import NodeRuns
    from orchestrator.adapters.dbt.verifier import Verifier
    from orchestrator.adapters.duckdb.duckdb_warehouse import DuckdbWarehouse

_NOTHING = Left()
_NO_OPTIONS = Command()
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
    known: Knowledge | None = None,
    command: Command = _NO_OPTIONS,
) -> Runners:
    """Create the runners that the plan needs, and start what takes long to start.

    dbt receives the outcomes in `settled`, so that its end hooks see the results of the whole run. Steps that were
    started before continue with what is `left` of them. `was_built` says that nodes of the plan are recorded as built
    in this target by earlier runs. What each successful build leaves becomes `known`. The `command` says whether dbt
    executes every node, and for which scheduled time the steps of one's own run.
    """

    def verifier(runs: "NodeRuns") -> "Verifier | None":
        from orchestrator.wiring.verifying import verifier_of

        return verifier_of(project, runs, record, reader)

    # First: the markers of builds and loads need their tables, and dbt's runs need the record.
    record = _record_in_target(project, plan, known, is_expected=was_built)
    reader = None if known is None else known.reader
    nodes = [node for step in plan.steps if (node := node_of(step)) is not None]
    ways = project.ways(plain=command.plain)
    generated, replayable = ways.generated(nodes), ways.replayable(nodes)
    dbt = project.dbt.begin_run(
        DbtRunStart(
            planned=nodes or [step.node for step in plan.of(FreshnessStep)],
            # --full-refresh applies to what the user named, not to what the planner added.
            added=[step.node for step in plan.of(BuildStep) if step.added],
            places=record,
            left=left.batches,
            generated=generated,
            recalled=(record for outcome in settled for record in outcome.dbt_results),
            verifier=verifier,
            certain=[step.id for step in plan.steps if _certainly_needs_dbt(step)],
            replayable=replayable,
            direct=_direct_session(project, generated, replayable, nodes, record),
            is_steady=_steadiness(project, known, replayable),
        )
    )
    project.resources.callback(dbt.close)
    parts = _Parts(project=project, dbt=dbt, record=record, left=left, scheduled=command.scheduled)
    needed = {route_of(step).executor for step in plan.steps}
    runners = {name: make(parts) for name, make in _MAKERS.items() if name in needed}
    if project.target.is_shared:
        project.warehouse()  # before dbt opens the database, and before anything is loaded
    return Runners(by_executor=runners, ledgers=(dbt.ledger,))


def _direct_session(
    project: OpenProject,
    generated: Mapping[NodeId, GeneratedKind],
    replayable: Collection[NodeId],
    planned: Collection[NodeId],
    record: SqlTargetRecord | None,
) -> DirectSession | None:
    """Return where nodes can be executed without dbt; None if only dbt can open the database as dbt does."""
    target = project.target
    flags = project.snapshot.flags
    by_time = flags.sample or flags.event_time_start or flags.event_time_end  # shows in the compiled code
    if not (generated or replayable) or not target.is_file or target.opened_by_dbt or by_time:
        return None

    def warehouse() -> "DuckdbWarehouse":
        from orchestrator.adapters.duckdb.duckdb_warehouse import DuckdbWarehouse

        found = project.warehouse()
        assert isinstance(found, DuckdbWarehouse)
        return found

    return DirectSession(
        open_cursor=lambda: warehouse().dbt_session(),  # it is opened later
        content=lambda cursor, built: warehouse().built_content(cursor, built),
        kinds=generated,
        replayable=replayable,
        ephemeral=[node for node in planned if project.graph.manifest.nodes[node].is_ephemeral],
        planned=planned,
        places=record,
    )


def _steadiness(
    project: OpenProject, known: Knowledge | None, replayable: Collection[NodeId]
) -> Callable[[NodeId], bool]:
    """Return what says whether a node compiles to the same code each time."""

    @cache
    def steady() -> SteadyCode:
        assert known is not None
        return SteadyCode(project.graph.manifest, known.maker.index, replayable)

    return lambda node: known is not None and steady().is_steady(project.graph.manifest.nodes[node])


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
    project: OpenProject, plan: Plan, known: Knowledge | None, *, is_expected: bool
) -> SqlTargetRecord | None:
    """Create the record tables in the target's main database before the run; dbt's attached databases follow later.

    What a successful build leaves becomes known on the thread of the build. `is_expected` says that earlier runs are
    known to have built in this target.
    """
    record = project.record()
    if record is not None and known is not None:
        record.on_content = known.facts.note_content
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
