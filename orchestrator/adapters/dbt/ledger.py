"""Keeps how the steps of a run ended, for what dbt does later: its relation cache, on-run-end hooks, and artifacts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from orchestrator.adapters.dbt.artifacts import write_artifacts
from orchestrator.adapters.dbt.direct_runs import DirectRuns
from orchestrator.adapters.dbt.late_dbt import LateDbt
from orchestrator.adapters.dbt.outcome_ledger import OutcomeLedger
from orchestrator.adapters.dbt.run_records import RunRecords
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    TestStep,
    ValidationStep,
    node_of,
)


class DbtLedger(OutcomeLedger):
    """The ledger of the steps that dbt runs; steps of other tools matter to it only as writers of relations."""

    def __init__(self, dbt: LateDbt, without: Callable[[], RunRecords], direct: DirectRuns | None = None) -> None:
        """Set dbt's part of the run, the records of a run that does without it, and what executes nodes without it."""
        super().__init__()
        self._direct = direct
        self._dbt = dbt
        self._without = without

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes; after a load, whatever its status, make dbt list again the relations of its schemas.

        dbt caches the relations of a schema at their first use. No step that follows a load has started yet.
        """
        super().settle(outcomes)
        if self._dbt.started is None:  # it has listed no relations yet
            return
        for outcome in outcomes:
            step = self._plan.by_id[outcome.step_id]
            if isinstance(step, IngestStep):
                # The dataset too: a load also writes tables that no dbt source names.
                written = {(relation.database, relation.schema) for relation in step.writes}
                self._dbt.started.runs.forget_schemas(sorted(written | {(None, step.dataset)}, key=str))

    def finish(self, at: datetime) -> None:
        """Write dbt's artifacts; raises ProjectError or FullDiskError if a file cannot be written."""
        if self._started is None:
            return
        if self._direct is not None and self._dbt.started is not None:
            self._direct.tell(self._dbt.started)  # its manifest is written
            self._dbt.started.runs.generated.finish()
        made = self._without() if self._dbt.started is None else self._dbt.started.records
        instead = {node: made.skipped(node) for node in self.skipped_nodes()}
        instead |= {node: made.lost(node, message) for node, message in self.lost_nodes().items()}
        instead |= {node: made.reused(node, word) for node, word in self._forgotten_nodes().items()}
        elapsed = (at - self._started.at).total_seconds()
        write_artifacts(made, self._plan, self._outcomes, instead, elapsed=elapsed)

    def skipped_nodes(self) -> list[NodeId]:
        """Return the nodes that dbt would have run and that have been skipped so far."""
        ended = {Status.SKIPPED, Status.CANCELLED}
        return list(self._nodes(lambda outcome: outcome.status in ended, _is_recorded_as_skipped))

    def lost_nodes(self) -> dict[NodeId, str]:
        """Return the nodes without a dbt result because they exceeded their time limit, each with its message."""
        found = self._nodes(lambda outcome: outcome.reason.code is ReasonCode.TIME_LIMIT and not outcome.dbt_results)
        return {node: outcome.message for node, outcome in found.items()}

    def _forgotten_nodes(self) -> dict[NodeId, str]:
        """Return the nodes reused from a run that is no longer recorded, each with dbt's word for its status."""
        found = self._nodes(lambda outcome: outcome.status is Status.REUSED and not outcome.dbt_results)
        return {node: outcome.tool_word for node, outcome in found.items()}

    @property
    def _plan(self) -> Plan:
        return Plan(steps=()) if self._started is None else self._started.plan

    def _nodes(
        self,
        matches: Callable[[Outcome], bool],
        is_recorded: Callable[[Step, Outcome], bool] = lambda step, _outcome: _is_recorded(step),
    ) -> Mapping[NodeId, Outcome]:
        """Return the nodes for which dbt would record a result, and that have a matching outcome."""
        # The tuple is a copy: the step of the on-run-end hooks calls this while the loop's thread may append.
        found = ((self._plan.by_id[outcome.step_id], outcome) for outcome in tuple(self._outcomes) if matches(outcome))
        return {
            node: outcome
            for step, outcome in found
            if (node := node_of(step)) is not None and is_recorded(step, outcome)
        }


def _is_recorded(step: Step) -> bool:
    """Return whether dbt would record a result for the step's node: it does so for every node but ephemeral models."""
    match step:
        case BuildStep():
            return step.materialized != "ephemeral"
        case TestStep():
            return True
        case IngestStep() | FreshnessStep() | ValidationStep() | HookStep() | OwnStep():
            return False
        case _:
            assert_never(step)


def _is_recorded_as_skipped(step: Step, outcome: Outcome) -> bool:
    """Return whether dbt would record the skip, also after an on-run-start hook failed.

    dbt then records every node in its queue. Ephemeral models are in that queue, unit tests are not.
    """
    if outcome.reason.code is ReasonCode.RUN_START_HOOK:
        return not (isinstance(step, TestStep) and step.resource_type is ResourceType.UNIT_TEST)
    return _is_recorded(step)
