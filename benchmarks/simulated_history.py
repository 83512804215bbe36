"""Simulated histories of runs: random plans with durations that vary, drift, and are sometimes far off.

The runs are played on a clock of their own by the scheduler of `elt` itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from math import exp
from random import Random

from orchestrator.execution.durations import Durations, RunEdges, StepDuration
from orchestrator.execution.events import RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.scheduler import Scheduler
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Cause, IngestStep, Step, StepId, TestStep, Why

START = datetime(2026, 11, 29, 2, tzinfo=UTC)
SIGMA = 0.3
OUTLIERS = 0.05
CLOSING = 2.0  # seconds from the end of the last step to the end of the run


@dataclass(frozen=True, slots=True)
class Nights:
    """A plan, and what determines the durations of its steps from run to run."""

    plan: Plan
    limits: Limits
    medians: Mapping[StepId, float]
    drifts: Mapping[StepId, float]
    """By which factor the duration of each step grows from one run to the next."""

    def durations(self, random: Random, night: int) -> dict[StepId, float]:
        """Draw the durations of one run."""
        load = exp(random.gauss(0, 0.1))  # other work on the machine slows down all steps alike
        found = {}
        for step, median in self.medians.items():
            outlier = random.uniform(3, 6) if random.random() < OUTLIERS else 1.0
            found[step] = median * self.drifts[step] ** night * load * outlier * exp(random.gauss(0, SIGMA))
        return found


def make_nights(random: Random, most_steps: int = 90) -> Nights:
    """Draw a plan of loads, models and tests in layers, and what its steps take."""
    steps = [_load(f"load_{at}") for at in range(random.randint(1, 4))]
    models: list[StepId] = [step.id for step in steps]
    tests: dict[StepId, StepId] = {}
    for at in range(random.randint(5, most_steps // 2)):
        parents = random.sample(models[-12:], min(len(models), random.randint(1, 3)))
        # The children of a tested node wait for its tests.
        waits = (*parents, *(tests[parent] for parent in parents if parent in tests))
        steps.append(_model(f"model_{at}", waits))
        models.append(steps[-1].id)
        if random.random() < 0.6:
            tests[models[-1]] = StepId(f"test_{at}")
            steps.append(_test(f"test_{at}", models[-1]))
    trend = random.uniform(0.99, 1.03)
    return Nights(
        plan=Plan(steps=tuple(steps)),
        limits=Limits(dbt=random.choice([1, 2, 4, 8])),
        medians={step.id: _median(step, random) for step in steps},
        drifts={step.id: trend * random.uniform(0.99, 1.01) for step in steps},
    )


def played(nights: Nights, seconds: Mapping[StepId, float]) -> Iterator[RunEvent]:
    """Yield the events of a run in which each step takes its seconds and succeeds."""
    scheduler, now = Scheduler(nights.plan, nights.limits), 0.0
    yield RunStarted(at=START, plan=nights.plan, database="")
    decision, running, order = scheduler.begin(), list[tuple[float, int, StepId]](), 0
    outcomes = []
    while True:
        for step in decision.start:
            yield StepStarted(at=at_second(now), step_id=step.id)
            order += 1
            heappush(running, (now + seconds[step.id], order, step.id))
        if decision.ended:
            break
        now, _, ended = heappop(running)
        began = at_second(now - seconds[ended])
        outcome = Outcome(step_id=ended, status=Status.SUCCESS, started_at=began, ended_at=at_second(now))
        outcomes.append(outcome)
        decision = scheduler.end(outcome)
        yield StepEnded(at=at_second(now), outcome=outcome)
    yield RunEnded(at=at_second(now + CLOSING), status=Status.SUCCESS, outcomes=tuple(outcomes))


def recorded(history: list[dict[StepId, float]]) -> Durations:
    """Return durations as the record returns them, newest first; `history` has the oldest first."""
    newest = list(enumerate(history))[::-1]
    return Durations(
        of_steps={
            step: tuple(StepDuration(run_id=f"r{night}", seconds=taken[step]) for night, taken in newest)
            for step in history[0]
        },
        of_runs=tuple(RunEdges(before=1.0, opening=3.0, closing=CLOSING) for _ in newest),
    )


def at_second(second: float) -> datetime:
    """Return a moment of a run."""
    return START + timedelta(seconds=second)


def _median(step: Step, random: Random) -> float:
    match step:
        case IngestStep():
            return 60 * exp(random.gauss(0, 0.8))
        case TestStep():
            return 2 * exp(random.gauss(0, 0.6))
        case _:
            return 20 * exp(random.gauss(0, 1.0))


def _load(name: str) -> Step:
    return IngestStep(
        id=StepId(name),
        name=name,
        path="",
        cause=Cause(why=Why.FEEDS),
        source=name,
        module="",
        attribute=name,
        pipeline=name,
        dataset="raw",
        working_dir=None,
        resources=(),
        nodes=(),
    )


def _model(name: str, parents: tuple[StepId, ...]) -> Step:
    return BuildStep(
        id=StepId(name),
        name=name,
        path="",
        parents=parents,
        cause=Cause(why=Why.SELECTED),
        node=NodeId(name),
        resource_type=ResourceType.MODEL,
        materialized="table",
    )


def _test(name: str, parent: StepId) -> Step:
    return TestStep(
        id=StepId(name),
        name=name,
        path="",
        parents=(parent,),
        cause=Cause(why=Why.CHECKS),
        node=NodeId(name),
        resource_type=ResourceType.TEST,
        severity="error",
    )
