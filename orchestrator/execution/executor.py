"""Runs the steps of one lane on its own daemon threads.

The threads are daemons because a Python model may run forever: the non-daemon threads of concurrent.futures would keep
the process alive.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Request, StepRunner, Stop
from orchestrator.faults import Point, passing
from orchestrator.full_disk import REMEDY, full_disk_sentence, says_disk_is_full
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId

_log = logging.getLogger(__name__)


class ThreadExecutor:
    """Passes requests to a runner, one at a time on each thread, and delivers exactly one outcome for each."""

    def __init__(
        self,
        name: str,
        runner: StepRunner,
        *,
        threads: int,
        deliver: Callable[[Outcome], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._runner = runner
        self._most = threads
        self._deliver = deliver
        self._clock = clock
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._requests: SimpleQueue[tuple[Request, Stop] | None] = SimpleQueue()

    def submit(self, request: Request, stop: Stop) -> None:
        """Run a step as soon as a thread is free. Must be called from one thread only."""
        passing(Point.STEP_HANDED)
        self._requests.put((request, stop))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
        passing(Point.STEP_TAKEN)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt the given steps."""
        try:
            self._runner.interrupt(steps)
        except Exception:  # noqa: BLE001  # a bug in one runner must not prevent the interruption of the others
            _log.exception("interrupting %s raised", self._name, extra={"action": "interrupt_error"})

    def give_up(self) -> None:
        """Allow one more thread, in place of one that will never return."""
        self._most += 1

    def close(self) -> None:
        """Let the threads exit when they have nothing left to run, without waiting for them."""
        for _ in range(self._started):
            self._requests.put(None)

    def _work(self) -> None:
        while (item := self._requests.get()) is not None:
            outcome = self._outcome(*item)
            passing(Point.STEP_DONE)
            self._idle.release()  # before the delivery, so that the next request finds this thread free
            self._deliver(outcome)

    def _outcome(self, request: Request, stop: Stop) -> Outcome:
        step = request.step
        if stop.is_set():
            reason = Reason(code=ReasonCode.INTERRUPTED)
            return Outcome(step_id=step.id, status=Status.CANCELLED, reason=reason, message="not started")
        started_at = self._clock()
        try:
            outcome = _only(self._runner.run((request,), stop), request)
        except BaseException as error:  # noqa: BLE001  # a Python model may call sys.exit()
            _log.exception("the runner of %s raised", step.id, extra={"action": "runner_error"})
            outcome = _internal_error(request, f"{type(error).__name__}: {error}")
        if outcome.status is Status.ERROR:
            _log.debug("%s: %s\n%s", step.id, outcome.message, outcome.log, extra={"action": "step_error"})
        if outcome.started_at is None and outcome.status is not Status.SKIPPED:
            outcome = replace(outcome, started_at=started_at, ended_at=self._clock())
        if outcome.status is Status.ERROR and says_disk_is_full(outcome.message):
            outcome = replace(outcome, message=_with_remedy(outcome.message), error_class=ErrorClass.PERMANENT)
        return outcome if outcome.path is not None else replace(outcome, path=step.path)


def _only(outcomes: Iterable[Outcome], request: Request) -> Outcome:
    """Return the single outcome of the request, or an internal error if the runner returned anything else."""
    given = list(outcomes)
    if len(given) == 1 and given[0].step_id == request.step.id:
        return given[0]
    names = ", ".join(outcome.step_id for outcome in given) or "none"
    _log.error("%s: outcomes of %s", request.step.id, names, extra={"action": "runner_error"})
    return _internal_error(request, f"the runner must return one outcome for {request.step.id}, and returned {names}")


def _with_remedy(message: str) -> str:
    """Add to the message which disk is full and what to do, unless it says so already."""
    if REMEDY in message:
        return message
    return f"{message}\n{full_disk_sentence(message, [Path.cwd()])} {REMEDY}, then continue with: elt resume"


def _internal_error(request: Request, what: str) -> Outcome:
    return Outcome(step_id=request.step.id, status=Status.ERROR, message=f"internal error: {what}")
