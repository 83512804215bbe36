"""Estimates a run from how long the runs before it took, where its plan is not known."""

from collections.abc import Sequence
from math import exp, log

from orchestrator.estimates.robust import quantile, weighted_median
from orchestrator.plan.estimate import Estimate

_MOST = 10
_FADES = 0.75  # as for single steps


def usual_run(seconds: Sequence[float]) -> Estimate | None:
    """Return how long a run takes, from the durations of earlier ones, newest first; None if there are none."""
    last = [max(one, 0.001) for one in seconds[:_MOST]]
    if not last:
        return None
    center = exp(weighted_median([log(one) for one in last], [_FADES**age for age in range(len(last))]))
    in_order = sorted(last)
    low, high = min(center, quantile(in_order, 0.1)), max(center, quantile(in_order, 0.9))
    return Estimate(seconds=round(center, 3), low=round(low, 3), high=round(high, 3), runs=len(last))
