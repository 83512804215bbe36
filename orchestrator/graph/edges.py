"""Computes the edges that order steps besides dbt's own: from gates to what waits, from producers to sources."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orchestrator.errors import GraphCycleError
from orchestrator.graph.dag import Dag
from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.own_step import OwnNode
from orchestrator.nodes.suite import BoundSuite

Edge = tuple[NodeId, NodeId]

WAITS_FOR_GATES = frozenset(
    {
        ResourceType.MODEL,
        ResourceType.SEED,
        ResourceType.SNAPSHOT,
        ResourceType.ANALYSIS,
        ResourceType.OPERATION,
    }
)
"""The types that dbt holds back until upstream tests pass: not functions, exposures, metrics or saved queries."""
_SHOWS = frozenset({ResourceType.EXPOSURE, ResourceType.SAVED_QUERY, ResourceType.METRIC, ResourceType.SEMANTIC_MODEL})
"""The types that leave nothing to check themselves."""
PRODUCES = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT})


def dbt_edges(manifest: Manifest) -> Iterator[Edge]:
    """Return dbt's own edges: the references of each node."""
    return ((parent, node.unique_id) for node in manifest.nodes.values() for parent in node.parents)


def producer_edges(manifest: Manifest, depends: Dag[NodeId]) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
    """Return edges from nodes that write the table of a dbt source; an edge that would close a cycle becomes a note."""
    candidates = tuple(_same_table(manifest))
    # One check of all edges is enough in most projects. Only if it fails, they are tried one by one.
    if not candidates or _is_acyclic(depends, candidates):
        return candidates, ()
    kept: list[Edge] = []
    notes = []
    for producer, source in candidates:
        if _is_acyclic(depends, [*kept, (producer, source)]):
            kept.append((producer, source))
        else:
            notes.append(
                f"{producer} writes the table of {source}, but also reads from it: "
                "no order between the two, the source is read as it is."
            )
    return tuple(kept), tuple(notes)


def gate_edges(
    manifest: Manifest, needs: Dag[NodeId], suites: Iterable[BoundSuite], steps: Iterable[NodeId] = ()
) -> Iterator[Edge]:
    """Yield the edges of data tests and suites: parents → gate, and gate → the common descendants of all its parents.

    Of the latter, only the edges to the first waiting nodes are needed: their descendants wait with them. The steps of
    one's own wait as models do.
    """
    waiting = needs.bits(node.unique_id for node in manifest.nodes.values() if node.resource_type in WAITS_FOR_GATES)
    waiting |= needs.bits(steps)
    below: dict[frozenset[NodeId], tuple[NodeId, ...]] = {}
    for gate, checked in _gates(manifest, suites):
        # Many tests have the same parents, so the search below them is done once.
        parents = frozenset(checked)
        if parents not in below:
            below[parents] = needs.first_of(_below_all(parents, needs) & waiting)
        yield from ((parent, gate) for parent in checked)
        yield from ((gate, node) for node in below[parents])


def own_step_edges(steps: Iterable[OwnNode]) -> Iterator[Edge]:
    """Yield the edges of the steps of one's own: from what they follow, and to the dbt sources that they fill."""
    for step in steps:
        yield from ((parent, step.unique_id) for parent in step.follows)
        yield from ((step.unique_id, source) for source in step.feeds)


def own_gate_edges(
    manifest: Manifest, needs: Dag[NodeId], suites: Iterable[BoundSuite], steps: Sequence[OwnNode]
) -> Iterator[Edge]:
    """Yield edges to each step from every check on what it follows, also from those that check other nodes too.

    dbt's rule for nodes is weaker, because they could wait for each other in a cycle. Nothing but further steps waits
    for these steps; a step that fills a dbt source has only the edges of dbt's rule.
    """
    own = {step.unique_id for step in steps}
    last = [step for step in steps if own.issuperset(needs.descendants([step.unique_id]))]
    if not last:
        return
    by_parent: dict[NodeId, list[NodeId]] = defaultdict(list)
    for gate, checked in _gates(manifest, suites):
        for parent in checked:
            by_parent[parent].append(gate)
    for step in last:
        for node in _checked_nodes(manifest, step.follows):
            yield from ((gate, step.unique_id) for gate in by_parent.get(node, ()))


def _checked_nodes(manifest: Manifest, follows: Iterable[NodeId]) -> Iterator[NodeId]:
    """Yield what a step follows; for an exposure or a saved query, also what that shows."""
    waiting = list(follows)
    for node in waiting:  # the list grows while it is read
        yield node
        dbt = manifest.nodes.get(node)
        if dbt is not None and (dbt.resource_type in _SHOWS or dbt.is_ephemeral):
            waiting += [parent for parent in dbt.parents if parent not in waiting]


def suite_edges(needs: Dag[NodeId], suites: Iterable[BoundSuite]) -> Iterator[Edge]:
    """Yield edges to a suite from the other nodes that it reads.

    The descendants of the node that it validates wait for the suite, so the suite cannot wait for them.
    """
    for bound in suites:
        below = needs.descendants([bound.node])  # these wait for the suite
        yield from ((one, bound.suite.unique_id) for one in bound.reads if one not in below)


def unit_test_edges(manifest: Manifest, parents: Mapping[NodeId, Iterable[NodeId]]) -> Iterator[Edge]:
    """Yield edges that put the unit tests of a model, one after another, between the model and its parents."""
    by_model: dict[NodeId, list[NodeId]] = defaultdict(list)
    for node in manifest.nodes.values():
        if node.resource_type is ResourceType.UNIT_TEST and node.parents:
            by_model[node.parents[0]].append(node.unique_id)
    for model, tests in by_model.items():
        # One after another, as in dbt: after a failure it skips the rest (decision 2). The order of ids is stable.
        chain = sorted(tests)
        yield from ((parent, test) for test in chain for parent in parents.get(model, ()))
        yield from zip(chain, [*chain[1:], model], strict=True)


def _gates(manifest: Manifest, suites: Iterable[BoundSuite]) -> Iterator[tuple[NodeId, tuple[NodeId, ...]]]:
    for node in manifest.nodes.values():
        if node.resource_type is ResourceType.TEST and node.parents:
            yield node.unique_id, node.parents
    for bound in suites:
        yield bound.suite.unique_id, (bound.node,)


def _below_all(parents: frozenset[NodeId], needs: Dag[NodeId]) -> int:
    found = -1  # all bits set
    for parent in parents:
        found &= needs.descendant_bits[needs.position[parent]]
    return found


def _same_table(manifest: Manifest) -> Iterator[Edge]:
    producers: dict[tuple[str, str], list[DbtNode]] = defaultdict(list)
    for node in manifest.nodes.values():
        if node.placed is not None and node.resource_type in PRODUCES:
            producers[node.placed.key()].append(node)
    for source in manifest.sources.values():
        for node in producers.get(source.placed.key(), ()):
            if _same_database(node.placed, source):
                yield node.unique_id, source.unique_id


def _same_database(written: Relation | None, source: DbtSource) -> bool:
    here, there = written.database if written else None, source.placed.database
    # Without its database, a relation may be in either.
    return here is None or there is None or here.lower() == there.lower()


def _is_acyclic(depends: Dag[NodeId], more: Iterable[Edge]) -> bool:
    try:
        Dag(depends.order, [*depends.edges(), *more])
    except GraphCycleError:
        return False
    return True
