"""One run at a time in a target: the second waits for its turn, or is refused."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orchestrator.config.settings import OnBusy
from orchestrator.errors import BusyError, StoreError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.liveness import Lives, is_alive
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import Lease
from orchestrator.faults import Point, passing
from orchestrator.wiring.command import Command
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.recording import lives, open_store, this_process

_LOOK = 0.5  # seconds between two looks at whether the other run has ended
_BEAT = 5.0  # seconds between two signs of life


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What waiting for a turn needs of the world."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lives: Lives = lives
    here: str = socket.gethostname()
    sleep: Callable[[float], None] = time.sleep
    is_over: Callable[[threading.Event], bool] = lambda ended: ended.wait(_BEAT)
    """Waits until the next sign of life is due, or the run has ended; says whether it has."""


@contextmanager
def store_in_turn(project: OpenProject, command: Command, run_id: str) -> Iterator[RunStore]:
    """Open the store, and have the target to oneself until the end.

    A database in memory is nobody else's. The project hears whom it waits for.

    Raises:
        BusyError: another run works there, and this one was not to wait.
        StoreError: the store cannot be opened or written.
    """
    with closing(open_store(project.settings)) as store:
        if project.target.path == ":memory:":
            yield store
            return
        turn = Turn()
        identity, now = project.target.identity, turn.clock()
        lease = Lease(target_identity=identity, run_id=run_id, process=this_process(), taken_at=now, beaten_at=now)
        with in_turn(store, lease, command.on_busy or project.settings.on_busy, turn, project.hear):
            yield store


@contextmanager
def in_turn(
    store: RunStore, lease: Lease, on_busy: OnBusy, turn: Turn, hear: Callable[[Noticed], None]
) -> Iterator[None]:
    """Have the lease from the moment at which nobody who is alive has it until the end. Raises BusyError.

    All the while there are signs of life, whatever the run is at: it may plan for minutes, or wait for a slow server.
    """
    passing(Point.LEASE_ASKED)
    take_turn(store, lease, on_busy, turn, hear)
    passing(Point.LEASE_TAKEN)
    try:
        with _beating(store, lease, turn):
            yield
    except BaseException:
        with suppress(StoreError):  # what broke the run is what is to be told
            store.let_go(lease)
        raise
    passing(Point.LEASE_RETURNED)
    store.let_go(lease)
    passing(Point.LEASE_GONE)


def take_turn(store: RunStore, lease: Lease, on_busy: OnBusy, turn: Turn, hear: Callable[[Noticed], None]) -> None:
    """Take the lease as soon as nobody who is alive has it; says once whom it waits for. Raises BusyError."""
    told = ""
    while True:
        held = store.lease(lease.target_identity)
        if held is None or not _works(held, turn):
            now = turn.clock()
            if store.take(replace(lease, taken_at=now, beaten_at=now), instead_of=held):
                return
            continue
        if on_busy is OnBusy.REFUSE:
            raise BusyError(
                f"The run {held.run_id} works in this target: {_named(held)}, {lease.target_identity}.",
                hint=f"Wait for it with --on-busy wait, or end it: elt cancel {held.run_id}",
            )
        if held.run_id != told:
            told = held.run_id
            message = f"for the run {held.run_id}, {_named(held)}, to end: it works in the same target"
            hear(Noticed(at=turn.clock(), kind=NoticeKind.WAITING, message=message))
        turn.sleep(_LOOK)


@contextmanager
def _beating(store: RunStore, lease: Lease, turn: Turn) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        while not turn.is_over(ended):
            store.beat(lease, at=turn.clock())

    beats = threading.Thread(target=beat, name="elt-signs-of-life", daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()


def _works(lease: Lease, turn: Turn) -> bool:
    return is_alive(lease.process, lease.beaten_at, now=turn.clock(), here=turn.here, lives=turn.lives)


def _named(lease: Lease) -> str:
    process = lease.process
    return f"process {process.pid} of {process.user} on {process.host}, since {lease.taken_at:%Y-%m-%d %H:%M:%S} UTC"
