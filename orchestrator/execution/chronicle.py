"""Records what happened, and tells the listeners only then."""

from collections.abc import Callable
from datetime import datetime

from orchestrator.errors import StoreError
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Event, Noticed, NoticeKind
from orchestrator.execution.ports import RunWriter


class Chronicle:
    """The record of one run and those who hear of it, in this order."""

    def __init__(self, writer: RunWriter, audience: Audience, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._audience = audience
        self._clock = clock
        self.broken: StoreError | None = None
        """What kept an event from being recorded, the first time that this happened."""

    def begin(self, event: Event) -> None:
        """Take the first event; raises StoreError when it cannot be recorded, before anybody hears of it."""
        self._writer.record([event])
        self._audience.tell(event)

    def take(self, *events: Event) -> bool:
        """Record events together, then tell of them; give whether they were recorded.

        The listeners hear of them in any case: what happened, happened.
        """
        recorded = self._record(events)
        for event in events:
            self._audience.tell(event)
        return recorded

    def is_asked_to_end(self) -> bool:
        """Say that the run is alive, and give whether somebody asked for its end."""
        return self._writer.look(self._clock())

    def _record(self, events: tuple[Event, ...]) -> bool:
        if not events:
            return True
        try:
            self._writer.record(events)
        except StoreError as error:
            if self.broken is None:
                self.broken = error
                self._audience.tell(Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=str(error)))
            return False
        return True
