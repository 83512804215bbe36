"""Makes the request of a command from a snapshot: what counts as selected, what is loaded, what may be added."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.config.settings import OnRunStart
from orchestrator.errors import EmptySelectionError
from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.nodes.own_step import own_step_name
from orchestrator.plan.command import Command
from orchestrator.plan.request import PlanRequest, Verb
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, OwnStep, Step, StepId, TestStep, ValidationStep
from orchestrator.selection.nothing import nothing_changed, nothing_matched
from orchestrator.selection.resolve import Selection


def requested(command: Command, snapshot: ProjectSnapshot) -> PlanRequest:
    """Return the request of a command; raises SelectionError if it must select something and selects nothing."""
    selection, graph = snapshot.selection, snapshot.graph
    if selects_nothing(command.verb, selection, graph) and not command.allow_empty:
        error = nothing_for(command.verb, command.select, graph) if selection.is_everything else None
        error = error or _only_steps(command.verb, selection)
        error = error or nothing_matched(command.select, graph, exclude=command.exclude)
        if error is not None:
            raise error
    has_loads_alone = selection.ingest and not (selection.selected or selection.suites or selection.steps)
    if command.schema_prefix and has_loads_alone and not command.placement.loads:
        loads = ", ".join(sorted(short_name(one) for one in selection.ingest))
        raise EmptySelectionError(
            f"Only loads are selected ({loads}), and a run with --schema-prefix loads nothing.",
            hint="Add --ingest: then it loads into datasets with the prefix.",
        )
    if command.schema_prefix and selection.steps and not (selection.selected or selection.suites or selection.ingest):
        steps = " ".join(own_step_name(short_name(one)) for one in sorted(selection.steps))
        raise EmptySelectionError(
            f"Only steps of elt.yml are selected ({steps}), and a run with --schema-prefix runs none of them.",
            hint="They act outside of the prefixed schemas. Run them without --schema-prefix.",
        )
    selected, direct = selected_for(command.verb, selection)
    return PlanRequest(
        verb=command.verb,
        selected=selected,
        direct=direct,
        excluded=selection.excluded,
        deferred=selection.deferred,
        ingest_selected=loaded_for(command.verb, selection, graph),
        suites_selected=selection.suites,
        steps_selected=selection.steps,
        own_steps=not command.schema_prefix,
        resource_types=snapshot.kept_types,
        upstream=command.upstream,
        ingest=command.ingest,
        freshness=command.freshness,
        tests=command.tests,
        skip_nodes_if_on_run_start_fails=snapshot.flags.skip_nodes_if_on_run_start_fails,
        freshness_runs_hooks=snapshot.flags.source_freshness_run_project_hooks,
        hooks_after_ingest=snapshot.settings.on_run_start is OnRunStart.AFTER_INGEST,
    )


def _only_steps(verb: Verb, selection: Selection) -> EmptySelectionError | None:
    """Return the error for a verb that runs no steps of elt.yml, and nothing else is selected."""
    if not selection.steps:
        return None
    steps = " ".join(own_step_name(short_name(one)) for one in sorted(selection.steps))
    return EmptySelectionError(
        f"Only steps of elt.yml are selected ({steps}), and `elt {verb.value}` runs none of them.",
        hint=f"Run them with: elt run --select {steps}",
    )


def requested_again(command: Command, snapshot: ProjectSnapshot, before: Sequence[Step]) -> PlanRequest:
    """Return a request for what recorded steps ran, and what that needs now; nodes that no longer exist are omitted.

    What the command selected does not matter, only what it excluded and what it defers.
    """
    graph, manifest = snapshot.graph, snapshot.graph.manifest
    found = {step.node for step in before if isinstance(step, BuildStep | TestStep | FreshnessStep)}
    # `step.node` of a freshness check is a dbt source, that of all others a node.
    there = frozenset(node for node in found if node in manifest.nodes or node in manifest.sources)
    # By node and not by step: the id of a load's step depends on which other loads share its pipeline.
    loads = frozenset(node for step in before if isinstance(step, IngestStep) for node in step.nodes)
    suites = frozenset(step.id for step in before if isinstance(step, ValidationStep))
    own = frozenset(step.node for step in before if isinstance(step, OwnStep))
    return replace(
        requested(replace(command, allow_empty=True), snapshot),  # what it selects now does not matter
        selected=there,
        direct=there,
        ingest_selected=loads & graph.ingest.keys(),
        suites_selected=frozenset(suite for suite in graph.suites if StepId(suite) in suites),
        steps_selected=own & graph.steps.keys(),
        resource_types=None,  # the recorded steps are limited already
    )


def selected_for(verb: Verb, selection: Selection) -> tuple[frozenset[NodeId], frozenset[NodeId]]:
    """Return what counts as selected for a verb, and the part of it that was named directly.

    A suite is attached to a node that is not a test, so `test` includes the named nodes of every type. A named dbt
    source gets its freshness gate and its checks, although dbt's build has no step for it.
    """
    if verb is Verb.TEST:
        return selection.selected | selection.named, selection.direct | selection.named
    if verb is Verb.FRESHNESS or selection.is_everything:
        return selection.selected, selection.direct
    # dbt's build does not select sources, so only `named` has them.
    sources = frozenset(node for node in selection.named if node.startswith("source."))
    return selection.selected | sources, selection.direct | sources


def selects_nothing(verb: Verb, selection: Selection, graph: Graph) -> bool:
    """Return whether a selection names nothing that the verb can run; `test` also runs the suites of named nodes."""
    has_suites = verb is Verb.TEST and any(bound.node in selection.named for bound in graph.suites.values())
    if verb in {Verb.TEST, Verb.FRESHNESS}:  # these run no steps of one's own
        selection = replace(selection, steps=frozenset())
    return selection.is_empty and not has_suites


def loaded_for(verb: Verb, selection: Selection, graph: Graph) -> frozenset[NodeId]:
    """Return the named dlt resources, or all of them for `ingest` without a selection."""
    if verb is Verb.INGEST and selection.is_everything:
        return frozenset(graph.ingest)
    return selection.ingest


def nothing_for(verb: Verb, select: tuple[str, ...], graph: Graph) -> EmptySelectionError | None:
    """Return the error for a verb that finds nothing to load or check; None if it only means that nothing changed."""
    if verb not in {Verb.INGEST, Verb.FRESHNESS} or nothing_changed(select):
        return None
    what = f"what {' '.join(select)!r} names" if select else "this project"
    if verb is Verb.FRESHNESS:
        sources = {f"{source.source_name}.{source.name}" for source in graph.manifest.sources.values()}
        meant = [f"source:{name}" for name in select if name in sources]
        return EmptySelectionError(
            f"There is no freshness to check: no dbt source of {what} has a `freshness` with a limit.",
            hint=f"To select the dbt source: --select {' '.join(meant)}"
            if meant
            else "Give the source warn_after or error_after, or allow an empty selection with --allow-empty.",
        )
    if not graph.ingest:
        return EmptySelectionError(
            "There is nothing to load: no dlt source or resource was found.",
            hint="elt looks for ingestion modules in `ingestion/` beside the dbt project or in the folder above, or in"
            " `ingestion.folder` of elt.yml.",
        )
    listed = graph.placement.command("elt ls --select 'ingest:*'")
    return EmptySelectionError(
        f"There is nothing to load: no dlt resource feeds {what}.", hint=f"See what can be loaded with: {listed}"
    )
