"""Records what happened, and then informs the listeners."""

from collections.abc import Callable
from datetime import datetime

from orchestrator.errors import StoreError
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Noticed, NoticeKind, RunEvent
from orchestrator.execution.ports import RunWriter


class Chronicle:
    """The record of one run and its listeners. Every event is recorded before it is sent."""

    def __init__(self, writer: RunWriter, audience: Audience, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._audience = audience
        self._clock = clock
        self.broken: StoreError | None = None
        """The first error that prevented an event from being recorded."""

    def begin(self, event: RunEvent) -> None:
        """Record and send the first event.

        Raises:
            StoreError: the event cannot be recorded; no listener has received it.
        """
        for recorded in self._writer.record([event]):
            self._audience.tell(recorded)

    def take(self, *events: RunEvent) -> bool:
        """Record events in one transaction, then send them; return whether they were recorded.

        Listeners receive them in either case, because the events happened.
        """
        recorded = self._record(events)
        for event in events if recorded is None else recorded:
            self._audience.tell(event)
        return recorded is not None

    def is_asked_to_end(self) -> bool:
        """Record a heartbeat, and return whether a user asked the run to end."""
        return self._writer.look(self._clock())

    def _record(self, events: tuple[RunEvent, ...]) -> tuple[RunEvent, ...] | None:
        if not events:
            return events
        try:
            return self._writer.record(events)
        except StoreError as error:
            if self.broken is None:
                self.broken = error
                self._audience.tell(Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=str(error)))
            return None
