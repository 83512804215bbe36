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
    alive = is_alive(head.process, head.heartbeat_at, now=now, here=here, lives=lives)
    return RunState.RUNNING if alive else RunState.INTERRUPTED


def is_alive(
    process: Process, heard_at: datetime, *, now: datetime, here: str, lives: Callable[[Process], bool]
) -> bool:
    """Say whether a process still works: one of this machine is looked up, of another its last sign of life counts."""
    return lives(process) if process.host == here else now - heard_at < SILENCE
