"""Drives a plan to its end: starts what the scheduler says, takes what the runners give, tells the listeners."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat

from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.events import Noticed, RunEnded, RunStarted, StepEnded, StepStarted
from orchestrator.execution.executor import ThreadExecutor
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Lane, Limits, lane_of
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode, Status
from orchestrator.execution.ports import Executor, Request, RunListener, RunWriter, StepRunner, Unrecorded
from orchestrator.execution.scheduler import Decision, Scheduler
from orchestrator.execution.stopping import StepStop, StopRequest
from orchestrator.execution.verdict import run_status
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step, StepId

_TICK = 0.1  # seconds; signals and stop requests are looked at this often while nothing else happens


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """How a run goes on and what it is called."""

    run_id: str
    database: str
    """What the run writes to, as the user should read it."""
    limits: Limits = field(default_factory=Limits)
    fail_fast: bool = False
    skip_without_news: bool = False
    """Whether what is downstream of a load without new rows is skipped."""
    grace: timedelta = timedelta(seconds=5)
    """How long a stopped run waits for the steps that it interrupted."""
    expected_seconds: Mapping[StepId, float] = field(default_factory=dict)
    settled: tuple[Outcome, ...] | None = None
    """Of a run that goes on: how the steps ended that need not run again, in the plan's order."""


def run_plan(
    plan: Plan,
    runners: Mapping[Lane, StepRunner],
    *,
    terms: RunTerms,
    listeners: Sequence[RunListener],
    inbox: Inbox,
    clock: Callable[[], datetime],
    stop: StopRequest,
    writer: RunWriter | None = None,
) -> tuple[Outcome, ...]:
    """Run every step that may run and give one outcome for each step, in the order of the plan.

    Without a writer nothing is recorded. Never raises for what a step, a runner or a listener did.

    Raises:
        StoreError: something could not be recorded; what ran then was interrupted, and nothing more was started.
    """
    missing = sorted({lane_of(step) for step in plan.steps} - runners.keys())
    if missing:
        raise ValueError(f"the plan has steps for which there is no runner: {', '.join(missing)}")
    chronicle = Chronicle(writer or Unrecorded(), Audience(listeners, clock), clock)
    return _Loop(plan, runners, terms, chronicle, inbox, clock, stop).run()


class _Loop:
    """One run, on the thread that calls it."""

    def __init__(
        self,
        plan: Plan,
        runners: Mapping[Lane, StepRunner],
        terms: RunTerms,
        chronicle: Chronicle,
        inbox: Inbox,
        clock: Callable[[], datetime],
        stop: StopRequest,
    ) -> None:
        self._plan = plan
        self._terms = terms
        self._chronicle = chronicle
        self._inbox = inbox
        self._clock = clock
        self._stop = stop
        self._scheduler = Scheduler(
            plan,
            terms.limits,
            fail_fast=terms.fail_fast,
            skip_without_news=terms.skip_without_news,
            expected_seconds=terms.expected_seconds,
            settled=terms.settled or (),
        )
        self._executors: dict[Lane, Executor] = {
            lane: ThreadExecutor(str(lane), runner, threads=terms.limits.of(lane), deliver=inbox.deliver, clock=clock)
            for lane, runner in runners.items()
        }
        self._stops: dict[StepId, StepStop] = {}  # of the steps that run
        self._interrupted: dict[StepId, Lane] = {}  # those of them that were told to end
        self._outcomes: dict[StepId, Outcome] = {outcome.step_id: outcome for outcome in terms.settled or ()}
        self._stopped_at: datetime | None = None

    def run(self) -> tuple[Outcome, ...]:
        """Run from the first step to the last."""
        terms = self._terms
        self._chronicle.begin(
            RunStarted(
                run_id=terms.run_id,
                at=self._clock(),
                plan=self._plan,
                database=terms.database,
                resumed=terms.settled is not None,
                settled=tuple(self._outcomes.values()),
            )
        )
        for turn in chain([self._begin], repeat(self._turn)):
            try:
                if turn():
                    break
            except KeyboardInterrupt:  # no handler of signals is installed, as in a notebook
                self._stop.press()
        return self._end()

    def _begin(self) -> bool:
        """Start the first steps; give whether the run has ended."""
        if self._stop.is_set():
            return False
        return self._follow(self._scheduler.begin())

    def _turn(self) -> bool:
        """Take what happened next; give whether the run has ended."""
        message = self._inbox.take(_TICK)
        ended = False
        if self._chronicle.broken is not None or self._chronicle.is_asked_to_end():
            self._stop.set()
        if self._stop.is_set() and self._stopped_at is None:  # first, so that no outcome starts anything more
            self._stopped_at = self._clock()
            ended = self._follow(self._scheduler.stop())
        if isinstance(message, Noticed):
            self._chronicle.take(message)
        elif message is not None:
            ended = self._follow(self._scheduler.end(message))
        else:
            self._interrupt_again()
        if not ended and self._is_overdue():
            ended = self._follow(self._scheduler.abandon())
        return ended

    def _is_overdue(self) -> bool:
        """Whether a stopped run has waited long enough for what it interrupted."""
        if self._stopped_at is None:
            return False
        return self._stop.insisted or self._clock() - self._stopped_at >= self._terms.grace

    def _follow(self, decision: Decision) -> bool:
        """Do what the scheduler decided; give whether the run has ended."""
        at = self._clock()
        self._outcomes.update((outcome.step_id, outcome) for outcome in decision.outcomes)
        for outcome in decision.outcomes:
            self._stops.pop(outcome.step_id, None)
            self._interrupted.pop(outcome.step_id, None)
        ends = (StepEnded(at=at, outcome=outcome) for outcome in decision.outcomes)
        starts = (StepStarted(at=at, step_id=step.id) for step in decision.start)
        if self._chronicle.take(*ends, *starts):
            self._submit(decision.start)
        else:
            self._give_up(decision.start)
        for step in decision.interrupt:
            self._stop_of(step).set()
            self._interrupted[step.id] = lane_of(step)
        if decision.interrupt:
            self._interrupt_again()
        return decision.ended

    def _submit(self, steps: Sequence[Step]) -> None:
        for step in steps:
            request = Request(run_id=self._terms.run_id, step=step)
            self._executors[lane_of(step)].submit(request, self._stop_of(step))

    def _give_up(self, steps: Sequence[Step]) -> None:
        """End steps whose start could not be recorded: they never ran."""
        reason = Reason(code=ReasonCode.INTERRUPTED)
        for step in steps:
            self._inbox.deliver(Outcome(step_id=step.id, status=Status.CANCELLED, reason=reason, path=step.path))

    def _stop_of(self, step: Step) -> StepStop:
        return self._stops.setdefault(step.id, StepStop(self._stop))

    def _interrupt_again(self) -> None:
        """Interrupt each lane in which an interrupted step still runs: the first time may have come too early.

        A step can be between two queries, or not yet at its first one.
        """
        for lane in sorted(set(self._interrupted.values())):
            self._executors[lane].interrupt()

    def _end(self) -> tuple[Outcome, ...]:
        while (message := self._inbox.take(0)) is not None:
            if isinstance(message, Noticed):  # an outcome that comes now was abandoned
                self._chronicle.take(message)
        for executor in self._executors.values():
            executor.close()
        outcomes = tuple(self._outcomes[step.id] for step in self._plan.steps)
        status = run_status(outcomes)
        self._chronicle.take(RunEnded(run_id=self._terms.run_id, at=self._clock(), status=status, outcomes=outcomes))
        if self._chronicle.broken is not None:
            raise self._chronicle.broken
        return outcomes
