"""Keeps the plan and the outcomes of a run, for the artifacts that are written at its end."""

from collections.abc import Sequence

from orchestrator.execution.events import RunStarted
from orchestrator.execution.outcome import Outcome


class OutcomeLedger:
    """What the ledgers of dbt have in common, whichever dbt it is."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._outcomes: list[Outcome] = []

    def begin(self, started: RunStarted) -> None:
        """Take note of the plan, and of the outcomes that a resumed run starts with."""
        self._started = started
        # Artifacts describe the whole run, including what was done before it was resumed.
        self._outcomes.extend(started.settled)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the outcomes."""
        self._outcomes.extend(outcomes)
