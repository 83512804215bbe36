"""A run waits for its turn in a target, takes it from a dead one, or is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from orchestrator.config.settings import OnBusy
from orchestrator.errors import BusyError, StoreError
from orchestrator.execution.events import Noticed
from orchestrator.execution.recorded import Lease, Process
from orchestrator.store.memory import MemoryStore
from orchestrator.wiring.turns import Turn, in_turn, take_turn
from tests.fakes.clock import NOON


def lease(run_id: str, pid: int, host: str = "laptop", beaten: timedelta = timedelta()) -> Lease:
    process = Process(host=host, pid=pid, started_at=None, user="ada")
    return Lease(target_identity="t", run_id=run_id, process=process, taken_at=NOON, beaten_at=NOON + beaten)


@dataclass
class World:
    """A machine called laptop, on which some processes live; time passes while somebody sleeps."""

    store: MemoryStore = field(default_factory=MemoryStore)
    alive: set[int] = field(default_factory=set)
    now: datetime = NOON
    asleep: Callable[[], None] = lambda: None
    heard: list[Noticed] = field(default_factory=list)

    def take(self, own: Lease, on_busy: OnBusy = OnBusy.WAIT) -> None:
        turn = Turn(
            clock=lambda: self.now,
            lives=lambda process, _at: process.pid in self.alive,
            here="laptop",
            sleep=self.sleep,
        )
        take_turn(self.store, own, on_busy, turn, self.heard.append)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.asleep()


def test_a_free_target_is_taken_at_once() -> None:
    """Nobody is told of anything."""
    world = World()
    world.take(lease("r1", 1))
    assert world.store.lease("t") == lease("r1", 1)
    assert world.heard == []


def test_a_run_waits_until_the_other_lets_go_and_says_so_once() -> None:
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
    assert world.store.lease("t") == second
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
    assert world.store.lease("t") == lease("r1", 1)


def test_what_a_dead_process_left_is_taken_over() -> None:
    """Nobody waits for a run that will never let go."""
    world = World()
    world.take(lease("r1", 1))
    world.take(lease("r2", 2), OnBusy.REFUSE)
    assert world.store.lease("t") == lease("r2", 2)
    assert world.heard == []


def test_a_run_on_another_machine_is_dead_after_a_minute_of_silence() -> None:
    """Its process cannot be looked up from here."""
    world = World()
    world.store.take(lease("r1", 1, host="server", beaten=timedelta(seconds=-30)), instead_of=None)
    world.take(lease("r2", 2))
    assert world.now - NOON == timedelta(seconds=30)
    assert world.store.lease("t") == lease("r2", 2)


class FullStore(MemoryStore):
    """A store that takes nothing any more."""

    def let_go(self, lease: Lease) -> None:
        raise StoreError("the disk is full")


def test_what_broke_a_run_is_told_also_when_its_turn_cannot_be_given_back() -> None:
    """A full disk breaks both; the first says what became of the run."""
    turn = Turn(clock=lambda: NOON, lives=lambda _process, _at: True, here="laptop")
    with (
        pytest.raises(StoreError, match="could not be recorded"),
        in_turn(FullStore(), lease("r1", 1), OnBusy.WAIT, turn, lambda _notice: None),
    ):
        raise StoreError("what happened could not be recorded")
    with (
        pytest.raises(StoreError, match="the disk is full"),
        in_turn(FullStore(), lease("r1", 1), OnBusy.WAIT, turn, lambda _notice: None),
    ):
        pass
