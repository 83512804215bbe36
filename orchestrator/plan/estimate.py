"""Defines the estimate of how long a plan takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a plan takes, as the durations of earlier runs suggest."""

    seconds: float
    """As often too long as too short."""
    low: float
    """The run is shorter in one of ten cases."""
    high: float
    """The run is longer in one of ten cases."""
    runs: int
    """The number of earlier runs that the estimate rests on."""
    unknown: int = 0
    """The number of steps of which nothing is known. They count as zero, so the run takes at least this long."""


def estimate_to_json(estimate: Estimate | None) -> dict[str, object] | None:
    """Return an estimate as JSON; null if there is none."""
    if estimate is None:
        return None
    return {
        "seconds": round(estimate.seconds, 3),
        "low_seconds": round(estimate.low, 3),
        "high_seconds": round(estimate.high, 3),
        "runs": estimate.runs,
        "unknown_steps": estimate.unknown,
    }


def estimate_from_json(kept: dict[str, float] | None) -> Estimate | None:
    """Return the estimate that `estimate_to_json` wrote."""
    if kept is None:
        return None
    return Estimate(
        seconds=kept["seconds"],
        low=kept["low_seconds"],
        high=kept["high_seconds"],
        runs=int(kept["runs"]),
        unknown=int(kept["unknown_steps"]),
    )
