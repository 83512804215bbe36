"""`elt run` with the real dbt and dlt, killed at a drawn moment: `elt resume` leaves what an undisturbed run leaves."""

from collections.abc import Iterator

import pytest

from tests.faults.drawing import draw_deaths
from tests.faults.shops import Shops
from tests.sweeps import SWEEP

pytestmark = pytest.mark.functional
SEED = 20261121
DEATHS, SMOKE = 30, 5


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """Shops to be killed in."""
    with Shops(tmp_path_factory.mktemp("shops")) as ready:
        yield ready


@pytest.mark.parametrize("number", SWEEP.share(range(DEATHS), smoke=SMOKE))
def test_a_killed_run_of_the_real_tools_resumes_to_the_same_result(shops: Shops, number: int) -> None:
    """Inside a load, inside a model, between two facts: no row is lost or doubled, nothing is done again."""
    death = draw_deaths(SEED, shops.undisturbed.passings, DEATHS)[number]
    try:
        shops.kill_and_prove(death)
    except AssertionError as wrong:
        raise AssertionError(f"seed {SEED}, killed {death}") from wrong
