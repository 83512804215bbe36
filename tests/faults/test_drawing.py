"""What is drawn is drawn again by the same seed, and leaves nothing out."""

import re
from pathlib import Path

from tests.faults import test_real_kills, test_small_kills
from tests.faults.drawing import draw_deaths, draw_plan
from tests.sweeps import Sweep

PASSINGS = {"before": 3, "inside": 1, "after": 4}


def test_the_same_seed_draws_the_same() -> None:
    """A failure names its seed, and that is all that it takes to see it again."""
    assert draw_plan(7) == draw_plan(7) != draw_plan(8)
    assert draw_deaths(7, PASSINGS, 5) == draw_deaths(7, PASSINGS, 5) != draw_deaths(8, PASSINGS, 5)


def test_each_point_is_drawn_once_before_any_is_drawn_twice() -> None:
    """And each passing of it once, until none is left."""
    deaths = draw_deaths(7, PASSINGS, 100)
    assert {death.point for death in deaths[:3]} == set(PASSINGS)
    assert len({(death.point, death.passing) for death in deaths}) == len(deaths) == sum(PASSINGS.values())


def test_the_documentation_has_the_numbers_of_kills() -> None:
    """`make test` runs the smoke lane, `make faults` every one."""
    page = (Path(__file__).parents[2] / "docs/faults.md").read_text()
    for command, sweep in (("make test", Sweep.parse("")), ("make faults", Sweep.parse("whole"))):
        real = len(sweep.share(range(test_real_kills.DEATHS), smoke=test_real_kills.SMOKE))
        small = len(sweep.share(test_small_kills.EVERY_DEATH, smoke=test_small_kills.SMOKE))
        small += 3 * len(sweep.share(test_small_kills.AGAIN, smoke=3)) + len(["while the store is created"])
        assert re.search(rf"^{command} .*\b{real} kills of real runs, {small} of small runs", page, re.MULTILINE)
