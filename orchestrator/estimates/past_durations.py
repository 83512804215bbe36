"""Derives from recorded durations what each step of a plan is expected to take, and how far that may be off.

The logarithms of durations are compared: a step that takes twice as long differs as much as one that takes half.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from statistics import NormalDist, median

from orchestrator.estimates.robust import weighted_median
from orchestrator.execution.durations import Durations, StepDuration
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import kind_of
from orchestrator.plan.step import StepId

MOST = 10
"""How many durations of a step are used."""
_FADES = 0.75
"""The weight of a duration, relative to that of the next newer one: what a step takes now counts most."""
_SHORTEST = 1e-3  # seconds; what is shorter makes no difference
_USUAL_SPREAD = 0.3
"""How much the logarithm of a duration varies, until the record shows otherwise."""
_USUAL_DAY = 0.12
"""The same for what all durations of a run have in common, such as other work on the machine."""
_TRUST = 4.0  # as many durations as the usual spread counts
_MOST_OFF = 3.0  # spreads; a duration that is farther off is an outlier, and does not widen the spread
_MEDIAN = pi / 2  # by which the variance of a median is larger than that of a mean
_NORMAL = tuple(NormalDist().inv_cdf((at + 0.5) / 40) for at in range(40))
_MOST_DEVIATIONS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedStep:
    """What a step is expected to take."""

    center: float
    """The logarithm of the seconds that it takes as often longer as shorter."""
    spread: float
    """How much that logarithm varies."""
    reused: float = 0.0
    """In which share of the last runs it was reused."""

    @property
    def seconds(self) -> float:
        """The seconds that the step takes as often longer as shorter."""
        return exp(self.center)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDurations:
    """What is known about the durations of a plan's steps."""

    steps: Mapping[StepId, ExpectedStep]
    """Steps without a duration of their own get that of their kind; of the others nothing is known."""
    spread: float
    """How much the logarithm of a step's duration usually varies."""
    day: float
    """How much all durations of a run vary together."""
    deviations: Sequence[float]
    """Recorded deviations from what was expected, in units of the spread of the step; sorted."""
    runs: int
    """The number of runs that this rests on."""
    before: float = 0.0
    """Seconds from the start of the command to the record of the run."""
    opening: float = 0.0
    """Seconds from the record of the run to its first step; the first event of the run comes just before that step."""
    closing: float = 0.0
    """Seconds from the end of the last step to the end of the run."""


def past_durations(plan: Plan, durations: Durations) -> PastDurations | None:
    """Return what is known about the durations of a plan's steps; None if nothing is."""
    recorded = {step.id: durations.of_steps[step.id][:MOST] for step in plan.steps if step.id in durations.of_steps}
    logs = {step: found for step, taken in recorded.items() if (found := _logs(taken))}
    if not logs:
        return None
    centers = {step: _center(found) for step, found in logs.items()}
    off = {step: _deviations_of(found) for step, found in logs.items()}
    spread = _common_spread(off)
    spreads = {step: _spread(own, spread) for step, own in off.items()}
    steps = {
        step: ExpectedStep(center=centers[step], spread=spreads[step], reused=_reused(recorded[step])) for step in logs
    }
    edges = durations.of_runs
    return PastDurations(
        steps={**_of_kinds(plan, steps, recorded), **steps},
        spread=spread,
        day=_day(recorded, centers, off, spread),
        deviations=_deviations(off, spread),
        runs=len({one.run_id for taken in recorded.values() for one in taken if one.seconds is not None}),
        # A process that waited, or that did other things first, began long before: the shortest time is the usual one.
        before=min((edge.before for edge in edges if edge.before is not None), default=0.0),
        opening=median(edge.opening for edge in edges) if edges else 0.0,
        closing=median(edge.closing for edge in edges) if edges else 0.0,
    )


def _logs(taken: Sequence[StepDuration]) -> list[tuple[int, float]]:
    """Return the logarithms of the durations, each with its age in runs."""
    return [(age, log(max(one.seconds, _SHORTEST))) for age, one in enumerate(taken) if one.seconds is not None]


def _center(logs: Sequence[tuple[int, float]]) -> float:
    return weighted_median([value for _, value in logs], [_FADES**age for age, _ in logs])


def _deviations_of(logs: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """Return how far each logarithm is from the median of the others, which did not know it; none for a single one."""
    if len(logs) < 2:
        return ()
    in_order = sorted(value for _, value in logs)
    # Without a value of the lower half, the median of the others is further up, and the other way round.
    low, high = (len(in_order) - 1) // 2, len(in_order) // 2
    if low == high:  # of the others, there is an even number
        below, at, above = in_order[low - 1], in_order[low], in_order[low + 1]
        middles = ((at + above) / 2, (below + above) / 2, (below + at) / 2)
        return tuple(value - middles[(value >= at) + (value > at)] for _, value in logs)
    below, above = in_order[low], in_order[high]
    return tuple(value - (above if value <= below else below) for _, value in logs)


def _common_spread(off: Mapping[StepId, Sequence[float]]) -> float:
    """Return how much durations of a step vary, over all steps."""
    found = [one for own in off.values() for one in own]
    rough = max(1.4826 * median(map(abs, found)), 0.02) if found else _USUAL_SPREAD
    total = sum(min(abs(one), _MOST_OFF * rough) ** 2 for one in found)
    return sqrt((_TRUST * _USUAL_SPREAD**2 + total) / (_TRUST + len(found)))


def _spread(off: Sequence[float], common: float) -> float:
    total = sum(min(abs(one), _MOST_OFF * common) ** 2 for one in off)
    return sqrt((_TRUST * common**2 + total) / (_TRUST + len(off)))


def _effective(weights: Sequence[float]) -> float:
    """Return how many values of equal weight are worth as much as weighted ones."""
    return float(sum(weights) ** 2 / sum(weight**2 for weight in weights))


def _reused(taken: Sequence[StepDuration]) -> float:
    """Return the share of runs in which a step was reused, by which newer ones count more; half of one is assumed."""
    weights = [_FADES**age for age in range(len(taken))]
    reused = sum(weight for weight, one in zip(weights, taken, strict=True) if one.seconds is None)
    return (0.25 + reused) / (0.5 + sum(weights))


def _of_kinds(
    plan: Plan, steps: Mapping[StepId, ExpectedStep], recorded: Mapping[StepId, Sequence[StepDuration]]
) -> dict[StepId, ExpectedStep]:
    """Return what steps without a duration of their own are expected to take: what steps of their kind do."""
    of_kind: dict[str, list[float]] = defaultdict(list)
    for step in plan.steps:
        if step.id in steps:
            of_kind[kind_of(step)].append(steps[step.id].center)
    found = {}
    for step in plan.steps:
        if step.id not in steps and (known := of_kind.get(kind_of(step))):
            middle = median(known)
            wide = max(1.0, 1.4826 * median(abs(one - middle) for one in known))
            reused = _reused(recorded.get(step.id, ()))
            found[step.id] = ExpectedStep(center=middle, spread=wide, reused=reused)
    return found


def _day(
    recorded: Mapping[StepId, Sequence[StepDuration]],
    centers: Mapping[StepId, float],
    off: Mapping[StepId, Sequence[float]],
    spread: float,
) -> float:
    """Return how much all durations of a run vary together, beyond what the steps vary on their own."""
    of_run: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for step, own in off.items():
        timed = [one for one in recorded[step] if one.seconds is not None]
        for one, deviation in zip(timed, own, strict=False):  # there is none of a single duration
            of_run[one.run_id].append((deviation, exp(centers[step])))
    total = 0.0
    for found in of_run.values():
        shift, variance = common_shift(found, spread)
        total += max(0.0, shift**2 - variance)
    return sqrt((_TRUST * _USUAL_DAY**2 + total) / (_TRUST + len(of_run)))


def common_shift(deviations: Sequence[tuple[float, float]], spread: float) -> tuple[float, float]:
    """Return the median of deviations, weighted by the seconds of their steps, and the variance of that median."""
    weights = [weight for _, weight in deviations]
    shift = weighted_median([value for value, _ in deviations], weights)
    return shift, _MEDIAN * spread**2 / _effective(weights)


def _deviations(off: Mapping[StepId, Sequence[float]], common: float) -> tuple[float, ...]:
    """Return the recorded deviations, which have the outliers in them, and those of a normal distribution.

    Each is in units of the spread that the other durations of its step show.
    """
    several = [own for own in off.values() if len(own) > 2]
    some = several[:: max(1, sum(map(len, several)) // _MOST_DEVIATIONS)]
    found = [one / _spread((*own[:at], *own[at + 1 :]), common) for own in some for at, one in enumerate(own)]
    return tuple(sorted((*found, *_NORMAL)))
