"""Measures how good estimates are: the expected end at the start of a run, and the warnings that a run is late."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import median

from benchmarks.simulated_history import at_second, make_nights, played, recorded
from orchestrator.estimates.deadlines import Deadline, LateWatch
from orchestrator.estimates.forecast import Forecast
from orchestrator.estimates.past_durations import past_durations
from orchestrator.estimates.run_progress import RunProgress
from orchestrator.execution.events import RunEvent

PAST_RUNS = 5
MOST_ERROR = 0.20
LEAST_RIGHT = 0.90
MOST_FALSE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class NightResult:
    """What was estimated of one run, and what happened."""

    estimated: float
    took: float
    covered: bool
    """Whether the run took as long as the estimate says of eight in ten runs."""
    is_late: bool
    warned_before: float | None
    """How many seconds before the deadline the run was said to be late; None if it was not."""

    @property
    def error(self) -> float:
        """How far the estimate was off, relative to what the run took."""
        return abs(self.estimated - self.took) / self.took


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateQuality:
    """The results of many histories."""

    nights: Sequence[NightResult]

    @property
    def error(self) -> float:
        """The median of the errors."""
        return median(night.error for night in self.nights)

    @property
    def covered(self) -> float:
        """How many runs took as long as the estimate says of eight in ten."""
        return sum(night.covered for night in self.nights) / len(self.nights)

    @property
    def right(self) -> float:
        """How many of the late runs were said to be late before their deadline."""
        return _share([night.warned_before is not None for night in self.nights if night.is_late])

    @property
    def false(self) -> float:
        """How many of the runs that were in time were said to be late."""
        return _share([night.warned_before is not None for night in self.nights if not night.is_late])

    @property
    def warned_before(self) -> float:
        """How long before the deadline late runs were said to be late: the median, relative to what the run took."""
        return median(
            night.warned_before / night.took for night in self.nights if night.is_late and night.warned_before
        )


def measure_estimates(
    histories: int, *, seed: int = 13, looks: int = 25, most_simulated: int = 20_000, say: Callable[[str], None] = print
) -> EstimateQuality:
    """Simulate histories, each with a further run that is estimated and watched."""
    nights = []
    for number in range(histories):
        nights.append(_night(Random(seed * 100_000 + number), looks, most_simulated))
        if number % 20 == 19:
            say(f"{number + 1} of {histories} histories")
    return EstimateQuality(nights=nights)


def _night(random: Random, looks: int, most_simulated: int) -> NightResult:
    nights = make_nights(random)
    past = past_durations(nights.plan, recorded([nights.durations(random, night) for night in range(PAST_RUNS)]))
    assert past is not None
    forecast = Forecast(nights.plan, nights.limits, past, most_simulated=most_simulated)
    events = list(played(nights, nights.durations(random, PAST_RUNS)))
    took = (events[-1].at - at_second(0)).total_seconds()
    estimate = forecast.estimate()
    # Deadlines that some runs just meet and others just miss.
    deadline = at_second(estimate.seconds * random.uniform(0.7, 1.5))
    warned = _watched(forecast, events, deadline, looks)
    return NightResult(
        estimated=estimate.seconds,
        took=took,
        covered=estimate.low <= took <= estimate.high,
        is_late=at_second(took) > deadline,
        warned_before=None if warned is None else (deadline - warned).total_seconds(),
    )


def _watched(forecast: Forecast, events: Sequence[RunEvent], deadline: datetime, looks: int) -> datetime | None:
    """Return when the run was said to be late; None if it was not, before its deadline."""
    watch = LateWatch([Deadline(name="schedule nightly", at=deadline)])
    state, rest, end = RunProgress(), list(events), min(deadline, events[-1].at)
    length = (end - at_second(0)).total_seconds()
    every = max(2.0, length / looks)
    moments = [at_second(every * at) for at in range(int(length / every) + 1)]
    moments += [deadline - timedelta(seconds=seconds) for seconds in range(1, 10)]  # it then looks every second
    for moment in sorted(moments):
        if moment >= end:
            break
        while rest and rest[0].at <= moment:
            state.hear(rest.pop(0))
        if watch.decide(forecast, state, moment):
            return moment
    return None


def _share(found: Iterable[bool]) -> float:
    values = list(found)
    return sum(values) / len(values) if values else 0.0


def estimates_text(found: EstimateQuality) -> str:
    """Return the table of the results."""
    late = sum(night.is_late for night in found.nights)
    return "\n".join(
        [
            f"{len(found.nights)} simulated histories, {PAST_RUNS} runs each; {late} of the next runs were late",
            "",
            "| measured | result | target |",
            "|---|---:|---:|",
            f"| error of the estimate at the start, median | {found.error:.1%} | {MOST_ERROR:.0%} |",
            f"| runs within the range of the estimate | {found.covered:.0%} | 80% |",
            f"| late runs that were said to be late before the deadline | {found.right:.1%} | {LEAST_RIGHT:.0%} |",
            f"| runs in time that were said to be late | {found.false:.1%} | {MOST_FALSE:.0%} |",
            f"| how long before the deadline, relative to the run, median | {found.warned_before:.0%} | |",
        ]
    )


def estimates_values(found: EstimateQuality) -> dict[str, float]:
    """Return the results as values."""
    return {
        "error": found.error,
        "covered": found.covered,
        "right": found.right,
        "false": found.false,
        "warned_before": found.warned_before,
    }
