"""Executes a plan: starts the steps that the scheduler chooses, processes their outcomes, and informs listeners."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, repeat

from orchestrator.execution.attempts import Attempts
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.ending import Ending, EndingAct
from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    NoticeKind,
    RunEnded,
    RunEvent,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ports import (
    Executor,
    Request,
)
from orchestrator.execution.reuse import passed_over
from orchestrator.execution.scheduler import Dispatch, Scheduler, StepBatch
from orchestrator.execution.stopping import StepStop, StopOfAll, StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.execution.verdict import run_status
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import Step, StepId

_OVER = "the time limit of the run (`--time-limit`, or `time_limits.run` in elt.yml) is reached; ending the run"
_TICK = 0.1  # seconds; how often signals and stop requests are checked while nothing else happens


def run_plan(
    plan: Plan,
    executors: Mapping[str, Executor],
    *,
    terms: RunTerms,
    chronicle: Chronicle,
    inbox: Inbox,
    clock: Callable[[], datetime],
    stop: StopRequest,
) -> tuple[Outcome, ...]:
    """Run every step that may run and return one outcome for each step, in the order of the plan.

    The executors deliver to the inbox, and are closed at the end. Never raises because of what a step, an executor, a
    ledger or a listener did. The listeners may still have events to receive.

    Raises:
        StoreError: an event could not be recorded; running steps were interrupted, and no more were started.
    """
    return _Loop(plan, executors, terms, chronicle, inbox, clock, stop).run()


class _Loop:
    """One run, on the thread that calls it."""

    def __init__(
        self,
        plan: Plan,
        executors: Mapping[str, Executor],
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
            loads=terms.loads,
            expected_seconds=terms.expected_seconds,
            settled=(*(terms.settled or ()), *terms.found),
            routes=terms.routes,
        )
        self._executors = executors
        self._executor_of: dict[StepId, str] = {}  # of the steps that were started
        if missing := sorted(self._scheduler.executors - executors.keys()):
            raise ValueError(f"the plan has steps for which there is no executor: {', '.join(missing)}")
        self._stops: dict[StepId, StepStop] = {}  # of the running steps
        self._interrupted: dict[StepId, str] = {}  # the running steps that were asked to end
        self._gone: set[StepId] = set()  # reported as ended at their limit, though they still run
        self._outcomes: dict[StepId, Outcome] = {outcome.step_id: outcome for outcome in terms.settled or ()}
        self._attempts = Attempts(terms.attempts, terms.patience, terms.tried)
        self._stop_code = ReasonCode.INTERRUPTED
        self._ending = Ending(grace=terms.grace, patience=terms.patience)

    def run(self) -> tuple[Outcome, ...]:
        """Run the plan from the first step to the last, and return the outcomes."""
        terms = self._terms
        self._chronicle.begin(
            RunStarted(
                run_id=terms.run_id,
                at=self._clock(),
                plan=self._plan,
                database=terms.database,
                resumed=terms.settled is not None,
                settled=tuple(self._outcomes.values()),
                estimate=terms.estimate,
            )
        )
        for turn in chain([self._begin], repeat(self._turn)):
            try:
                if turn():
                    break
            except KeyboardInterrupt:  # no signal handler is installed, as in a notebook
                self._stop.press()
        return self._end()

    def _begin(self) -> bool:
        """Start the first steps; return whether the run has ended."""
        # Recovered outcomes are not recorded yet, unlike those in `terms.settled`.
        self._outcomes.update((outcome.step_id, outcome) for outcome in self._terms.found)
        self._chronicle.take(*self._ends(self._terms.found))
        if self._stop.is_set():
            return False
        return self._follow(self._scheduler.begin())

    def _turn(self) -> bool:
        """Process the next message and what is due; return whether the run has ended."""
        message = self._inbox.take(_TICK)
        ended = False
        # A run that cannot be recorded, or that a user asked to end, takes the same path as Ctrl-C.
        if self._chronicle.broken is not None or self._chronicle.is_asked_to_end():
            self._stop.set()
        act = self._next_act()
        if act is not EndingAct.ABANDON:  # before the message, so that its outcome starts nothing more
            ended = self._perform(act)
        if isinstance(message, Noticed):
            self._chronicle.take(message)
        elif message is not None:
            ended = self._take(message) or ended
        else:
            self._interrupt_again()
        # After the message, so that an outcome that has already arrived is used and not reported as cancelled.
        if not ended and act is EndingAct.ABANDON:
            ended = self._perform(act)
        return ended or self._keep_time()

    def _next_act(self) -> EndingAct | None:
        """Return the next action of a run that was stopped or exceeded its limit; None for any other."""
        if self._stop.is_set():
            return self._ending.next(self._attempts.now, at_once=self._stop.insisted)
        if self._attempts.run_is_over():
            if self._stop_code is not ReasonCode.RUN_TIME_LIMIT:
                self._stop_code = ReasonCode.RUN_TIME_LIMIT
                self._chronicle.take(Noticed(at=self._clock(), kind=NoticeKind.WARNING, message=_OVER))
            return self._ending.next(self._attempts.now, at_once=False)
        return None

    def _perform(self, act: EndingAct | None) -> bool:
        """Perform an action that ends the run early; return whether the run has ended."""
        match act:
            case None:
                return False
            case EndingAct.DRAIN:
                return self._follow(self._scheduler.drain(self._stop_code))
            case EndingAct.STOP:
                return self._follow(self._scheduler.stop(self._stop_code))
            case EndingAct.ABANDON:
                return self._follow(self._scheduler.abandon())

    def _take(self, outcome: Outcome) -> bool:
        """Process the outcome of an attempt: end the step or schedule a repeat. Return whether the run has ended."""
        # The outcome of this step was reported when it was given up at its limit.
        if outcome.step_id in self._gone:
            self._forget(outcome.step_id)
            return False
        outcome = self._terms.loads.judged(self._attempts.end(outcome))
        again = self._attempts.repeat(outcome) if self._scheduler.may_pause(outcome.step_id) else None
        if again is None:
            return self._follow(self._scheduler.end(outcome))
        self._forget(outcome.step_id)
        at = self._clock()
        ended = AttemptEnded(at=at, outcome=outcome, again_at=at + again.wait, attempt=again.attempt, most=again.most)
        return self._follow(self._scheduler.pause(outcome), ended)

    def _keep_time(self) -> bool:
        """Start repeats that are due, and end attempts that exceeded their limit; return whether the run has ended."""
        for step_id in self._attempts.take_over():
            self._interrupt(self._plan.by_id[step_id])
        for outcome in self._attempts.take_lost():
            self._gone.add(outcome.step_id)
            step, at = self._plan.by_id[outcome.step_id], self._clock()
            # The thread is still busy with the lost attempt, so the lane gets another one.
            self._executors[self._executor_of[step.id]].give_up()
            completed = replace(outcome, path=step.path, started_at=at - self._attempts.elapsed(step.id), ended_at=at)
            if self._follow(self._scheduler.end(completed)):
                return True
            self._interrupted[step.id] = self._executor_of[step.id]  # keep interrupting it; its late outcome is ignored
        for step_id in self._attempts.take_due():
            self._follow(self._scheduler.again(step_id))
        return False

    def _follow(self, decision: Dispatch, *happened: RunEvent) -> bool:
        """Carry out a decision of the scheduler; return whether the run has ended."""
        # Reuse comes before the record of the start, because a reused step never starts.
        decision, at = passed_over(decision, self._scheduler, self._terms.reuse), self._clock()
        self._executor_of.update((step.id, batch.executor) for batch in decision.batches for step in batch.steps)
        self._outcomes.update((outcome.step_id, outcome) for outcome in decision.outcomes)
        for outcome in decision.outcomes:
            self._forget(outcome.step_id)
        ends = self._ends(decision.outcomes)
        verifies = self._terms.reuse.verifies
        starts = (
            StepStarted(at=at, step_id=step.id, verifies=verifies(step.id) is not None) for step in decision.start
        )
        # Steps start only after their start is recorded: a crash then leaves no step that the record does not know.
        if self._chronicle.take(*happened, *ends, *starts):
            self._submit(decision.batches)
        else:
            self._give_up(decision.start)
        self._interrupt(*decision.interrupt)
        return decision.ended

    def _ends(self, outcomes: Iterable[Outcome]) -> Iterator[StepEnded]:
        at, known = self._clock(), self._terms.reuse.known
        return (StepEnded(at=at, outcome=outcome, known=known(outcome)) for outcome in outcomes)

    def _submit(self, batches: Sequence[StepBatch]) -> None:
        for batch in batches:
            requests = tuple(map(self._request, batch.steps))
            self._executors[batch.executor].submit(requests, StopOfAll([self._stop_of(step) for step in batch.steps]))

    def _request(self, step: Step) -> Request:
        attempt, reuse = self._attempts.start(step.id), self._terms.reuse
        mark, verify = reuse.mark(step.id), reuse.verifies(step.id)
        return Request(run_id=self._terms.run_id, step=step, attempt=attempt, mark=mark, verify=verify)

    def _give_up(self, steps: Sequence[Step]) -> None:
        """End steps whose start could not be recorded; they never ran."""
        reason = Reason(code=ReasonCode.INTERRUPTED)
        for step in steps:
            self._inbox.deliver(Outcome(step_id=step.id, status=Status.CANCELLED, reason=reason, path=step.path))

    def _stop_of(self, step: Step) -> StepStop:
        return self._stops.setdefault(step.id, StepStop())

    def _forget(self, step_id: StepId) -> None:
        """Remove the stop request of a step whose attempt has ended."""
        self._stops.pop(step_id, None)
        self._interrupted.pop(step_id, None)

    def _interrupt(self, *steps: Step) -> None:
        for step in steps:
            self._stop_of(step).set()
            self._interrupted[step.id] = self._executor_of[step.id]
        if steps:
            self._interrupt_again()

    def _interrupt_again(self) -> None:
        """Interrupt again the interrupted steps that still run, in case the first time was too early.

        A step can be between two queries, or not yet at its first one.
        """
        for name in sorted(set(self._interrupted.values())):
            steps = frozenset(step_id for step_id, own in self._interrupted.items() if own == name)
            self._executors[name].interrupt(steps)

    def _end(self) -> tuple[Outcome, ...]:
        # Artifacts come before the end is recorded: if the process dies here, the run can still be resumed.
        self._chronicle.finish()
        while (message := self._inbox.take(0)) is not None:
            if isinstance(message, Noticed):  # any outcome here is of a step that was abandoned
                self._chronicle.take(message)
        for executor in self._executors.values():
            executor.close()
        outcomes = tuple(self._outcomes[step.id] for step in self._plan.steps)
        status = run_status(outcomes)
        self._chronicle.take(RunEnded(run_id=self._terms.run_id, at=self._clock(), status=status, outcomes=outcomes))
        # Only now, because the executors had to be closed and the listeners had to receive the end.
        if self._chronicle.broken is not None:
            raise self._chronicle.broken
        return outcomes
