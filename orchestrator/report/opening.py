"""Tells somebody who watches that the project is being read, until the run begins."""

from rich.console import Console

from orchestrator.execution.events import Event


class OpeningReport:
    """A spinner from the moment it is made until the first event."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("reading the project")
        self._status.start()

    def hear(self, event: Event) -> None:  # noqa: ARG002  # the port's
        """Leave the terminal to the reports that follow."""
        self.close()

    def close(self) -> None:
        """Take the spinner away; a second call does nothing."""
        self._status.stop()
