import pytest

from benchmarks.artifacts import same_or_fail
from benchmarks.figures import Measured, Series, leased, median_of_ratios, ratio
from benchmarks.measure import BenchmarkFailed


def _series(name, *seconds, peak_mb=100.0):
    return Series(name=name, runs=tuple(Measured(seconds=one, cpu_seconds=2 * one, peak_mb=peak_mb) for one in seconds))


def test_a_ratio_is_the_median_over_pairs_of_one_round():
    """A round that was slow for both does not move the ratio."""
    assert median_of_ratios([1, 10, 4], [2, 20, 2]) == 0.5
    assert ratio(_series("ours", 1, 10, 4), _series("theirs", 2, 20, 2)) == 0.5


def test_rounds_must_be_pairs():
    """A contender with a run less than the other has no ratio."""
    with pytest.raises(ValueError, match="shorter"):
        median_of_ratios([1, 2], [1])


def test_consecutive_commands_add_their_seconds_and_keep_the_highest_peak():
    """Three commands take the sum of their times, and as much memory as the hungriest."""
    together = leased("both", [_series("a", 1, 2, peak_mb=50.0), _series("b", 3, 5, peak_mb=70.0)])
    assert together.runs == (
        Measured(seconds=4, cpu_seconds=8, peak_mb=70.0),
        Measured(seconds=7, cpu_seconds=14, peak_mb=70.0),
    )


def test_contenders_with_different_results_fail_the_benchmark():
    """A contender that did less than the other is named with what differs, and gives no figures."""
    with pytest.raises(BenchmarkFailed, match=r"statuses differ between dbt and elt, 1 in all: \['b: pass / None'\]"):
        same_or_fail("statuses", {"dbt": {"a": "pass", "b": "pass"}, "elt": {"a": "pass"}})
