"""Drives a scheduler by hand, or to its end with the outcomes of a script, and remembers what it decided."""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.scheduler import Dispatch, Scheduler
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from tests.factories import make_outcome, make_plan

Pick = Callable[[Sequence[str]], str]


def ids(steps) -> list[str]:
    return [step.id for step in steps]


def begun(drawing: str, limits: Limits | None = None, **options) -> tuple[Scheduler, Dispatch]:
    scheduler = Scheduler(make_plan(drawing), limits or Limits(), **options)
    return scheduler, scheduler.begin()


def finish(
    plan: Plan, script: Mapping[str, Status], *, limits: Limits | None = None, pick: Pick = min, **options
) -> dict[str, Outcome]:
    """Run a plan to its end; of the running steps `pick` says which one ends next."""
    scheduler = Scheduler(plan, limits or Limits(), **options)
    decision = scheduler.begin()
    running: list[str] = []
    outcomes: dict[str, Outcome] = {}
    while True:
        for outcome in decision.outcomes:
            assert outcome.step_id not in outcomes, "a step ended twice"
            outcomes[outcome.step_id] = outcome
        running += ids(decision.start)
        if decision.ended:
            return outcomes
        assert running, "nothing runs and nothing is ready"
        name = pick(running)
        running.remove(name)
        decision = scheduler.end(make_outcome(name, script.get(name, Status.SUCCESS)))


def statuses(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: str(outcome.status) for name, outcome in outcomes.items()}


def reasons(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """`code of blamed step` for each step that did not run."""
    return {
        name: f"{outcome.reason.code} {outcome.reason.blame or ''}".strip()
        for name, outcome in outcomes.items()
        if outcome.status in (Status.SKIPPED, Status.CANCELLED)
    }
