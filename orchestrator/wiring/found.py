"""Settles the steps that were running when a run was cut off, by what the target itself says."""

from orchestrator.adapters.dbt.found_results import found_outcome, is_named
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.resume import cut_off, done_after_all
from orchestrator.nodes.identity import NodeId
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
