"""What befalls a small run: the process dies, the disk is full, the store is locked, the clock is set."""

import os
import resource
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from orchestrator import faults
from orchestrator.store import database
from tests.faults.runner import now

A_MOMENT = 0.05


@contextmanager
def afflict(folder: Path, fault: Mapping | None) -> Iterator[tuple[Counter[str], "MovedClock"]]:
    """Let a fault happen at the n-th passing of its point; gives how often each point was passed, and the clock."""
    passings: Counter[str] = Counter()
    clock = MovedClock()
    harm = _harm(folder, fault, clock) if fault else None
    counting = threading.Lock()

    def hear(point: str) -> None:
        with counting:
            passings[str(point)] += 1
            if harm is not None and (str(point), passings[str(point)]) == (fault["point"], fault["passing"]):
                harm()

    faults.listeners.append(hear)
    try:
        yield passings, clock
    finally:
        faults.listeners.remove(hear)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class MovedClock:
    """The time of day, until somebody sets the clock."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def __call__(self) -> datetime:
        return now() + self.moved


def _harm(folder: Path, fault: Mapping, clock: MovedClock) -> Callable[[], None]:
    match fault["kind"]:
        case "kill":
            return lambda: die(late=fault["late"])
        case "full":
            return lambda: fill_the_disk(folder)
        case "locked":
            database._BUSY_SECONDS = fault["patience"]
            return lambda: lock_the_store(folder, fault.get("seconds"))
        case _:
            return lambda: setattr(clock, "moved", timedelta(hours=fault["hours"]))


def die(*, late: bool) -> None:
    """End without a word; `late`: what runs on other threads gets on for a moment more."""
    if late:
        time.sleep(A_MOMENT)
    os.kill(os.getpid(), signal.SIGKILL)


def fill_the_disk(folder: Path) -> None:
    """Let no file grow beyond what the store's journal has now, and no signal end the process for that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = folder / "history.db-wal"
    size = journal.stat().st_size if journal.exists() else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def lock_the_store(folder: Path, seconds: float | None) -> None:
    """Have the store alone, on a connection of somebody else's, for so long or until the process ends."""
    connection = sqlite3.connect(folder / "history.db", isolation_level=None, check_same_thread=False)
    connection.execute("begin exclusive")
    if seconds is None:
        _kept.append(connection)
    else:
        threading.Timer(seconds, connection.close).start()


_kept: list[sqlite3.Connection] = []
