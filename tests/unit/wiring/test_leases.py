"""A run waits for the lease on what it writes, takes it from a dead one, or is refused."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, count
from threading import Event, Semaphore
from threading import enumerate as enumerate_threads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.settings import OnBusy
from orchestrator.errors import BusyError, StoreError
from orchestrator.execution.events import Noticed
from orchestrator.execution.leases import LeaseEnvironment, acquire, leased
from orchestrator.execution.recorded import WHOLE, Lease, Process
from orchestrator.store.memory import MemoryStore
from tests.fakes.clock import NOON

TARGET = "postgres host:5432/db"


def lease(run_id: str, pid: int, *names: str, host: str = "laptop", beaten: timedelta = timedelta()) -> Lease:
    process = Process(host=host, pid=pid, started_at=None, user="ada")
    return Lease(
        target_identity=TARGET,
        run_id=run_id,
        process=process,
        names=frozenset(names or {WHOLE}),
        taken_at=NOON,
        beaten_at=NOON + beaten,
    )


@dataclass
class World:
    """A machine called laptop, on which some processes live; time passes while somebody sleeps."""

    store: MemoryStore = field(default_factory=MemoryStore)
    alive: set[int] = field(default_factory=set)
    now: datetime = NOON
    asleep: Callable[[], None] = lambda: None
    heard: list[Noticed] = field(default_factory=list)

    def take(self, own: Lease, on_busy: OnBusy = OnBusy.WAIT) -> None:
        environment = LeaseEnvironment(
            clock=lambda: self.now,
            lives=lambda process, _at: process.pid in self.alive,
            here="laptop",
            sleep=self.sleep,
        )
        acquire(self.store, own, on_busy, environment, self.heard.append)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.asleep()


def test_a_free_target_is_leased_at_once() -> None:
    """Nobody is told of anything."""
    world = World()
    world.take(lease("r1", 1))
    assert world.store.leases(TARGET) == (lease("r1", 1),)
    assert world.heard == []


def test_a_run_waits_until_the_other_releases_the_lock_and_says_so_once() -> None:
    """It is told which run, and as which process."""
    first, second = lease("r1", 1), lease("r2", 2)
    world = World(alive={1})
    world.take(first)
    looks = []

    def end_after_three() -> None:
        looks.append(world.now)
        if len(looks) == 3:
            world.store.let_go(first)

    world.asleep = end_after_three
    world.take(second)
    (held,) = world.store.leases(TARGET)
    assert (held.run_id, held.process) == ("r2", second.process)
    assert len(looks) == 3
    (notice,) = world.heard
    assert "for the run r1, process 1 of ada on laptop" in notice.message


def test_a_run_that_may_not_wait_is_refused() -> None:
    """The message names the run, its process and the target; the hint how to end it."""
    world = World(alive={1})
    world.take(lease("r1", 1))
    with pytest.raises(BusyError, match="The run r1 works in this target: process 1 of ada on laptop") as raised:
        world.take(lease("r2", 2), OnBusy.REFUSE)
    assert "elt cancel r1" in raised.value.hint
    assert world.store.leases(TARGET) == (lease("r1", 1),)


def test_runs_that_write_different_relations_do_not_wait() -> None:
    """No run is told of the other."""
    world = World(alive={1, 2})
    world.take(lease("r1", 1, "db.analytics.a"), OnBusy.REFUSE)
    world.take(lease("r2", 2, "db.analytics.b"), OnBusy.REFUSE)
    assert [held.run_id for held in world.store.leases(TARGET)] == ["r1", "r2"]
    assert world.heard == []


def test_a_run_that_writes_what_others_write_waits_for_all_of_them() -> None:
    """It is told once of each, with what it would write too; a dead one among them is taken over."""
    first, second, dead = (
        lease("r1", 1, "db.analytics.fct_orders", "db.analytics.x"),
        lease("r2", 2, "dataset db.raw"),
        lease("r3", 3, "db.analytics.a"),
    )
    world = World(alive={1, 2})
    for other in (first, second, dead):
        world.take(other)
    ends = [None, first, None, second]

    def end_the_next() -> None:
        if ends and (over := ends.pop(0)) is not None:
            world.store.let_go(over)

    world.asleep = end_the_next
    world.take(lease("r4", 4, "db.analytics.fct_orders", "dataset db.raw", "db.analytics.a"))
    assert [held.run_id for held in world.store.leases(TARGET)] == ["r4"]
    assert [notice.message.partition("to end: ")[2] for notice in world.heard] == [
        "it writes analytics.fct_orders", "it writes dataset db.raw",
    ]  # fmt: skip


def test_a_refused_run_is_told_which_relations_the_other_writes() -> None:
    """The first few names are listed, the rest counted."""
    world = World(alive={1})
    names = [f"db.analytics.{name}" for name in "abcde"]
    world.take(lease("r1", 1, *names))
    with pytest.raises(BusyError, match=r"The run r1 writes analytics\.b, analytics\.c, analytics\.d and 1 more: "):
        world.take(lease("r2", 2, *names[1:]), OnBusy.REFUSE)


def test_a_dead_processs_lease_is_taken_over() -> None:
    """Nobody waits for a run that will never let go."""
    world = World()
    world.take(lease("r1", 1))
    world.take(lease("r2", 2), OnBusy.REFUSE)
    assert world.store.leases(TARGET) == (lease("r2", 2),)
    assert world.heard == []


def test_a_run_on_another_machine_is_dead_after_a_minute_of_silence() -> None:
    """Its process cannot be looked up from here."""
    world = World()
    world.store.take(lease("r1", 1, host="server", beaten=timedelta(seconds=-30)))
    world.take(lease("r2", 2))
    assert world.now - NOON == timedelta(seconds=30)
    (held,) = world.store.leases(TARGET)
    assert held.run_id == "r2"


def test_a_lease_starts_when_it_is_acquired() -> None:
    """From another machine it would look dead otherwise, before its first sign of life."""
    world = World()
    world.store.take(lease("r1", 1, host="server", beaten=timedelta(hours=2)))
    world.take(lease("r2", 2))
    assert world.store.leases(TARGET) == (replace(lease("r2", 2), taken_at=world.now, beaten_at=world.now),)


class Heard(MemoryStore):
    """A store that tells what it was asked for, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def take(self, lease: Lease, *, instead_of: Collection[Lease] = ()) -> bool:
        self.said.append("take")
        return super().take(lease, instead_of=instead_of)

    def beat(self, lease: Lease, *, at: datetime) -> None:
        self.said.append(f"beat {(at - NOON).seconds}")
        super().beat(lease, at=at)

    def let_go(self, lease: Lease) -> None:
        self.said.append("let go")
        super().let_go(lease)


@given(before=st.integers(0, 4), late=st.integers(0, 3), breaks=st.booleans())
def test_a_run_sends_heartbeats_from_acquiring_its_lease_until_releasing_it(
    before: int, late: int, breaks: bool
) -> None:
    """Also while it plans: nobody calls for them. None comes once the lease was released, however late it was due."""
    store, due, given_until = Heard(), Semaphore(0), Semaphore(0)
    seconds = count(5, 5)

    def is_over(ended: Event) -> bool:
        given_until.release()  # all that was due until now was given
        while not due.acquire(timeout=0.001):
            if ended.is_set():
                return True
        return ended.is_set()

    clock = chain([NOON], (NOON + timedelta(seconds=passed) for passed in seconds))
    environment = LeaseEnvironment(
        clock=lambda: next(clock), lives=lambda _process, _at: True, here="laptop", is_over=is_over
    )
    with suppress(StoreError), leased(store, lease("r1", 1), OnBusy.WAIT, environment, lambda _notice: None):
        given_until.acquire()
        for _ in range(before):
            due.release()
            given_until.acquire()
        assert store.leases(TARGET) == (lease("r1", 1, beaten=timedelta(seconds=5 * before)),)
        if breaks:
            raise StoreError("the run breaks")
    due.release(late + 1)
    assert store.said == ["take", *(f"beat {5 * n}" for n in range(1, before + 1)), "let go"]
    assert not [thread for thread in enumerate_threads() if thread.name == "elt-signs-of-life"]


class FullStore(MemoryStore):
    """A store that takes nothing any more."""

    def let_go(self, lease: Lease) -> None:
        raise StoreError("the disk is full")


def test_the_error_that_broke_a_run_is_reported_even_if_its_lease_cannot_be_released() -> None:
    """A full disk breaks both; the first says what became of the run."""
    environment = LeaseEnvironment(clock=lambda: NOON, lives=lambda _process, _at: True, here="laptop")
    with (
        pytest.raises(StoreError, match="could not be recorded"),
        leased(FullStore(), lease("r1", 1), OnBusy.WAIT, environment, lambda _notice: None),
    ):
        raise StoreError("what happened could not be recorded")
    with (
        pytest.raises(StoreError, match="the disk is full"),
        leased(FullStore(), lease("r1", 1), OnBusy.WAIT, environment, lambda _notice: None),
    ):
        pass
