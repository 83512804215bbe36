"""Reconciles the steps that were running when a run was cut off, using the markers in the target."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.found_results import found_outcome, is_named
from orchestrator.adapters.dbt.left_batches import left_by_markers, left_by_record
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.resume import cut_off, done_after_all, settled, unheard_loads
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import BuildStep, StepId
from orchestrator.reuse.standing import Marker
from orchestrator.wiring.changes import is_module_of
from orchestrator.wiring.marking import relations_of, target_record
from orchestrator.wiring.project import OpenProject, WarehouseFacts
from orchestrator.wiring.warehouse import is_there


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Work that a run, or the runs that it retries, started and did not finish."""

    batches: Mapping[NodeId, Any] = field(default_factory=dict)
    """The remaining batches of microbatch models."""
    loads: Mapping[StepId, frozenset[str]] = field(default_factory=dict)
    """For each load, the runs in which it was cut off. The load continues with what they extracted."""


def found_in_target(project: OpenProject, run: RecordedRun, changed: frozenset[NodeId]) -> tuple[Outcome, ...]:
    """Return the outcomes of builds that were cut off after their commit; nodes that changed since then run again."""
    record, unknown = target_record(project), cut_off(run)
    if record is None or not unknown or not is_there(project.target):
        return ()
    markers = _own_markers(project, record, unknown)
    facts = WarehouseFacts(project)  # created after attached databases are visible, because it looks only once
    found = []
    for marker, attempt in done_after_all(run, markers):
        node = project.graph.manifest.nodes.get(NodeId(marker.step_id))
        if node is None or node.unique_id in changed or node.placed is None:
            continue
        if is_named(project.session, marker) and facts.stands(node.placed):
            record.clear_beside(marker.step_id, node.placed)
            found.append(found_outcome(project.session, marker, attempt.started_at))
    return tuple(found)


def gone_from_target(project: OpenProject, runs: Sequence[RecordedRun]) -> frozenset[StepId]:
    """Return the builds that succeeded but whose relation no longer exists, although the target has a marker for it."""
    record = target_record(project)
    if record is None or not is_there(project.target):
        return frozenset()
    markers = _own_markers(project, record, {outcome.step_id for run in runs for outcome in settled(run)})
    facts = WarehouseFacts(project)  # created after attached databases are visible
    nodes = project.graph.manifest.nodes
    return frozenset(
        step_id
        for step_id, marker in markers.items()
        if (node := nodes.get(NodeId(step_id))) is not None
        and node.placed is not None
        and is_named(project.session, marker)
        and not facts.stands(node.placed)
    )


def _own_markers(project: OpenProject, record: SqlTargetRecord, steps: Collection[StepId]) -> Mapping[StepId, Marker]:
    """Return the markers of these steps' relations, unless another node has written the relation since."""
    markers = record.markers(relations_of(project, steps))
    return {step: marker for step, marker in markers.items() if marker.step_id == step}


def left_of(project: OpenProject, runs: Sequence[RecordedRun], changed: frozenset[NodeId]) -> Left:
    """Return the unfinished work of steps that a run, and its retries, did in part."""
    return Left(batches=_left_batches(project, runs, changed), loads=left_loads(project.settings.project_root, runs))


def left_loads(project_root: Path, runs: Sequence[RecordedRun]) -> dict[StepId, frozenset[str]]:
    """Return the runs in which each load was cut off; a load whose module has changed since then starts over."""
    left = {
        load: frozenset(run.head.run_id for run in cut if is_module_of(project_root, run, run.plan.by_id[load].path))
        for load, cut in unheard_loads(runs).items()
    }
    return {load: names for load, names in left.items() if names}


def _left_batches(project: OpenProject, runs: Sequence[RecordedRun], changed: frozenset[NodeId]) -> dict[NodeId, Any]:
    """Return the remaining batches of the microbatch models that did not succeed.

    The last run that built some of the batches decides. For models that changed since then, dbt chooses the batches.
    """
    record = target_record(project)
    left: dict[NodeId, Any] = {}
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
            elif record is not None and is_there(project.target):
                markers = record.batches(run.head.run_id, step.step_id)
                found = left_by_markers(project.session, planned.node, markers)
            if found is not None:
                left[planned.node] = found
    dropped = _dropped(project, record, left)
    return {node: batches for node, batches in left.items() if node not in dropped}


def _dropped(project: OpenProject, record: SqlTargetRecord | None, nodes: Collection[NodeId]) -> frozenset[NodeId]:
    """Return the nodes whose relation no longer exists: all of their batches must be built again."""
    if not nodes or record is None:
        return frozenset()
    if is_there(project.target):
        record.markers(relations_of(project, nodes))  # makes attached databases visible
    facts, known = WarehouseFacts(project), project.graph.manifest.nodes
    return frozenset(node for node in nodes if (found := known[node].placed) is not None and not facts.stands(found))


def _is_microbatch(project: OpenProject, node: NodeId) -> bool:
    found = project.session.manifest.nodes.get(node)
    return found is not None and found.config.get("incremental_strategy") == "microbatch"
