"""Records what happened, then has the ledgers take note of it, and then informs the listeners."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.errors import EltError, StoreError
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Noticed, NoticeKind, RunEvent, RunStarted, StepEnded
from orchestrator.execution.ports import Ledger, Notices, RunWriter, Unrecorded

_log = logging.getLogger(__name__)


class Chronicle:
    """The record of one run, its ledgers and its listeners. Every event is recorded before anything depends on it."""

    def __init__(
        self,
        audience: Audience,
        notices: Notices,
        clock: Callable[[], datetime],
        *,
        writer: RunWriter | None = None,
        ledgers: Sequence[Ledger] = (),
    ) -> None:
        """Set who takes note of the run; without a writer nothing is recorded."""
        self._audience = audience
        self._notices = notices
        self._clock = clock
        self._writer = writer or Unrecorded()
        self._ledgers = tuple(ledgers)
        self.broken: StoreError | None = None
        """The first error that prevented an event from being recorded."""

    def begin(self, started: RunStarted) -> None:
        """Record and send the first event.

        Raises:
            StoreError: the event cannot be recorded; no listener receives it.
        """
        for recorded in self._writer.record([started]):
            self._in_ledgers(lambda ledger: ledger.begin(started))
            self._audience.tell(recorded, recorded.sequence)

    def take(self, *events: RunEvent) -> bool:
        """Record events in one transaction, then send them; return whether they were recorded.

        Ledgers and listeners receive them in either case, because the events happened.
        """
        if not events:
            return True
        # First of all: after a crash, the record must contain whatever a ledger acted on or a listener showed.
        recorded = self._record(events)
        outcomes = [event.outcome for event in events if isinstance(event, StepEnded)]
        # Before the next steps start, which rely on it: a build must not see dbt's cache from before a load.
        if outcomes:
            self._in_ledgers(lambda ledger: ledger.settle(outcomes))
        for event in events if recorded is None else recorded:
            self._audience.tell(event, event.sequence)
        return recorded is not None

    def finish(self) -> None:
        """Have the ledgers write what the run leaves to others, before the end of the run is recorded."""
        self._in_ledgers(lambda ledger: ledger.finish(self._clock()))

    def is_asked_to_end(self) -> bool:
        """Record a heartbeat, and return whether a user asked the run to end."""
        return self._writer.look(self._clock())

    def _record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...] | None:
        """Return the events with their numbers in the record; None if they could not be recorded."""
        try:
            return self._writer.record(events)
        except StoreError as error:
            # One error is enough: the run ends because of it, and most likely no further event can be recorded either.
            if self.broken is None:
                self.broken = error
                self._audience.tell(Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=str(error)))
            return None

    def _in_ledgers(self, call: Callable[[Ledger], None]) -> None:
        """Have each ledger take note of something; an error becomes a warning."""
        for ledger in self._ledgers:
            try:
                call(ledger)
            except Exception as error:  # noqa: BLE001  # a ledger must not end the run
                name = type(ledger).__name__
                _log.warning("%s raised", name, exc_info=error, extra={"action": "ledger_error"})
                # As a notice it reaches the loop like any other, and is recorded too.
                warning = error if isinstance(error, EltError) else f"{name} raised {type(error).__name__}: {error}"
                self._notices.post(NoticeKind.WARNING, str(warning))
