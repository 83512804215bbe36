"""Whether a recorded run still goes on: a run whose process died is interrupted, never running for ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.execution.recorded import Process, RunHead

Lives = Callable[[Process, datetime], bool]
"""Looks a process of this machine up, which gave its last sign of life at that time."""

SILENCE = timedelta(minutes=1)
"""After so long without a sign of life a run of another machine counts as interrupted; it gives one every 5 seconds."""


LOST_AFTER = timedelta(days=1)
"""After so long without a sign of life a run may be forgotten, on whatever machine it was."""


class RunState(StrEnum):
    """Where a run stands."""

    ENDED = "ended"
    RUNNING = "running"
    INTERRUPTED = "interrupted"  # its process ended before it could say how


def state_of(head: RunHead, *, now: datetime, here: str, lives: Lives) -> RunState:
    """Say where a run stands; `lives` looks a process of this machine, which is called `here`, up."""
    if head.status is not None:
        return RunState.ENDED
    alive = is_alive(head.process, head.heartbeat_at, now=now, here=here, lives=lives)
    return RunState.RUNNING if alive else RunState.INTERRUPTED


def is_alive(process: Process, heard_at: datetime, *, now: datetime, here: str, lives: Lives) -> bool:
    """Say whether a process still works: one of this machine is looked up, of another its last sign of life counts."""
    return lives(process, heard_at) if process.host == here else now - heard_at < SILENCE
