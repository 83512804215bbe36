"""Statistics that a few extreme values do not change much."""

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the value at which half of the weight is reached; between two values, their mean."""
    in_order = sorted(zip(values, weights, strict=True))
    half, reached = sum(weights) / 2, 0.0
    for at, (value, weight) in enumerate(in_order):
        reached += weight
        if abs(reached - half) <= 1e-12 * half and at + 1 < len(in_order):
            return (value + in_order[at + 1][0]) / 2
        if reached > half:
            return value
    return in_order[-1][0]


def quantile(in_order: Sequence[float], share: float) -> float:
    """Return the smallest of the sorted values that at least this share of them does not exceed."""
    return in_order[min(len(in_order) - 1, max(0, ceil(share * len(in_order)) - 1))]


def share_above(in_order: Sequence[float], limit: float) -> float:
    """Return which share of the sorted values is at or above a limit."""
    return 1 - bisect_left(in_order, limit) / len(in_order)
