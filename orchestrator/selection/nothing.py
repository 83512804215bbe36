"""Describes a selection that matches nothing."""

from collections.abc import Iterator

from orchestrator.errors import EmptySelectionError
from orchestrator.graph.build import Graph
from orchestrator.nodes.dlt import without_prefix
from orchestrator.nodes.own_step import OWN_STEP
from orchestrator.selection.criterion import LOADS, bare_value, is_stateful, own_criterion, unions
from orchestrator.wording import did_you_mean, similar


def nothing_matched(
    select: tuple[str, ...], graph: Graph, *, exclude: tuple[str, ...] = ()
) -> EmptySelectionError | None:
    """Return the error for a selection that matched nothing; None if it only means that nothing changed."""
    items = unions(select)
    if nothing_changed(select):
        return None
    if not items:
        if not exclude and not graph.manifest.nodes:
            return EmptySelectionError(
                "The project has no models, seeds, snapshots or tests yet.",
                hint="Add a model to the folder named by `model-paths` in dbt_project.yml (default: models/).",
            )
        words = f"--exclude {' '.join(unions(exclude))!r} leaves nothing." if exclude else "Nothing is selected."
        return EmptySelectionError(words, hint=f"List all names with: {graph.placement.command('elt ls')}")
    parts = [part for item in items for part in item.split(",")]
    # A dict keeps the order of the parts and names each word once.
    near = dict.fromkeys(name for part in parts for name in _near(part, graph))
    hint = did_you_mean(near) or f"List all names with: {graph.placement.command(f'elt ls{_all_of(parts)}')}"
    return EmptySelectionError(f"The selection {' '.join(items)!r} matches nothing.", hint=hint)


def nothing_changed(select: tuple[str, ...]) -> bool:
    """Return whether every item selects what changed, so that an empty result is not an error."""
    items = [item for item in unions(select) if item]
    return bool(items) and all(is_stateful(item) for item in items)  # if one item should have matched, it is an error


def nothing_to_do(select: tuple[str, ...]) -> str:
    """Return a line that says that there is nothing to do, and why."""
    if nothing_changed(select):
        return f"Nothing to do: {' '.join(unions(select))} matches nothing, because nothing changed."
    return "Nothing to do: no step follows from the selection."


def _near(part: str, graph: Graph) -> Iterator[str]:
    """Yield names similar to that of a criterion, of the kind that it selects."""
    criterion = own_criterion(part)
    if criterion is None:
        word = without_prefix(bare_value(part))
        near = similar(word, [*_names(graph), *_own_names(LOADS, graph)])
        # A name that is a node's too is suggested without `ingest:`: dbt's meaning comes first.
        loads = set(_own_names(LOADS, graph)) - set(_names(graph))
        yield from (f"{LOADS}:{name}" if name in loads else name for name in near)
        return
    for name in similar(criterion.value, _own_names(criterion.method, graph)):
        yield f"{criterion.method}:{name}"


def _names(graph: Graph) -> Iterator[str]:
    nodes, sources = graph.manifest.nodes.values(), graph.manifest.sources.values()
    yield from sorted({name for node in nodes for name in (node.name, *node.tags)})
    yield from sorted({f"{source.source_name}.{source.name}" for source in sources})
    yield from sorted({part for node in nodes for part in node.path.split("/")[:-1]})


def _own_names(method: str, graph: Graph) -> list[str]:
    if method == "expectation":
        return sorted({bound.suite.name for bound in graph.suites.values()})
    if method == OWN_STEP:
        return sorted(step.name for step in graph.steps.values())
    known = {(ingest.source, ingest.resource) for ingest in graph.ingest.values()}
    return sorted({name for source, resource in known for name in (source, f"{source}.{resource or source}")})


def _all_of(parts: list[str]) -> str:
    methods = {criterion.method for part in parts if (criterion := own_criterion(part))}
    return f" --select '{methods.pop()}:*'" if len(methods) == 1 else ""
