"""Runs batches of steps on daemon threads of one executor.

The threads are daemons because a Python model may run forever: the non-daemon threads of concurrent.futures would keep
the process alive.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Limits
from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Executor, Request, StepRunner, Stop
from orchestrator.execution.routes import ROUTES, Route
from orchestrator.faults import Point, passing
from orchestrator.full_disk import REMEDY, full_disk_sentence, says_disk_is_full
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId

_log = logging.getLogger(__name__)


class ThreadExecutor:
    """Passes batches to a runner, one at a time on each thread, and delivers exactly one outcome for each request."""

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
        self._requests: SimpleQueue[tuple[Sequence[Request], Stop] | None] = SimpleQueue()

    def submit(self, requests: Sequence[Request], stop: Stop) -> None:
        """Run a batch as soon as a thread is free. Must be called from one thread only."""
        passing(Point.STEP_HANDED)
        self._requests.put((requests, stop))
        # Acquiring reserves one idle thread, so that two batches do not both count on it.
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
            requests = item[0]
            for number, outcome in enumerate(self._outcomes(*item), start=1):
                passing(Point.STEP_DONE)
                if number == len(requests):
                    self._idle.release()  # before the last delivery, so that the next batch finds this thread free
                self._deliver(outcome)

    def _outcomes(self, requests: Sequence[Request], stop: Stop) -> Iterator[Outcome]:
        """Yield one outcome for each request as soon as it is known; the last one when the runner has returned."""
        if stop.is_set():
            # It was stopped while it waited for a thread.
            yield from (_not_started(request) for request in requests)
            return
        left = {request.step.id: request for request in requests}
        given: list[StepId] = []
        last: tuple[Request, Outcome] | None = None
        problem, started_at = "", self._clock()
        answers = self._answers(requests, stop)
        for answer in answers:
            if isinstance(answer, str):
                problem = answer
                continue
            given.append(answer.step_id)
            request = left.pop(answer.step_id, None)
            if request is None:
                names = ", ".join(given)
                expected = ", ".join(request.step.id for request in requests)
                problem = f"the runner must return one outcome for {expected}, and returned {names}"
                continue
            outcome, started_at = self._completed(request, answer, started_at), self._clock()
            # The last outcome waits for the runner to return: until then it may raise, and the thread is busy.
            if left:
                yield outcome
            else:
                last = request, outcome
        if last is not None:
            # No other request is left to report a problem that the runner had after its last outcome.
            yield _internal_error(last[0], problem) if problem else last[1]
        for request in left.values():
            names = ", ".join(given) or "none"
            reason = problem or f"the runner must return one outcome for {request.step.id}, and returned {names}"
            yield self._completed(request, _internal_error(request, reason), started_at)

    def _answers(self, requests: Sequence[Request], stop: Stop) -> Iterator[Outcome | str]:
        """Yield what the runner yields, and what it raised as text."""
        names = ", ".join(request.step.id for request in requests)
        try:
            yield from self._runner.run(requests, stop)
        except BaseException as error:  # noqa: BLE001  # a Python model may call sys.exit()
            _log.exception("the runner of %s raised", names, extra={"action": "runner_error"})
            yield f"{type(error).__name__}: {error}"

    def _completed(self, request: Request, outcome: Outcome, started_at: datetime) -> Outcome:
        """Add to an outcome what the runner left open, and what to do about a full disk."""
        if outcome.started_at is None and outcome.status is not Status.SKIPPED:
            outcome = replace(outcome, started_at=started_at, ended_at=self._clock())
        if outcome.status is Status.ERROR and says_disk_is_full(outcome.message):
            # Permanent, because no attempt helps until a user makes room.
            outcome = replace(outcome, message=_with_remedy(outcome.message), error_class=ErrorClass.PERMANENT)
        if outcome.status is Status.ERROR:
            _log.debug("%s: %s\n%s", outcome.step_id, outcome.message, outcome.log, extra={"action": "step_error"})
        return outcome if outcome.path is not None else replace(outcome, path=request.step.path)


def _with_remedy(message: str) -> str:
    """Add to the message which disk is full and what to do, unless it says so already."""
    if REMEDY in message:
        return message
    return f"{message}\n{full_disk_sentence(message, [Path.cwd()])} {REMEDY}, then continue with: elt resume"


def _internal_error(request: Request, what: str) -> Outcome:
    return Outcome(step_id=request.step.id, status=Status.ERROR, message=f"internal error: {what}")


def thread_executors(
    runners: Mapping[str, StepRunner],
    limits: Limits,
    inbox: Inbox,
    clock: Callable[[], datetime],
    routes: Sequence[Route] = ROUTES,
) -> dict[str, Executor]:
    """Return an executor for each runner, with as many threads as its lane has slots, which delivers to the inbox."""
    lanes = {route.executor: route.lane for route in routes}
    return {
        name: ThreadExecutor(name, runner, threads=limits.of(lanes[name]), deliver=inbox.deliver, clock=clock)
        for name, runner in runners.items()
    }


def _not_started(request: Request) -> Outcome:
    reason = Reason(code=ReasonCode.INTERRUPTED)
    return Outcome(step_id=request.step.id, status=Status.CANCELLED, reason=reason, message="not started")
