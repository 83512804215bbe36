"""Defines the port of planning."""

from typing import Protocol

from orchestrator.nodes.identity import Relation


class Facts(Protocol):
    """Answers questions about the warehouse before the run, without a query to a source system."""

    def exists(self, relation: Relation) -> bool | None:
        """Return whether the table or view exists; None if the database cannot be read now."""
