"""Reconciles the steps that were running when a run was cut off, using the markers in the target."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from orchestrator.execution.changes import is_module_of
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import LeftBatches, MarkedBatch, RecordedRun
from orchestrator.execution.resume import cut_off, done_after_all, settled, unrecorded_loads
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.plan.placement import relations_of
from orchestrator.plan.step import BuildStep, StepId
from orchestrator.reuse.last_success import Marker
from orchestrator.reuse.open_target import OpenDbt, OpenTarget, TargetRecord
from orchestrator.reuse.target_facts import WarehouseFacts


class RunRecord(TargetRecord, Protocol):
    """What the target records of the builds in it, and of their parts."""

    def batches(self, run_id: str, step_id: StepId) -> Collection[MarkedBatch]:
        """Return the batches of a microbatch model that a run marked as done."""

    def clear_leftovers(self, step_id: StepId, relation: Relation) -> None:
        """Drop what an interrupted build left beside its relation."""


class ResumedDbt(OpenDbt, Protocol):
    """What dbt is asked about an interrupted run."""

    def found_outcome(self, marker: Marker, started_at: datetime | None) -> Outcome:
        """Return the outcome of a build that was committed but not recorded, from its marker."""

    def left_by_markers(self, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
        """Return the batches of an interrupted microbatch model, as done or not according to the markers."""


class ResumedTarget(OpenTarget, Protocol):
    """An open project in which an interrupted run continues."""

    def record(self) -> RunRecord | None:
        """Return the target's own record; None if it keeps none."""

    @property
    def dbt(self) -> ResumedDbt:
        """dbt, with the project open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Work that a run, or the runs that it retries, started and did not finish."""

    batches: Mapping[NodeId, LeftBatches] = field(default_factory=dict)
    """The remaining batches of microbatch models."""
    loads: Mapping[StepId, frozenset[str]] = field(default_factory=dict)
    """For each load, the runs in which it was cut off. The load continues with what they extracted."""


def found_in_target(project: ResumedTarget, run: RecordedRun, changed: frozenset[NodeId]) -> tuple[Outcome, ...]:
    """Return the outcomes of builds that were cut off after their commit; nodes that changed since then run again."""
    record, unknown = project.record(), cut_off(run)
    if record is None or not unknown or not project.target.is_there:
        return ()
    markers = _own_markers(project, record, unknown)
    facts = WarehouseFacts(project)  # created after attached databases are visible, because it looks only once
    found = []
    for marker, attempt in done_after_all(run, markers):
        node = project.graph.manifest.nodes.get(NodeId(marker.step_id))
        if node is None or node.unique_id in changed or node.placed is None:
            continue
        if marker.is_of(node) and facts.exists(node.placed):
            # dbt drops these after its commit, and the build was cut off in between.
            record.clear_leftovers(marker.step_id, node.placed)
            found.append(project.dbt.found_outcome(marker, attempt.started_at))
    return tuple(found)


def gone_from_target(project: ResumedTarget, runs: Sequence[RecordedRun]) -> frozenset[StepId]:
    """Return the builds that succeeded but whose relation no longer exists, although the target has a marker for it."""
    record = project.record()
    if record is None or not project.target.is_there:
        return frozenset()
    markers = _own_markers(project, record, {outcome.step_id for run in runs for outcome in settled(run)})
    facts = WarehouseFacts(project)  # created after attached databases are visible
    nodes = project.graph.manifest.nodes
    return frozenset(
        step_id
        for step_id, marker in markers.items()
        if (node := nodes.get(NodeId(step_id))) is not None
        and node.placed is not None
        and marker.is_of(node)
        and not facts.exists(node.placed)
    )


def _own_markers(project: ResumedTarget, record: RunRecord, steps: Collection[StepId]) -> Mapping[StepId, Marker]:
    """Return the markers of these steps' relations, unless another node has written the relation since."""
    markers = record.markers(relations_of(project.graph, steps))
    return {step: marker for step, marker in markers.items() if marker.step_id == step}


def left_of(project: ResumedTarget, runs: Sequence[RecordedRun], changed: frozenset[NodeId]) -> Left:
    """Return the unfinished work of steps that a run, and its retries, did in part."""
    return Left(batches=_left_batches(project, runs, changed), loads=left_loads(project.settings.project_root, runs))


def left_loads(project_root: Path, runs: Sequence[RecordedRun]) -> dict[StepId, frozenset[str]]:
    """Return the runs in which each load was cut off; a load whose module has changed since then starts over."""
    left = {
        load: frozenset(run.head.run_id for run in cut if is_module_of(project_root, run, run.plan.by_id[load].path))
        for load, cut in unrecorded_loads(runs).items()
    }
    return {load: names for load, names in left.items() if names}


def _left_batches(
    project: ResumedTarget, runs: Sequence[RecordedRun], changed: frozenset[NodeId]
) -> dict[NodeId, LeftBatches]:
    """Return the remaining batches of the microbatch models that did not succeed.

    The last run that built some of the batches decides. For models that changed since then, dbt chooses the batches.
    """
    record = project.record()
    left: dict[NodeId, LeftBatches] = {}
    for run in runs:
        for step in run.steps:
            planned = run.plan.by_id[step.step_id]
            if not isinstance(planned, BuildStep) or step.last is None or planned.node in changed:
                continue
            if not _is_microbatch(project, planned.node):
                continue
            outcome, found = step.last.outcome, None
            if outcome is not None and not outcome.status.halts:
                left.pop(planned.node, None)
            elif outcome is not None:
                found = left_by_record(outcome.dbt_results)
            # Without a recorded end there is no result of dbt, so only the markers in the target know the batches.
            elif record is not None and project.target.is_there:
                markers = record.batches(run.head.run_id, step.step_id)
                found = project.dbt.left_by_markers(planned.node, markers)
            if found is not None:
                left[planned.node] = found
    dropped = _dropped(project, record, left)
    return {node: batches for node, batches in left.items() if node not in dropped}


def _dropped(project: ResumedTarget, record: RunRecord | None, nodes: Collection[NodeId]) -> frozenset[NodeId]:
    """Return the nodes whose relation no longer exists: all of their batches must be built again."""
    if not nodes or record is None:
        return frozenset()
    if project.target.is_there:
        record.markers(relations_of(project.graph, nodes))  # makes attached databases visible
    facts, known = WarehouseFacts(project), project.graph.manifest.nodes
    return frozenset(node for node in nodes if (found := known[node].placed) is not None and not facts.exists(found))


def _is_microbatch(project: ResumedTarget, node: NodeId) -> bool:
    found = project.graph.manifest.nodes.get(node)
    return found is not None and found.definition.config.get("incremental_strategy") == "microbatch"


def left_by_record(records: Iterable[Mapping[str, Any]]) -> LeftBatches | None:
    """Return the batches in the recorded result of a microbatch model; None if it has none, or none succeeded."""
    for record in records:
        if found := record.get("batch_results"):
            left = LeftBatches(successful=_spans(found["successful"]), failed=_spans(found["failed"]))
            # Without a finished batch nothing is kept, and dbt chooses the batches as for any other run.
            return left if left.successful else None
    return None


def _spans(recorded: Iterable[Sequence[str]]) -> tuple[tuple[datetime, datetime], ...]:
    """Return the start and end of batches in UTC, as dbt makes them: dbt names a batch by the digits of its time."""
    return tuple((_moment(start), _moment(end)) for start, end in recorded)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
