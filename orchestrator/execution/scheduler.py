"""Decides what starts, what is skipped and when a run has ended: a state machine without clock, threads or I/O.

The caller calls `begin` once, then `end` for each step that ended, or `pause` for one that is to be repeated and
`again` when its wait is over, and `stop` when the user wants the run to end. Each call returns a decision. The same
calls in the same order always return the same decisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from orchestrator.execution.continued_errors import is_continued
from orchestrator.execution.lanes import Limits
from orchestrator.execution.load_rules import LoadRules
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ready_steps import ReadySteps
from orchestrator.execution.routes import ROUTES, Route
from orchestrator.execution.waits import waits_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import HALTING, Status
from orchestrator.plan.step import Step, StepId, is_hook


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBatch:
    """Steps that one executor gets in one call."""

    executor: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """The effects of one call."""

    outcomes: tuple[Outcome, ...] = ()
    """The steps that ended: first the reported one, then those that it caused to be skipped."""
    batches: tuple[StepBatch, ...] = ()
    """The steps to start now, in this order."""
    interrupt: tuple[Step, ...] = ()
    """The running steps to interrupt; each still has to end."""
    ended: bool = False
    """Whether every step has an outcome."""

    @property
    def start(self) -> tuple[Step, ...]:
        """The steps of all batches."""
        return tuple(step for batch in self.batches for step in batch.steps)


class Scheduler:
    """Takes a plan through a run. Every step ends with exactly one outcome."""

    def __init__(
        self,
        plan: Plan,
        limits: Limits,
        *,
        fail_fast: bool = False,
        loads: LoadRules | None = None,
        expected_seconds: Mapping[StepId, float] | None = None,
        settled: Sequence[Outcome] = (),
        routes: Sequence[Route] = ROUTES,
    ) -> None:
        self._steps = plan.steps
        self._position = {step.id: at for at, step in enumerate(plan.steps)}
        self._waits = waits_of(plan, expected_seconds or {})
        self._inputs_left = list(self._waits.inputs)
        self._fail_fast = fail_fast
        self._loads = loads or LoadRules()
        self._broken_by: StepId | None = None  # the step that triggered fail-fast
        self._stopping = False
        self._ready = ReadySteps(plan.steps, limits, routes, self._waits)
        self._batch: dict[int, set[int]] = {}  # for each running step: the steps of its batch that still run
        self._waiting = set(range(len(plan.steps)))  # neither running nor ended
        self._last_errors: dict[int, Outcome] = {}  # the waiting steps that ran before, with their last error
        self._stop_reason = _INTERRUPTED
        self._running: set[int] = set()
        self._interrupted: set[int] = set()
        self._settled = tuple(settled)
        self._waiting.difference_update(self._position[outcome.step_id] for outcome in settled)

    @property
    def executors(self) -> AbstractSet[str]:
        """The names of the executors that the plan needs."""
        return self._ready.executors

    def begin(self) -> Dispatch:
        """Return the first steps to start. Steps with an earlier outcome count as ended, and are not reported again."""
        for at, count in enumerate(self._inputs_left):
            if count == 0:
                self._ready.add(at)
        # Earlier outcomes may skip more steps; only these are new.
        return self._decide(self._settle(list(self._settled))[len(self._settled) :])

    def end(self, outcome: Outcome) -> Dispatch:
        """Process the outcome of a running step."""
        at = self._running_at(outcome)
        # First of all: the error of an interrupted step must not trigger fail-fast.
        outcome = self._restate(at, outcome)
        self._leave(at)
        outcomes = self._settle([outcome])
        if self._fail_fast and self._broken_by is None and self._is_broken(at, outcome):
            return self._break_off(outcomes)
        return self._decide(outcomes)

    def pause(self, outcome: Outcome) -> Dispatch:
        """Process the error of a step that is to be repeated: its slot is freed, and its descendants keep waiting."""
        at = self._running_at(outcome)
        self._leave(at)
        # Waiting, but not ready: only `again` makes it so.
        self._waiting.add(at)
        self._last_errors[at] = outcome
        return self._decide([])

    def may_pause(self, step_id: StepId) -> bool:
        """Return whether a running step may be repeated: not if it was interrupted or the run is to end."""
        return not self._stopping and self._position[step_id] not in self._interrupted

    def again(self, step_id: StepId) -> Dispatch:
        """Start a paused step as soon as a slot is free; a step that has since ended is not started."""
        at = self._position[step_id]
        if at in self._last_errors:
            self._ready.add(at)
        return self._decide([])

    def _running_at(self, outcome: Outcome) -> int:
        at = self._position.get(outcome.step_id)
        if at is None or at not in self._running:
            raise ValueError(f"step {outcome.step_id} ended but was not running")
        return at

    def _leave(self, at: int) -> None:
        """Count a step as no longer running, and free its slot."""
        self._running.remove(at)
        batch = self._batch.pop(at)
        batch.remove(at)
        self._ready.leave(at, is_last=not batch)

    def _is_broken(self, at: int, outcome: Outcome) -> bool:
        """Return whether the outcome triggers fail-fast; as in dbt, a hook with an error does not."""
        return outcome.status in (Status.FAIL, Status.ERROR) and not is_hook(self._steps[at])

    def drain(self, code: ReasonCode = ReasonCode.INTERRUPTED) -> Dispatch:
        """Start nothing more: waiting steps are cancelled, and running steps continue."""
        if not self._stopping:
            self._stopping, self._stop_reason = True, Reason(code=code)
        rest = [self._close(at, Status.CANCELLED, self._stop_reason, "not started") for at in sorted(self._waiting)]
        return self._decide(rest)

    def stop(self, code: ReasonCode = ReasonCode.INTERRUPTED) -> Dispatch:
        """End the run: nothing more starts, running steps are interrupted, the rest are cancelled."""
        return self._decide(list(self.drain(code).outcomes), interrupt=self._running)

    def abandon(self) -> Dispatch:
        """End the run at once, without waiting for the steps that still run."""
        outcomes = list(self.stop().outcomes)
        left = sorted(self._running)
        outcomes += [self._close(at, Status.CANCELLED, self._stop_reason, "did not end in time") for at in left]
        # The run has ended with this decision, so the loop takes no late outcome of these steps.
        self._running.clear()
        return self._decide(outcomes)

    def _break_off(self, outcomes: list[Outcome]) -> Dispatch:
        """Skip all steps that have not started, except the on-run-end hooks, which dbt always runs."""
        self._broken_by = outcomes[0].step_id
        reason = Reason(code=ReasonCode.FAIL_FAST, blame=self._broken_by)
        rest = [at for at in sorted(self._waiting) if not self._is_last(at)]
        outcomes += self._settle([self._close(at, Status.SKIPPED, reason) for at in rest])
        return self._decide(outcomes, interrupt={at for at in self._running if not self._is_last(at)})

    def _settle(self, ended: list[Outcome]) -> list[Outcome]:
        """Release the steps that waited for the ended ones, and skip at once those that must not run."""
        for outcome in ended:  # the list grows while it is read: a skipped step halts its own descendants
            at = self._position[outcome.step_id]
            # A descendant may have ended before: skipped because of another parent, or settled before a resume.
            halted = [(child, reason) for child, reason in self._halted(at, outcome) if child in self._waiting]
            ended.extend([self._close(child, Status.SKIPPED, reason) for child, reason in halted])
            # A skipped step also frees the steps that merely follow it: they wait for its end, not for its success.
            for child in self._waits.freed_by[at]:
                self._inputs_left[child] -= 1
                if self._inputs_left[child] == 0:
                    self._ready.add(child)
        return ended

    def _halted(self, at: int, outcome: Outcome) -> Iterable[tuple[int, Reason]]:
        """Return the steps that the outcome halts, each with the reason."""
        if self._loads.decides(outcome):
            children = tuple(self._steps[child] for child in self._waits.halted_by[at])
            codes = self._loads.halted(outcome, children)
            return [(self._position[one], Reason(code=code, blame=outcome.step_id)) for one, code in codes.items()]
        blamed = self._position.get(outcome.reason.blame) if outcome.reason.blame is not None else None
        if outcome.status not in HALTING or is_continued(
            self._steps[at], outcome, None if blamed is None else self._steps[blamed]
        ):
            return ()
        reason = self._reason_to_skip(outcome)
        return [(child, reason) for child in self._halted_by(at, outcome)]

    def _halted_by(self, at: int, outcome: Outcome) -> Iterable[int]:
        """Return the steps that the outcome halts: all that wait for it if the macro of a hook raised, as in dbt."""
        if is_hook(self._steps[at]) and outcome.reason.code is ReasonCode.NOT_EVALUATED:
            return self._waits.freed_by[at]
        return self._waits.halted_by[at]

    def _reason_to_skip(self, halting: Outcome) -> Reason:
        """Return the reason for a skip: it blames the step at which the halt began, not a skipped step in between."""
        if halting.reason.code is ReasonCode.NO_NEW_DATA:
            return halting.reason
        # A closed gate is the root itself: the check it blames is not part of this run.
        root = halting.step_id
        is_closed = halting.reason.code is ReasonCode.GATE_CLOSED
        if halting.status is Status.SKIPPED and halting.reason.blame is not None and not is_closed:
            root = halting.reason.blame
        at = self._position.get(root)
        if at is not None and is_hook(self._steps[at], "start"):
            return Reason(code=ReasonCode.RUN_START_HOOK, blame=root)
        return Reason(code=ReasonCode.UPSTREAM_HALTED, blame=root)

    def _restate(self, at: int, outcome: Outcome) -> Outcome:
        """Return the outcome of an interrupted step as cancelled: tools report the interruption as an error."""
        # A step that finished before the interruption reached it keeps its result, because its work is done.
        if at not in self._interrupted or outcome.status not in (Status.ERROR, Status.CANCELLED):
            return outcome
        reason = self._stop_reason
        if not self._stopping:
            reason = Reason(code=ReasonCode.FAIL_FAST, blame=self._broken_by)
        return replace(outcome, status=Status.CANCELLED, reason=reason)

    def _close(self, at: int, status: Status, reason: Reason, message: str = "") -> Outcome:
        """End a step that does not run; one that was attempted before ends with its last error."""
        self._waiting.discard(at)
        if at in self._last_errors:
            last = self._last_errors.pop(at)
            return replace(last, reason=reason) if self._stopping else last
        step = self._steps[at]
        return Outcome(step_id=step.id, status=status, reason=reason, message=message, path=step.path)

    def _is_last(self, at: int) -> bool:
        return is_hook(self._steps[at], "end")

    def _decide(self, outcomes: list[Outcome], interrupt: Iterable[int] = ()) -> Dispatch:
        self._interrupted.update(interrupt)
        return Dispatch(
            outcomes=tuple(outcomes),
            batches=tuple(self._started()),
            interrupt=tuple(self._steps[at] for at in sorted(interrupt)),
            ended=not self._waiting and not self._running,
        )

    def _started(self) -> Iterable[StepBatch]:
        """Yield what starts now, and count it as running."""
        for ready in self._ready.take(self._waiting):
            batch = set(ready.steps)
            self._running |= batch
            for at in batch:
                self._last_errors.pop(at, None)
                self._batch[at] = batch
            yield StepBatch(executor=ready.executor, steps=tuple(self._steps[at] for at in ready.steps))


_INTERRUPTED = Reason(code=ReasonCode.INTERRUPTED)
