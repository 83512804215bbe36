"""Decides for one verb what counts as selected, what is loaded, and when a selection is empty."""

from orchestrator.errors import EmptySelectionError
from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.request import Verb
from orchestrator.selection.nothing import nothing_changed
from orchestrator.selection.resolve import Selection


def selected_for(verb: Verb, selection: Selection) -> tuple[frozenset[NodeId], frozenset[NodeId]]:
    """Return what counts as selected for a verb, and the part of it that was named directly.

    A suite is attached to a node that is not a test, so `test` includes the named nodes of every type. A named dbt
    source gets its freshness gate and its checks, although dbt's build has no step for it.
    """
    if verb is Verb.TEST:
        return selection.selected | selection.named, selection.direct | selection.named
    if verb is Verb.FRESHNESS or selection.is_everything:
        return selection.selected, selection.direct
    sources = frozenset(node for node in selection.named if node.startswith("source."))
    return selection.selected | sources, selection.direct | sources


def selects_nothing(verb: Verb, selection: Selection, graph: Graph) -> bool:
    """Return whether a selection names nothing that the verb can run; `test` also runs the suites of named nodes."""
    has_suites = verb is Verb.TEST and any(bound.node in selection.named for bound in graph.suites.values())
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
    return EmptySelectionError(
        f"There is nothing to load: no dlt resource feeds {what}.",
        hint="See what can be loaded with: elt ls --select 'ingest:*'",
    )
