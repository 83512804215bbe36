"""Estimates are as good as the benchmark asks, on fewer histories."""

from benchmarks.estimates import LEAST_RIGHT, MOST_ERROR, MOST_FALSE, measure_estimates


def test_estimates_are_near_and_warnings_are_right() -> None:
    """After five runs with outliers, drift and contention; the histories have a seed."""
    found = measure_estimates(40, looks=12, most_simulated=4000, say=lambda _line: None)
    assert any(night.is_late for night in found.nights)
    assert found.error <= MOST_ERROR
    assert found.right >= LEAST_RIGHT
    assert found.false <= MOST_FALSE
