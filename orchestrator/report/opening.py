"""Shows that the project is being read, until the run starts."""

from rich.console import Console

from orchestrator.execution.events import Event


class OpeningReport:
    """A spinner from its creation until the first event."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("reading the project")
        self._status.start()

    def hear(self, event: Event) -> None:  # noqa: ARG002  # required by the port
        """Clear the spinner, so that the next reports can use the terminal."""
        self.close()

    def close(self) -> None:
        """Remove the spinner; a second call does nothing."""
        self._status.stop()
