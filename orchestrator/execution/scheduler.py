"""Decides what starts, what is skipped and when a run has ended: a state machine without clock, threads or I/O.

The caller calls `begin` once, then `end` for each step that ended, or `pause` for one that is to be repeated and
`again` when its wait is over, and `stop` when the user wants the run to end. Each call returns a decision. The same
calls in the same order always return the same decisions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from orchestrator.execution.lanes import Lane, Limits, lane_of
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.waits import waits_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import HALTING, Status
from orchestrator.plan.step import HookStep, Step, StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The effects of one call."""

    outcomes: tuple[Outcome, ...] = ()
    """The steps that ended: first the reported one, then those that it caused to be skipped."""
    start: tuple[Step, ...] = ()
    """The steps to start now, in this order."""
    interrupt: tuple[Step, ...] = ()
    """The running steps to interrupt; each still has to end."""
    ended: bool = False
    """Whether every step has an outcome."""


class Scheduler:
    """Takes a plan through a run. Every step ends with exactly one outcome."""

    def __init__(
        self,
        plan: Plan,
        limits: Limits,
        *,
        fail_fast: bool = False,
        skip_without_news: bool = False,
        expected_seconds: Mapping[StepId, float] | None = None,
        settled: Sequence[Outcome] = (),
    ) -> None:
        self._steps = plan.steps
        self._position = {step.id: at for at, step in enumerate(plan.steps)}
        self._waits = waits_of(plan, expected_seconds or {})
        self._inputs_left = list(self._waits.inputs)
        self._fail_fast = fail_fast
        self._halting = HALTING | {Status.NO_DATA} if skip_without_news else HALTING
        self._broken_by: StepId | None = None  # the step that triggered fail-fast
        self._stopping = False
        self._free = {lane: limits.of(lane) for lane in Lane}
        self._ready: dict[Lane, list[tuple[float, int]]] = {lane: [] for lane in Lane}
        self._waiting = set(range(len(plan.steps)))  # neither running nor ended
        self._tried: dict[int, Outcome] = {}  # the waiting steps that ran before, with their last error
        self._stop_reason = _INTERRUPTED
        self._running: set[int] = set()
        self._interrupted: set[int] = set()
        self._settled = tuple(settled)
        self._waiting.difference_update(self._position[outcome.step_id] for outcome in settled)

    def begin(self) -> Decision:
        """Return the first steps to start. Steps with an earlier outcome count as ended, and are not reported again."""
        for at, count in enumerate(self._inputs_left):
            if count == 0:
                self._make_ready(at)
        # Earlier outcomes may skip more steps; only these are new.
        return self._decide(self._settle(list(self._settled))[len(self._settled) :])

    def end(self, outcome: Outcome) -> Decision:
        """Process the outcome of a running step."""
        at = self._running_at(outcome)
        outcome = self._restate(at, outcome)
        self._running.remove(at)
        self._free[lane_of(self._steps[at])] += 1
        outcomes = self._settle([outcome])
        if self._fail_fast and self._broken_by is None and self._is_broken(at, outcome):
            return self._break_off(outcomes)
        return self._decide(outcomes)

    def pause(self, outcome: Outcome) -> Decision:
        """Process the error of a step that is to be repeated: its slot is freed, and its descendants keep waiting."""
        at = self._running_at(outcome)
        self._running.remove(at)
        self._free[lane_of(self._steps[at])] += 1
        self._waiting.add(at)
        self._tried[at] = outcome
        return self._decide([])

    def may_pause(self, step_id: StepId) -> bool:
        """Return whether a running step may be repeated: not if it was interrupted or the run is to end."""
        return not self._stopping and self._position[step_id] not in self._interrupted

    def again(self, step_id: StepId) -> Decision:
        """Start a paused step as soon as a slot is free; a step that has since ended is not started."""
        at = self._position[step_id]
        if at in self._tried:
            self._make_ready(at)
        return self._decide([])

    def _running_at(self, outcome: Outcome) -> int:
        at = self._position.get(outcome.step_id)
        if at is None or at not in self._running:
            raise ValueError(f"step {outcome.step_id} ended but was not running")
        return at

    def _is_broken(self, at: int, outcome: Outcome) -> bool:
        """Return whether the outcome triggers fail-fast; as in dbt, a hook with an error does not."""
        return outcome.status in (Status.FAIL, Status.ERROR) and not isinstance(self._steps[at], HookStep)

    def drain(self, code: ReasonCode = ReasonCode.INTERRUPTED) -> Decision:
        """Start nothing more: waiting steps are cancelled, and running steps continue."""
        if not self._stopping:
            self._stopping, self._stop_reason = True, Reason(code=code)
        rest = [self._close(at, Status.CANCELLED, self._stop_reason, "not started") for at in sorted(self._waiting)]
        return self._decide(rest)

    def stop(self, code: ReasonCode = ReasonCode.INTERRUPTED) -> Decision:
        """End the run: nothing more starts, running steps are interrupted, the rest are cancelled."""
        return self._decide(list(self.drain(code).outcomes), interrupt=self._running)

    def abandon(self) -> Decision:
        """End the run at once, without waiting for the steps that still run."""
        outcomes = list(self.stop().outcomes)
        left = sorted(self._running)
        outcomes += [self._close(at, Status.CANCELLED, self._stop_reason, "did not end in time") for at in left]
        self._running.clear()
        return self._decide(outcomes)

    def _break_off(self, outcomes: list[Outcome]) -> Decision:
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
            if outcome.status in self._halting:
                reason = self._reason_to_skip(outcome)
                halted = (child for child in self._halted_by(at, outcome) if child in self._waiting)
                ended.extend([self._close(child, Status.SKIPPED, reason) for child in halted])
            for child in self._waits.freed_by[at]:
                self._inputs_left[child] -= 1
                if self._inputs_left[child] == 0:
                    self._make_ready(child)
        return ended

    def _halted_by(self, at: int, outcome: Outcome) -> Iterable[int]:
        """Return the steps that the outcome halts: all that wait for it if the macro of a hook raised, as in dbt."""
        if isinstance(self._steps[at], HookStep) and outcome.reason.code is ReasonCode.NOT_EVALUATED:
            return self._waits.freed_by[at]
        return self._waits.halted_by[at]

    def _reason_to_skip(self, halting: Outcome) -> Reason:
        """Return the reason for a skip: it blames the step at which the halt began, not a skipped step in between."""
        if halting.status is Status.NO_DATA:
            return Reason(code=ReasonCode.NO_NEW_DATA, blame=halting.step_id)
        if halting.reason.code is ReasonCode.NO_NEW_DATA:
            return halting.reason
        # A closed gate is the root itself: the check it blames is not part of this run.
        root = halting.step_id
        is_closed = halting.reason.code is ReasonCode.GATE_CLOSED
        if halting.status is Status.SKIPPED and halting.reason.blame is not None and not is_closed:
            root = halting.reason.blame
        at = self._position.get(root)
        step = None if at is None else self._steps[at]
        if isinstance(step, HookStep) and step.when == "start":
            return Reason(code=ReasonCode.RUN_START_HOOK, blame=root)
        return Reason(code=ReasonCode.UPSTREAM_HALTED, blame=root)

    def _restate(self, at: int, outcome: Outcome) -> Outcome:
        """Return the outcome of an interrupted step as cancelled: tools report the interruption as an error."""
        if at not in self._interrupted or outcome.status not in (Status.ERROR, Status.CANCELLED):
            return outcome
        reason = self._stop_reason
        if not self._stopping:
            reason = Reason(code=ReasonCode.FAIL_FAST, blame=self._broken_by)
        return replace(outcome, status=Status.CANCELLED, reason=reason)

    def _close(self, at: int, status: Status, reason: Reason, message: str = "") -> Outcome:
        """End a step that does not run; one that was attempted before ends with its last error."""
        self._waiting.discard(at)
        if at in self._tried:
            last = self._tried.pop(at)
            return replace(last, reason=reason) if self._stopping else last
        step = self._steps[at]
        return Outcome(step_id=step.id, status=status, reason=reason, message=message, path=step.path)

    def _is_last(self, at: int) -> bool:
        step = self._steps[at]
        return isinstance(step, HookStep) and step.when == "end"

    def _make_ready(self, at: int) -> None:
        # Negative, because the heap returns the smallest: the step with the longest remaining path starts first.
        heappush(self._ready[lane_of(self._steps[at])], (-self._waits.remaining[at], at))

    def _decide(self, outcomes: list[Outcome], interrupt: Iterable[int] = ()) -> Decision:
        self._interrupted.update(interrupt)
        started = sorted(key for lane in Lane for key in self._take(lane))
        return Decision(
            outcomes=tuple(outcomes),
            start=tuple(self._steps[at] for _, at in started),
            interrupt=tuple(self._steps[at] for at in sorted(interrupt)),
            ended=not self._waiting and not self._running,
        )

    def _take(self, lane: Lane) -> Iterator[tuple[float, int]]:
        """Yield the ready steps of a lane, longest remaining path first, while slots are free; mark them as running."""
        ready = self._ready[lane]
        while ready and self._free[lane] > 0:
            key = heappop(ready)
            if key[1] in self._waiting:  # otherwise it was skipped or cancelled while it waited for a slot
                self._waiting.remove(key[1])
                self._tried.pop(key[1], None)
                self._running.add(key[1])
                self._free[lane] -= 1
                yield key


_INTERRUPTED = Reason(code=ReasonCode.INTERRUPTED)
