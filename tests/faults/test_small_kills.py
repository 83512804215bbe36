"""A process that is killed at any boundary: the run goes on, and nothing is lost, done twice or recorded wrongly."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.faults import Point
from tests.faults.drawing import Death, draw_deaths, draw_plan
from tests.faults.forking import KILLED
from tests.faults.orders import Forge
from tests.faults.runner import COMMITTED, INSIDE
from tests.sweeps import SWEEP

PLANS = range(17)
DEATHS, SMOKE = 10, 34
"""Of each plan."""
AGAIN = range(100, 110)
EVERY_DEATH = [(seed, number) for seed in PLANS for number in range(DEATHS)]
DIED = SWEEP.share(EVERY_DEATH, smoke=SMOKE)
PASSED = {
    INSIDE,
    COMMITTED,
    Point.LEASE_ASKED,
    Point.LEASE_TAKEN,
    Point.LEASE_RETURNED,
    Point.LEASE_GONE,
    Point.RECORD_BEGUN,
    Point.RECORD_WRITTEN,
    Point.RECORD_KEPT,
    Point.STEP_HANDED,
    Point.STEP_TAKEN,
    Point.STEP_DONE,
}
"""The points that a small run passes; the others are dbt's, of children, and of a store that is made."""


@contextmanager
def told(seed: int, *deaths: Death) -> Iterator[None]:
    """Say with which drawing something went wrong, so that it can be drawn again."""
    try:
        yield
    except AssertionError as wrong:
        drawn = "\n".join(f"  {step.id} below {', '.join(step.parents) or 'nothing'}" for step in draw_plan(seed).steps)
        raise AssertionError(f"seed {seed}, killed {', then '.join(map(str, deaths))}:\n{drawn}") from wrong


@pytest.mark.parametrize(("seed", "number"), DIED)
def test_a_killed_run_resumes_to_the_same_result(forge: Forge, seed: int, number: int) -> None:
    """Killed at any point of any plan, it leaves after a resume what an undisturbed run leaves."""
    passings = forge.undisturbed(seed).passings
    assert passings.keys() == PASSED
    death = draw_deaths(seed, passings, DEATHS)[number]
    with told(seed, death):
        forge.kill_and_prove(seed, death)


@pytest.mark.parametrize("seed", SWEEP.share(AGAIN, smoke=3))
def test_a_run_that_is_killed_at_every_resume_comes_to_the_same_result(forge: Forge, seed: int) -> None:
    """Three times, and it still comes to the same end."""
    deaths = draw_deaths(seed, forge.undisturbed(seed).passings, 3)
    with told(seed, *deaths):
        forge.kill_and_prove(seed, *deaths)


def test_every_point_of_a_run_is_among_the_deaths(forge: Forge) -> None:
    """What is drawn leaves no boundary out."""
    deaths = {seed: draw_deaths(seed, forge.undisturbed(seed).passings, DEATHS) for seed in PLANS}
    assert {deaths[seed][number].point for seed, number in (DIED if SWEEP.is_smoke else EVERY_DEATH)} == PASSED


def test_a_run_killed_while_its_store_is_created_starts_again(forge: Forge) -> None:
    """The store is made whole by the next, and the run begins anew."""
    folder = forge.folder()
    death = Death(Point.STORE_MADE, 1)
    assert forge.order(folder, "begin", seed=1, fault=death.as_fault()).code == KILLED
    assert not (folder / "small.duckdb").exists()
    forge.prove(folder, 1)
