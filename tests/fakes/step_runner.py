"""A step runner that does nothing but give scripted outcomes, when it is let."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.execution.routes import Tool
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId

Once = Status | Outcome | BaseException | Callable[[Request], Iterable[Outcome]]
Script = Once | list[Once]


class FakeStepRunner:
    """Ends each step with what the script says, success where it says nothing.

    A step named in `held` ends when `release` lets it, when it is interrupted (with an error, as tools do), or,
    where `deaf`, only when it is released. A list in the script has an entry for each try; the last one stays.
    """

    def __init__(
        self, script: Mapping[str, Script] | None = None, *, held: Iterable[str] = (), deaf: bool = False
    ) -> None:
        self.ran: list[StepId] = []
        self.threads: set[threading.Thread] = set()
        self.most_at_once = 0
        self.interrupted = threading.Event()
        self._script = dict(script or {})
        self._deaf = deaf
        self._gates = {name: threading.Event() for name in held}
        self._begun = {name: threading.Event() for name in held}
        self._cut: set[StepId] = set()  # held steps that were interrupted
        self._running: list[StepId] = []
        self._lock = threading.Lock()

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        for request in requests:
            yield from self._run(request)

    def interrupt(self, steps: Collection[StepId]) -> None:
        with self._lock:
            held = [] if self._deaf else [step for step in self._running if step in self._gates and step in steps]
            self._cut.update(held)
        for step in held:
            self._gates[step].set()
        self.interrupted.set()

    def release(self, name: str) -> None:
        """Let a held step end, now or as soon as it starts."""
        self._gates[name].set()

    def wait_for(self, name: str) -> None:
        """Wait until a held step runs."""
        assert self._begun[name].wait(60), f"{name} never started"

    def _run(self, request: Request) -> Iterable[Outcome]:
        step = request.step.id
        with self._lock:
            self.ran.append(step)
            self.threads.add(threading.current_thread())
            self._running.append(step)
            self.most_at_once = max(self.most_at_once, len(self._running))
        try:
            if step in self._gates:
                self._begun[step].set()
                self._gates[step].wait(60)
        finally:
            with self._lock:
                self._running.remove(step)
        if step in self._cut:
            self._cut.discard(step)
            return [Outcome(step_id=step, status=Status.ERROR, message="INTERRUPT Error: Interrupted!")]
        return _scripted(self._next(step), request)

    def _next(self, step: StepId) -> Once:
        script = self._script.get(step, Status.SUCCESS)
        if not isinstance(script, list):
            return script
        return script.pop(0) if len(script) > 1 else script[0]


def _scripted(script: Once, request: Request) -> Iterable[Outcome]:
    match script:
        case Status():
            return [Outcome(step_id=request.step.id, status=script)]
        case Outcome():
            return [script]
        case BaseException():
            raise script
        case _:
            return script(request)


def one_runner(runner: FakeStepRunner) -> dict[str, FakeStepRunner]:
    """Return the runner as that of every tool."""
    return dict.fromkeys(Tool, runner)
