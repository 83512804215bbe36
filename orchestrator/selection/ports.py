"""What selection asks of dbt."""

from typing import Protocol

from orchestrator.nodes.identity import NodeId, ResourceType


class NodeSelector(Protocol):
    """Answers dbt's selection syntax for the resource types that the command runs."""

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Give what dbt would run for these expressions; `direct` leaves out what came by indirect selection.

        Both empty means what dbt takes then: the default selector, or everything. Raises SelectionError.
        """

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Give every node of any type that these expressions name themselves."""

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Give every node of any type that one of the expressions names, without indirect selection."""

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Give the resource types that the options keep; None when they say nothing of types."""

    def deferred(self) -> frozenset[NodeId]:
        """Give the nodes that `--defer` takes from another manifest; empty without it."""
