"""Divides a batch of steps into calls of dbt 2.x, each with a selection that matches exactly its nodes. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.step import BuildStep, FreshnessStep, Step, TestStep

MOST_NODES = 2_000
"""In one call: a command line has a limited length."""
_PLAIN = re.compile(r"[\w.-]+")
_WORKS = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION})
_BUILD, _TEST, _FRESHNESS = "build", "test", "source freshness"

DbtNodeStep = BuildStep | TestStep | FreshnessStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCall:
    """One call of dbt: the command, the steps, and the words that select them."""

    command: str
    steps: tuple[DbtNodeStep, ...]
    full_refresh: bool = False
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class QualifiedNames:
    """The qualified names (`fqn`) of the nodes of a project, and which nodes a name selects.

    dbt compares beginnings: the name of a model also selects the models in a folder that is called like it. The name
    of the package may be omitted, so a folder that is called like a package counts too.
    """

    def __init__(self, names: Mapping[NodeId, tuple[str, ...]]) -> None:
        self._names = names
        self._beginning: dict[tuple[str, ...], set[NodeId]] = {}
        for node, name in names.items():
            for start in (0, 1):
                for end in range(start + 1, len(name) + 1):
                    self._beginning.setdefault((*_kind_of(node), *name[start:end]), set()).add(node)

    def criterion(self, node: NodeId) -> str:
        """Return the expression that selects a node."""
        kind, package = _kind_of(node)
        return f"fqn:{'.'.join(self._names[node])},resource_type:{kind},package:{package}"

    def can_be_named(self, node: NodeId) -> bool:
        """Return whether an expression can name a node: the syntax gives other characters a meaning of their own."""
        return all(map(_PLAIN.fullmatch, self._names.get(node, ())))

    def selected_by(self, node: NodeId) -> AbstractSet[NodeId]:
        """Return every node that the expression selects."""
        return self._beginning.get((*_kind_of(node), *self._names[node]), {node})


def does_nothing(step: Step) -> bool:
    """Return whether dbt has nothing to do for a step: an exposure, a saved query, or an ephemeral model."""
    if not isinstance(step, BuildStep):
        return False
    return step.resource_type not in _WORKS or step.materialized == "ephemeral"


def calls_of(steps: Sequence[Step], names: QualifiedNames, *, full_refresh: bool) -> tuple[ProgramCall, ...]:
    """Return the calls that run these steps, none of which waits for another.

    A full refresh applies to what the user named, and not to what the planner added. Unit tests have a call of their
    own: `dbt build` runs them only with their models.
    """
    groups: dict[tuple[str, bool], list[DbtNodeStep]] = {}
    for step in steps:
        if not isinstance(step, BuildStep | TestStep | FreshnessStep):
            raise TypeError(f"{step.id} is not a step of dbt")
        refreshes = full_refresh and isinstance(step, BuildStep) and not step.added
        groups.setdefault((_command_of(step), refreshes), []).append(step)
    return tuple(
        _call(command, part, names, refreshes=refreshes)
        for (command, refreshes), found in groups.items()
        for part in (_slices(found) if command == _FRESHNESS else _parts(found, names))
    )


def _command_of(step: DbtNodeStep) -> str:
    if isinstance(step, FreshnessStep):
        return _FRESHNESS
    is_unit_test = isinstance(step, TestStep) and step.resource_type is ResourceType.UNIT_TEST
    return _TEST if is_unit_test else _BUILD


def _slices(steps: Sequence[DbtNodeStep]) -> Iterator[tuple[DbtNodeStep, ...]]:
    return (tuple(steps[first : first + MOST_NODES]) for first in range(0, len(steps), MOST_NODES))


def _parts(steps: Sequence[DbtNodeStep], names: QualifiedNames) -> Iterator[tuple[DbtNodeStep, ...]]:
    """Yield the steps in parts: none is too long, and in none does what is excluded hit a node of the same part."""
    left = list(steps)
    while left:
        nodes: set[NodeId] = set()
        excluded: set[NodeId] = set()
        part: list[DbtNodeStep] = []
        later: list[DbtNodeStep] = []
        for step in left:
            more = (excluded | (names.selected_by(step.node) - nodes)) - {step.node}
            hits = any(not {*nodes, step.node}.isdisjoint(names.selected_by(other)) for other in more)
            if len(part) == MOST_NODES or hits:
                later.append(step)
                continue
            part.append(step)
            nodes.add(step.node)
            excluded = more
        yield tuple(part)
        left = later


def _besides(nodes: AbstractSet[NodeId], names: QualifiedNames) -> AbstractSet[NodeId]:
    """Return the nodes that the expressions of these nodes select besides them."""
    return set[NodeId]().union(*(names.selected_by(node) for node in nodes)) - nodes


def _call(command: str, steps: tuple[DbtNodeStep, ...], names: QualifiedNames, *, refreshes: bool) -> ProgramCall:
    nodes = [step.node for step in steps]
    if command == _FRESHNESS:
        return ProgramCall(command=command, steps=steps, select=tuple(f"source:{_source(node)}" for node in nodes))
    only_tests = all(isinstance(step, TestStep) for step in steps)
    return ProgramCall(
        command=_TEST if only_tests else command,
        steps=steps,
        full_refresh=refreshes,
        select=tuple(map(names.criterion, nodes)),
        exclude=tuple(map(names.criterion, sorted(_besides(set(nodes), names)))),
    )


def _source(node: NodeId) -> str:
    return node.split(".", 1)[1]


def _kind_of(node: NodeId) -> tuple[str, str]:
    kind, package, *_ = node.split(".")
    return kind, package
