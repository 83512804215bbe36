"""Defines the port of selection to dbt."""

from typing import Protocol

from orchestrator.nodes.identity import NodeId, ResourceType


class NodeSelector(Protocol):
    """Evaluates dbt's selection syntax for the resource types that the command runs."""

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Return what dbt would run for these expressions; `direct` omits what indirect selection adds.

        If both are empty, dbt's default applies: the default selector, or everything. Raises SelectionError.
        """

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that these expressions name directly."""

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that one of the expressions matches, without indirect selection."""

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Return the resource types that the options keep; None if the options do not restrict types."""

    def deferred(self) -> frozenset[NodeId]:
        """Return the nodes that `--defer` takes from another manifest; empty without it."""
