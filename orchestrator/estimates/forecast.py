"""Estimates when a run ends, by simulating what is left of it many times with durations that vary as recorded ones do.

The same state always gives the same estimate: the random numbers have a fixed seed.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, log, sqrt
from random import Random
from statistics import median

from orchestrator.estimates.past_durations import ExpectedStep, PastDurations, common_shift, past_durations
from orchestrator.estimates.robust import quantile
from orchestrator.estimates.run_progress import RunProgress, seconds_running
from orchestrator.estimates.simulation import Begun, RunShape, shape_of, simulated
from orchestrator.execution.durations import Durations
from orchestrator.execution.lanes import Limits
from orchestrator.plan.decision import Act
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, StepId

_SEED = 20261129
_MOST_SIMULATED = 100_000  # steps, in all simulations of one estimate
_FEWEST, _MOST_RUNS = 40, 400
_SIMULATED_PER_SECOND = 10_000
"""Steps that are simulated for each second of the run: about 1 % of its time."""
_NOTHING_BEGUN = RunProgress()
_SHORTEST = 1e-3  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is left of a run, in seconds from now: one value for each simulation, sorted."""

    seconds: Sequence[float]

    @property
    def expected(self) -> float:
        """The seconds that are exceeded as often as not."""
        return quantile(self.seconds, 0.5)


class Forecast:
    """What is expected of the runs of one plan."""

    def __init__(
        self, plan: Plan, limits: Limits, past: PastDurations, *, most_simulated: int = _MOST_SIMULATED
    ) -> None:
        """Set the plan; at most about so many steps are simulated for one estimate."""
        self.past = past
        self._plan = plan
        self._shape: RunShape = shape_of(plan, limits, self.expected_seconds())
        self._position = {step.id: at for at, step in enumerate(plan.steps)}
        self._skipped = frozenset(_skipped(plan))
        steps = min(most_simulated, self._usual_seconds() * _SIMULATED_PER_SECOND)
        self._runs = max(_FEWEST, min(_MOST_RUNS, int(steps / max(1, len(plan.steps)))))

    def _usual_seconds(self) -> float:
        expected = self.expected_seconds()
        return max(simulated(self._shape, [expected[step.id] for step in self._plan.steps]), default=0.0)

    def expected_seconds(self) -> dict[StepId, float]:
        """Return what each step is expected to take; of one of which nothing is known, what most others do."""
        known = self.past.steps
        usual = median(one.seconds for one in known.values())
        return {
            step.id: 0.0 if _costs_nothing(step) else known[step.id].seconds if step.id in known else usual
            for step in self._plan.steps
        }

    def estimate(self, *, with_start: bool = False) -> Estimate:
        """Return how long the run takes from its first event on; `with_start` includes all that comes before."""
        (remaining,) = self.remaining(_NOTHING_BEGUN, None, (None,))
        more = self.past.before + self.past.opening if with_start else 0.0
        return Estimate(
            seconds=round(more + remaining.expected, 3),
            low=round(more + quantile(remaining.seconds, 0.1), 3),
            high=round(more + quantile(remaining.seconds, 0.9), 3),
            runs=self.past.runs,
            unknown=self.unknown(_NOTHING_BEGUN),
        )

    def unknown(self, state: RunProgress) -> int:
        """Return the number of steps that have not ended, and of which nothing is known."""
        known = self.past.steps.keys() | state.ended.keys()
        return sum(not _costs_nothing(step) and step.id not in known for step in self._plan.steps)

    def remaining(
        self, state: RunProgress, now: datetime | None, goals: Sequence[Collection[StepId] | None]
    ) -> tuple[Remaining, ...]:
        """Return what is left until each goal: until all of its steps have ended, or for None, until the run has."""
        of_goals = [
            None if goal is None else [self._position[step] for step in goal if step in self._position]
            for goal in goals
        ]
        running = {} if now is None else seconds_running(state, now)
        begun = self._begun(state, now)
        found: list[list[float]] = [[] for _ in goals]
        for seconds in self._drawn(state, running):
            ends = simulated(self._shape, seconds, begun)
            for own, goal in zip(found, of_goals, strict=True):
                if goal is None:
                    own.append(self.past.closing + max(ends, default=0.0))
                else:
                    own.append(max((ends[at] for at in goal), default=0.0))
        return tuple(Remaining(seconds=sorted(own)) for own in found)

    def slowest(self, state: RunProgress, goal: Collection[StepId] | None, most: int = 3) -> tuple[Step, ...]:
        """Return the steps that are expected to take longest of those that have not ended."""
        wanted = self._position.keys() if goal is None else set(goal)
        left = [step for step in self._plan.steps if step.id in wanted and step.id not in state.ended]
        known = [step for step in left if step.id in self.past.steps and not _costs_nothing(step)]
        return tuple(sorted(known, key=lambda step: -self.past.steps[step.id].seconds)[:most])

    def _begun(self, state: RunProgress, now: datetime | None) -> Begun:
        position = self._position
        waits = {} if now is None else {step: max(0.0, (at - now).total_seconds()) for step, at in state.again.items()}
        return Begun(
            ended=frozenset(position[step] for step in state.ended),
            running=tuple(position[step] for step in state.running),
            waiting={position[step]: wait for step, wait in waits.items()},
        )

    def _drawn(self, state: RunProgress, running: Mapping[StepId, float]) -> Iterator[list[float]]:
        """Yield durations of all steps, as often as the run is simulated."""
        random = Random(_SEED)  # noqa: S311  # no secret depends on it
        shift, day = self._shift(state)
        drawn = [
            (at, expected, step.id in state.again or not _is_conditional(step))
            for at, step in enumerate(self._plan.steps)
            if at not in self._skipped
            and step.id not in state.ended
            and step.id not in running
            and not _costs_nothing(step)
            and (expected := self.past.steps.get(step.id)) is not None
        ]
        begun = [(self._position[step], self.past.steps.get(step), passed) for step, passed in running.items()]
        deviations = self.past.deviations
        for _ in range(self._runs):
            common = random.gauss(shift, day)
            quiet = random.random()  # the same for all steps: on a quiet day, nothing has changed anywhere
            offs = random.choices(deviations, k=len(drawn))
            seconds = [0.0] * len(self._plan.steps)
            for (at, expected, certain), off in zip(drawn, offs, strict=True):
                if certain or quiet >= expected.reused:
                    seconds[at] = exp(common + expected.center + expected.spread * off)
            for at, running_step, passed in begun:
                seconds[at] = _rest(running_step, common, passed, deviations, random)
            yield seconds

    def _shift(self, state: RunProgress) -> tuple[float, float]:
        """Return by how much this run differs from the usual one, from its ended steps, and how far that may be off."""
        found = [
            (log(max(seconds, _SHORTEST)) - expected.center, expected.seconds)
            for step, seconds in state.ended.items()
            if seconds is not None and (expected := self.past.steps.get(step)) is not None
        ]
        if not found:
            return 0.0, self.past.day
        seen, variance = common_shift(found, self.past.spread)
        certainty = 1 / self.past.day**2 + 1 / variance
        return seen / variance / certainty, sqrt(1 / certainty)


def forecast_of(plan: Plan, limits: Limits, durations: Durations) -> Forecast | None:
    """Return what is expected of the runs of a plan; None if nothing is known about its steps."""
    past = past_durations(plan, durations)
    return None if past is None or not plan.steps else Forecast(plan, limits, past)


def _rest(
    expected: ExpectedStep | None, common: float, passed: float, deviations: Sequence[float], random: Random
) -> float:
    """Return the seconds that a running step still takes, given that it has not ended yet."""
    if expected is None:
        return 0.0
    reached = (log(max(passed, _SHORTEST)) - common - expected.center) / expected.spread
    first = bisect_right(deviations, reached)
    if first == len(deviations):  # longer than ever recorded: nobody knows, but such steps do not end at once
        return passed * random.uniform(0.02, 0.5)
    off = deviations[random.randrange(first, len(deviations))]
    return max(0.0, exp(common + expected.center + expected.spread * off) - passed)


def _act(step: Step) -> Act | None:
    if step.decision is None:
        return None
    return step.decision.likely or step.decision.act


def _costs_nothing(step: Step) -> bool:
    return _act(step) in {Act.REUSE, Act.CLOSED, Act.OPEN, Act.OPEN_SKIPS}


def _is_conditional(step: Step) -> bool:
    return _act(step) is Act.IF_CHANGED


def _skipped(plan: Plan) -> Iterator[int]:
    """Yield the steps that are skipped because of a decision made before the run."""
    halted = set[StepId]()
    for at, step in enumerate(plan.steps):
        if _act(step) in {Act.CLOSED, Act.OPEN_SKIPS} or not halted.isdisjoint(step.parents):
            halted.add(step.id)
            yield at
