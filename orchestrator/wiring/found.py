"""Settles the steps that were running when a run was cut off, by what the target itself says."""

from typing import Any

from orchestrator.adapters.dbt.found_results import found_outcome, is_named
from orchestrator.adapters.dbt.left_batches import left_by_markers, left_by_record
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.resume import cut_off, done_after_all
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import BuildStep
from orchestrator.wiring.marking import target_record
from orchestrator.wiring.project import OpenProject, WarehouseFacts
from orchestrator.wiring.warehouse import is_there


def found_in_target(project: OpenProject, run: RecordedRun, changed: frozenset[NodeId]) -> tuple[Outcome, ...]:
    """Give how the builds ended that were cut off after their commit; those of nodes that changed since run again."""
    record, unknown = target_record(project), cut_off(run)
    if record is None or not unknown or not is_there(project.target):
        return ()
    markers = record.markers(unknown)
    facts = WarehouseFacts(project)  # it looks once: after attached databases have come into view
    found = []
    for marker, attempt in done_after_all(run, markers):
        node = project.graph.manifest.nodes.get(NodeId(marker.step_id))
        if node is None or node.unique_id in changed or node.relation is None:
            continue
        if is_named(project.session, marker) and facts.stands(node.relation):
            record.clear_beside(marker.step_id, node.relation)
            found.append(found_outcome(project.session, marker, attempt.started_at))
    return tuple(found)


def left_batches(project: OpenProject, run: RecordedRun, changed: frozenset[NodeId]) -> dict[NodeId, Any]:
    """Give for the microbatch models of a run that did not end well, what of their batches is left to do.

    Those of models that changed since are dbt's to choose.
    """
    record = target_record(project)
    left: dict[NodeId, Any] = {}
    for step in run.steps:
        planned = run.plan.by_id[step.step_id]
        if not isinstance(planned, BuildStep) or step.last is None or planned.node in changed:
            continue
        if not _is_microbatch(project, planned.node):
            continue
        outcome = step.last.outcome
        if outcome is not None and outcome.status.halts:
            left[planned.node] = left_by_record(outcome.dbt_results)
        elif outcome is None and record is not None and is_there(project.target):
            markers = record.batches(run.head.run_id, step.step_id)
            left[planned.node] = left_by_markers(project.session, planned.node, markers)
    return {node: batches for node, batches in left.items() if batches is not None}


def _is_microbatch(project: OpenProject, node: NodeId) -> bool:
    found = project.session.manifest.nodes.get(node)
    return found is not None and found.config.get("incremental_strategy") == "microbatch"
