"""Sends the events of a run to its listeners, and isolates the run from their errors."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.errors import EltError
from orchestrator.execution.events import Event, Noticed, NoticeKind
from orchestrator.execution.ports import RunListener

_log = logging.getLogger(__name__)


class Audience:
    """The listeners of one run. A listener that raised still receives every later event."""

    def __init__(self, listeners: Sequence[RunListener], clock: Callable[[], datetime]) -> None:
        self._listeners = tuple(listeners)
        self._clock = clock
        self._reported: set[int] = set()

    def tell(self, event: Event) -> None:
        """Send an event to every listener; the first error of each is reported to all the others."""
        for at, listener in enumerate(self._listeners):
            error = self._hear(listener, event)
            if error is not None and at not in self._reported:
                self._reported.add(at)
                self._report(at, error)

    def _report(self, raised: int, error: Exception) -> None:
        name = type(self._listeners[raised]).__name__
        is_told = isinstance(error, EltError)
        message = str(error) if is_told else f"{name} could not handle an event: {type(error).__name__}: {error}"
        notice = Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=message)
        for at, listener in enumerate(self._listeners):
            if at != raised:
                self._hear(listener, notice)

    def _hear(self, listener: RunListener, event: Event) -> Exception | None:
        try:
            listener.hear(event)
        except Exception as error:  # noqa: BLE001  # an error of a listener must never change the run
            _log.warning("a listener raised", exc_info=error, extra={"action": "listener_error"})
            return error
        return None
