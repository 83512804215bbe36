"""Turns the nodes of a plan into steps that do not yet wait for each other."""

from collections import defaultdict
from collections.abc import Iterator

from orchestrator.config.repeat_settings import wish_in_meta
from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, ResourceType, short_name
from orchestrator.plan.decision import Act, Decision, unconfirmed
from orchestrator.plan.members import CHECKS
from orchestrator.plan.placement import placed, read_by
from orchestrator.plan.presence import Members
from orchestrator.plan.step import (
    BuildStep,
    Cause,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
    Why,
)

HOOK_TAGS = {"start": "on-run-start", "end": "on-run-end"}


def steps_of(graph: Graph, members: Members) -> dict[NodeId, Step]:
    """Return the step of each member; the dlt resources of one load share a step."""
    steps: dict[NodeId, Step] = dict(_loads(graph, members))
    steps.update((node, _dbt_step(graph, node, cause, members)) for node, cause in members.dbt.items())
    steps.update((node, _freshness(graph, node, cause)) for node, cause in members.gated.items())
    steps.update((suite, _validation(graph, suite, cause)) for suite, cause in members.suites.items())
    steps.update((node, _own_step(graph, node, cause)) for node, cause in members.steps.items())
    return steps


def hook_step(graph: Graph, when: str) -> HookStep | None:
    """Return the step that runs the hooks of one kind; None if the project has none."""
    # dbt has hooks of a project as nodes of the type operation, told apart only by a tag.
    tag = HOOK_TAGS[when]
    hooks = [
        node
        for node in graph.manifest.nodes.values()
        if node.resource_type is ResourceType.OPERATION and tag in node.tags
    ]
    if not hooks:
        return None
    return HookStep(id=StepId(f"hook.{when}"), name=tag, path=hooks[0].path, cause=Cause(why=Why.HOOK), when=when)


def _loads(graph: Graph, members: Members) -> Iterator[tuple[NodeId, IngestStep]]:
    by_source: dict[str, list[NodeId]] = defaultdict(list)
    for node_id in members.ingest:
        # dlt extracts the resources of a source together, so they are one step.
        by_source[graph.ingest[node_id].source].append(node_id)
    for name, nodes in by_source.items():
        step = _load(graph, name, tuple(nodes), members)
        yield from ((node, step) for node in nodes)


def _load(graph: Graph, name: str, nodes: tuple[NodeId, ...], members: Members) -> IngestStep:
    source = graph.dlt_sources[name]
    found = [graph.ingest[node] for node in nodes]
    causes = [members.ingest[node] for node in nodes]
    fed = dict.fromkeys(child for node in nodes for child in graph.needs.children(node))
    # Several loads of one pipeline need different ids; a single one keeps the short id.
    wishes = [wish_in_meta(graph.manifest.sources[source].meta) for source in fed if source in graph.manifest.sources]
    shares = sum(other.pipeline == source.pipeline for other in graph.dlt_sources.values()) > 1
    return IngestStep(
        id=StepId(f"ingest.{source.pipeline}.{name}" if shares else f"ingest.{source.pipeline}"),
        name=name,
        path=source.module,
        writes=tuple(node.placed for node in found if node.placed is not None),
        pool=next((wish.pool for wish in wishes if wish.pool is not None), None),
        priority=max((wish.priority for wish in wishes if wish.priority is not None), default=None),
        # That the user named one of the resources says more than what the others feed.
        cause=next((cause for cause in causes if cause.why is Why.SELECTED), causes[0]),
        source=name,
        module=source.module,
        attribute=source.attribute,
        pipeline=source.pipeline,
        dataset=found[0].dataset,
        working_dir=source.working_dir,
        resources=tuple(node.resource for node in found if node.resource is not None),
        nodes=nodes,
        feeds=tuple(fed),
    )


def _dbt_step(graph: Graph, node_id: NodeId, cause: Cause, members: Members) -> BuildStep | TestStep:
    node = graph.manifest.nodes[node_id]
    written, wish = placed(graph, node_id), wish_in_meta(node.meta)
    if node.resource_type in CHECKS:
        # dbt's only parent of a unit test is its model, which is not built yet. The test needs the model's parents.
        reads_as = node.parents[0] if node.resource_type is ResourceType.UNIT_TEST else node_id
        return TestStep(
            id=StepId(node_id),
            name=node.name,
            path=node.path,
            reads=read_by(graph, reads_as),
            writes=(written,) if written else (),
            pool=wish.pool,
            priority=wish.priority,
            cause=cause,
            node=node_id,
            resource_type=node.resource_type,
            severity=node.severity or "error",
            of_model=reads_as if reads_as != node_id else None,
            decision=_without_the_database(members.unconfirmed.get(node_id)),
        )
    return BuildStep(
        id=StepId(node_id),
        name=short_name(node_id),
        path=node.path,
        reads=read_by(graph, node_id),
        writes=(written,) if written else (),
        pool=wish.pool,
        priority=wish.priority,
        cause=cause,
        node=node_id,
        resource_type=node.resource_type,
        materialized=node.materialized,
        added=node_id in members.added,
        continues_on_error=node.continues_on_error,
    )


def _without_the_database(parent: NodeId | None) -> Decision | None:
    """Return the decision on a check whose parent may be missing, because the database could not be read."""
    if parent is None:
        return None
    return unconfirmed(Decision(act=Act.RUN, words=f"if {short_name(parent)} exists"))


def _freshness(graph: Graph, node_id: NodeId, cause: Cause) -> FreshnessStep:
    source = graph.manifest.sources[node_id]
    return FreshnessStep(
        id=StepId(f"freshness.{node_id}"),
        name=short_name(node_id),
        path=source.path,
        reads=(source.placed,),
        cause=cause,
        node=node_id,
        by_load=not source.has_loaded_at,
        warn_after_seconds=source.warn_after_seconds,
        error_after_seconds=source.error_after_seconds,
    )


def _validation(graph: Graph, suite_id: NodeId, cause: Cause) -> ValidationStep:
    bound = graph.suites[suite_id]
    relation = placed(graph, bound.node)
    if relation is None:
        msg = f"suite {bound.suite.name} is bound to {bound.node}, which leaves nothing to validate"
        raise ValueError(msg)
    return ValidationStep(
        id=StepId(suite_id),
        name=bound.suite.name,
        path=bound.suite.path,
        reads=(relation,),
        cause=cause,
        suite=bound.suite.name,
        node=bound.node,
        relation=relation,
    )


def _own_step(graph: Graph, node_id: NodeId, cause: Cause) -> OwnStep:
    own = graph.steps[node_id]
    return OwnStep(
        id=StepId(node_id),
        name=own.name,
        path=own.path,
        reads=read_by(graph, node_id),
        writes=tuple(graph.manifest.sources[source].placed for source in own.feeds),
        cause=cause,
        node=node_id,
        call=own.call,
        env=own.env,
        inputs=own.inputs,
        feeds=own.feeds,
    )
