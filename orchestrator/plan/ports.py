"""What planning asks of the world."""

from typing import Protocol

from orchestrator.nodes.identity import Relation


class Facts(Protocol):
    """Answers what is so before the run; never by asking a source system."""

    def stands(self, relation: Relation) -> bool:
        """Say whether the table or view is there now."""
