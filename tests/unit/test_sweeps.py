"""The lanes of a wide sweep: the smoke lane is small, and the slices together run every case once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sweeps import Sweep


@given(st.integers(0, 400), st.integers(1, 60))
def test_the_slices_together_run_every_case_once(cases: int, of: int) -> None:
    shares = [Sweep.parse(f"{index}/{of}").share(range(cases), smoke=1) for index in range(of)]
    assert sorted(case for share in shares for case in share) == list(range(cases))
    assert Sweep.parse("whole").share(range(cases), smoke=1) == list(range(cases))


@given(st.integers(0, 400), st.integers(1, 60))
def test_the_smoke_lane_is_spread_over_the_whole_list(cases: int, smoke: int) -> None:
    share = Sweep.parse("").share(range(cases), smoke=smoke)
    assert min(cases, smoke) <= len(share) < 2 * smoke + 1
    gaps = {after - before for before, after in pairwise(share)}
    assert len(gaps) <= 1


@pytest.mark.parametrize("text", ["all", "3/3", "-1/4", "1", "/", "1/0"])
def test_an_unknown_lane_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SWEEP is"):
        Sweep.parse(text)
