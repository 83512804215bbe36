"""Whether a recorded run still goes on: a run whose process died is interrupted, never running for ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.execution.recorded import Process, RunHead

SILENCE = timedelta(minutes=1)
"""After so long without a sign of life a run of another machine counts as interrupted; it gives one every 5 seconds."""


class RunState(StrEnum):
    """Where a run stands."""

    ENDED = "ended"
    RUNNING = "running"
    INTERRUPTED = "interrupted"  # its process ended before it could say how


def state_of(head: RunHead, *, now: datetime, here: str, lives: Callable[[Process], bool]) -> RunState:
    """Say where a run stands; `lives` looks a process of this machine, which is called `here`, up."""
    if head.status is not None:
        return RunState.ENDED
    if head.process.host == here:
        return RunState.RUNNING if lives(head.process) else RunState.INTERRUPTED
    return RunState.RUNNING if now - head.heartbeat_at < SILENCE else RunState.INTERRUPTED
