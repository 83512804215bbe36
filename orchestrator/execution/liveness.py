"""Decides whether a recorded run is still running: a run whose process died is interrupted, not running forever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.execution.recorded import Process, RunHead

Lives = Callable[[Process, datetime], bool]
"""Looks up a process of this machine, given the time of its last heartbeat."""

SILENCE = timedelta(minutes=1)
"""A run of another machine counts as interrupted after this time without a heartbeat; it sends one every 5 seconds."""


LOST_AFTER = timedelta(days=1)
"""A run on any machine may be deleted from the record after this time without a heartbeat."""


class RunState(StrEnum):
    """The state of a recorded run."""

    ENDED = "ended"
    RUNNING = "running"
    INTERRUPTED = "interrupted"  # its process ended before it recorded an end


def state_of(head: RunHead, *, now: datetime, here: str, lives: Lives) -> RunState:
    """Return the state of a run; `here` is the name of this machine, and `lives` looks up its processes."""
    if head.status is not None:
        return RunState.ENDED
    alive = is_alive(head.process, head.heartbeat_at, now=now, here=here, lives=lives)
    return RunState.RUNNING if alive else RunState.INTERRUPTED


def is_alive(process: Process, heard_at: datetime, *, now: datetime, here: str, lives: Lives) -> bool:
    """Return whether a process is alive: looked up if it is on this machine, otherwise by its last heartbeat."""
    return lives(process, heard_at) if process.host == here else now - heard_at < SILENCE
