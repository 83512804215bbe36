"""What is drawn is drawn again by the same seed, and leaves nothing out."""

from tests.faults.drawing import draw_deaths, draw_plan

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
