"""What planning asks of the world."""

from typing import Protocol

from orchestrator.nodes.identity import Relation


class Facts(Protocol):
    """Answers what is so before the run; never by asking a source system."""

    def stands(self, relation: Relation) -> bool | None:
        """Return whether the table or view exists now; None if the database cannot be read now."""
