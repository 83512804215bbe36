"""Explains one node: its current fingerprint, the fingerprint of its last success, and the resulting decision."""

from contextlib import closing
from dataclasses import replace

from orchestrator.errors import UnknownNodeError
from orchestrator.execution.knowledge import Knowledge
from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.dlt import is_called, load_name
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.nodes.own_step import own_step_name
from orchestrator.plan.command import Command
from orchestrator.plan.make_request import requested
from orchestrator.plan.step import StepId
from orchestrator.reuse.explained import Explained, explained, without_database
from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.make import FINGERPRINTED, has_fingerprint
from orchestrator.reuse.scope import with_needs
from orchestrator.selection.resolve import Selection
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.planning import selected, steps_for
from orchestrator.wiring.project_store import open_store
from orchestrator.wording import did_you_mean, similar


def explain_node(project: OpenProject, command: Command, name: str) -> Explained:
    """Explain how a run of the whole project with `--skip-unchanged` would decide on the node of that name or id.

    With `--defer`, a run of the node alone: what a run of the whole project builds is not deferred.
    Raises UsageError if no node, or more than one, has the name.
    """
    manifest = project.graph.manifest
    node = find_node(project.graph, name)
    order = [one for one in with_needs(project.graph, [node.unique_id]) if has_fingerprint(manifest.nodes.get(one))]
    # The whole project is decided: the decision on one node depends on what runs above it.
    whole = replace(command, skip_unchanged=True)
    with closing(open_store(project.settings)) as store:
        known = Knowledge(project=project, store=store)
        snapshot = selected(whole, project)
        if project.snapshot.flags.defer:
            snapshot = replace(snapshot, selection=_alone(node.unique_id, snapshot.selection))
        request = requested(whole, snapshot)
        plan, evaluator = known.decided_plan(steps_for(project, request), request, skip_unchanged=True)
        for one in order:
            if one not in evaluator.made:  # no step builds it: for example an ephemeral model
                evaluator.leave(one)
    step = plan.by_id.get(StepId(node.unique_id))
    found = explained(
        node,
        project.target.name,
        lambda one: Words(manifest, known.maker, manifest.nodes[one]),
        evaluator.made[node.unique_id],
        evaluator.past.last_success.get(StepId(node.unique_id)),
        {one: evaluator.comparisons[one] for one in order if one in evaluator.comparisons},
        step.decision if step is not None else None,
    )
    return found if project.locked is None else without_database(found, project.locked, evaluator.unversioned)


def _alone(node: NodeId, everything: Selection) -> Selection:
    """Return the selection of one node."""
    only = frozenset({node})
    return replace(everything, selected=only, direct=only, named=only, is_everything=False)


def find_node(graph: Graph, name: str) -> DbtNode:
    """Return the node with a fingerprint that has this name, short name or id; raises UsageError if none has."""
    manifest, placed = graph.manifest, graph.placement.command
    found = [node for node in manifest.nodes.values() if node.resource_type in FINGERPRINTED and name in _names(node)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(node.unique_id for node in found)
        raise UnknownNodeError(f"Several nodes are called {name}: {ids}.", hint="Use the id of one of them.")
    known = {one for node in manifest.nodes.values() if node.resource_type in FINGERPRINTED for one in _names(node)}
    others: list[tuple[str, ...]] = [(node.name, node.unique_id) for node in manifest.nodes.values()]
    others += [(source.name, source.unique_id, short_name(source.unique_id)) for source in manifest.sources.values()]
    if any(name in names for names in others):
        raise UnknownNodeError(
            f"{name} has no fingerprint: dbt neither builds nor tests it.",
            hint="Models, seeds, snapshots, functions, data tests and unit tests have one."
            f" `{placed('elt ls')}` lists them.",
        )
    load = next((load for load in graph.ingest.values() if is_called(name, load.names)), None)
    if load is not None:
        shown = load_name(load.source)
        raise UnknownNodeError(
            f"{shown} is a load ({load.path}). A load has no fingerprint and is never reused.",
            hint=f"`{placed(f'elt plan --select {shown}+')}` shows what it feeds,"
            f" `elt logs {shown}` what it did in the last run.",
        )
    own = next((own for own in graph.steps.values() if name in own.names), None)
    if own is not None:
        shown = own_step_name(own.name)
        raise UnknownNodeError(
            f"{shown} is a step of {own.path}:{own.line}, which dbt does not know.",
            hint=f"`elt plan --select {shown} --skip-unchanged` shows whether it would run, and why.",
        )
    hint = did_you_mean(similar(name, sorted(known))) or f"`{placed('elt ls')}` lists the nodes."
    raise UnknownNodeError(f"The project has no node called {name}.", hint=hint)


def _names(node: DbtNode) -> set[str]:
    return {node.name, node.unique_id, short_name(node.unique_id)}
