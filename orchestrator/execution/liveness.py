"""Decides whether a recorded run is still running: a run whose process died is interrupted, not running forever."""

import getpass
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import psutil

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


def this_process() -> Process:
    """Return the identity of the process that executes the run."""
    own = psutil.Process()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container, the user may have no name
        user = str(os.getuid())
    started = datetime.fromtimestamp(own.create_time(), UTC)
    return Process(host=socket.gethostname(), pid=own.pid, started_at=started, user=user)


def lives(process: Process, heard_at: datetime) -> bool:
    """Return whether a process on this machine is still the recorded one, whose last heartbeat was at `heard_at`."""
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:  # killed, but its parent has not collected its exit status yet
            return False
        started = datetime.fromtimestamp(found.create_time(), UTC)
    except psutil.Error:
        return False
    if process.started_at is None or abs((started - process.started_at).total_seconds()) < 2:
        return True
    # Setting the clock also shifts the start times of all processes. A process that reuses the pid started after the
    # last heartbeat.
    return started <= heard_at
