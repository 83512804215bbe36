"""Runs `elt` with the words behind the first, which says whether the run is recorded: `recorded` or `unrecorded`."""

import sys

import orchestrator.execution.leases
from orchestrator.cli.main import main
from orchestrator.execution.ports import RunWriter, Unrecorded
from orchestrator.execution.recorded import Opening
from orchestrator.store.memory import MemoryStore


class NoStore(MemoryStore):
    """Answers what a run asks at its beginning, and keeps nothing of it."""

    def writer(self, opening: Opening) -> RunWriter:
        """Give a writer that keeps nothing."""
        del opening
        return Unrecorded()


if __name__ == "__main__":
    if sys.argv.pop(1) == "unrecorded":
        orchestrator.execution.leases.open_store = lambda _settings: NoStore()
    main()
