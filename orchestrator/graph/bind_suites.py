"""Binds expectation suites by name to the nodes whose relations they validate."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.nodes.dbt_nodes import DbtNode, DbtSource, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.suite import BoundSuite, Suite, suite_error
from orchestrator.wording import did_you_mean, similar

_STORED = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT})


def bind(suites: Sequence[Suite], manifest: Manifest, malformed: Sequence[str] = ()) -> tuple[BoundSuite, ...]:
    """Return each suite with its node; raises SuiteError, which lists every suite with no node or several.

    The error also lists the mistakes of malformed suites, which are not among `suites`.
    """
    names = _names(manifest)
    bound: list[BoundSuite] = []
    mistakes: list[str] = []
    for suite in suites:
        found = sorted(names.get(suite.name, ()))
        # All mistakes are collected, so that one run shows them all.
        if len(found) == 1 and not _is_ephemeral(manifest, found[0]):
            bound.append(BoundSuite(suite=suite, node=found[0]))
        else:
            mistakes.append(f"{suite.path}: {_mistake(suite.name, found, names)}")
    if malformed or mistakes:
        raise suite_error(malformed, mistakes)
    return tuple(bound)


def _names(manifest: Manifest) -> Mapping[str, frozenset[NodeId]]:
    """Return every name that a suite may have, with the nodes it refers to."""
    named: dict[str, set[NodeId]] = defaultdict(set)
    for node in manifest.nodes.values():
        if node.resource_type in _STORED:
            for name in _names_of_node(node):
                named[name].add(node.unique_id)
    for source in manifest.sources.values():
        for name in _names_of_source(source):
            named[name].add(source.unique_id)
    return {name: frozenset(ids) for name, ids in named.items()}


def _names_of_node(node: DbtNode) -> Iterator[str]:
    yield node.name
    yield f"{node.package}.{node.name}"
    if node.version is not None:
        yield f"{node.name}.v{node.version}"
        yield f"{node.package}.{node.name}.v{node.version}"


def _names_of_source(source: DbtSource) -> Iterator[str]:
    yield f"{source.source_name}.{source.name}"
    yield f"{source.package}.{source.source_name}.{source.name}"


def _is_ephemeral(manifest: Manifest, node: NodeId) -> bool:
    return node in manifest.nodes and manifest.nodes[node].is_ephemeral


def _mistake(name: str, found: Sequence[NodeId], names: Mapping[str, frozenset[NodeId]]) -> str:
    match found:
        case []:
            meant = did_you_mean(_similar(name, names))
            told = f'no model, seed, snapshot or dbt source is called "{name}"'
            return f"{told}. {meant}" if meant else told
        case [only]:
            return f'the suite "{name}" belongs to {only}, which is ephemeral: it leaves no table to validate'
        case _:
            exact = " or ".join(_exact(node, names) for node in found)
            return f'the suite "{name}" may mean {len(found)} nodes: call it {exact}'


def _exact(node: NodeId, names: Mapping[str, frozenset[NodeId]]) -> str:
    """Return the shortest name that refers to this node alone."""
    alone = [name for name, ids in names.items() if ids == {node}]  # a shorter name may mean several nodes
    return min(alone, key=lambda name: (len(name), name), default=str(node))


def _similar(name: str, names: Mapping[str, frozenset[NodeId]]) -> Sequence[str]:
    """Return the most similar names, one per node."""
    alike: dict[frozenset[NodeId], str] = {}  # one node has several names that look alike
    for other in similar(name, names, 9):
        alike.setdefault(names[other], other)
    return list(alike.values())[:3]
