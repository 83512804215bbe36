"""Prints one line in place of a report, for a run without steps."""

from collections.abc import Sequence

from rich.console import Console

from orchestrator.execution.events import Estimated, Event, RunStarted
from orchestrator.execution.ports import EstimateListener, RunListener


class UnlessNothing:
    """Passes the events of a run to its listeners; if its plan has no steps, prints one line instead."""

    def __init__(self, console: Console, listeners: Sequence[RunListener], line: str) -> None:
        self._console = console
        self._listeners = tuple(listeners)
        self._line = line
        self._is_nothing = False

    def hear(self, event: Event) -> None:
        """Pass the event on, or print that there is nothing to do."""
        if isinstance(event, RunStarted) and not event.plan.steps and not event.plan.left_out:
            self._is_nothing = True
            self._console.print(self._line, soft_wrap=True)
        if not self._is_nothing:
            for listener in self._listeners:
                listener.hear(event)

    def expect(self, estimated: Estimated) -> None:
        """Pass a new estimate of the end on."""
        for listener in self._listeners:
            if isinstance(listener, EstimateListener):
                listener.expect(estimated)
