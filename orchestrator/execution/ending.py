"""Decides how a run ends early: which steps may finish, which are interrupted, and which are abandoned."""

from datetime import timedelta
from enum import StrEnum


class EndingAct(StrEnum):
    """The next action of a run that is to end."""

    DRAIN = "drain"  # start nothing more
    STOP = "stop"  # interrupt what runs
    ABANDON = "abandon"  # wait no longer


class Ending:
    """Moves from one action to the next and returns each once. Times are seconds of one clock."""

    def __init__(self, *, grace: timedelta, patience: timedelta) -> None:
        self._grace = grace.total_seconds()
        self._patience = patience.total_seconds()
        self._last: EndingAct | None = None
        self._since = 0.0

    def next(self, now: float, *, at_once: bool) -> EndingAct | None:
        """Return the next action of a run that is to end, if one is due; `at_once` skips the waits."""
        waited = now - self._since
        match self._last:
            case None:
                return self._go(EndingAct.STOP if at_once or not self._grace else EndingAct.DRAIN, now)
            case EndingAct.DRAIN if at_once or waited >= self._grace:
                return self._go(EndingAct.STOP, now)
            case EndingAct.STOP if at_once or waited >= self._patience:
                return self._go(EndingAct.ABANDON, now)
            case _:
                return None

    def _go(self, act: EndingAct, now: float) -> EndingAct:
        self._last, self._since = act, now
        return act
