"""Runs batches of steps with dbt 2.x: one process for all nodes of a batch that need the same command."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.adapters.dbt.invocation import Hear
from orchestrator.adapters.dbt2.dbt_process import DbtProcess
from orchestrator.adapters.dbt2.node_report import NodeReport
from orchestrator.adapters.dbt2.program_calls import DbtNodeStep, ProgramCall, QualifiedNames, calls_of, does_nothing
from orchestrator.adapters.dbt2.program_outcomes import cancelled, collateral, not_reported, nothing_done, outcome_of
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.plan.status import HALTING, Status
from orchestrator.plan.step import StepId

_MAY_BE_INTERRUPTED = HALTING - {Status.FAIL}
"""What dbt may report about a node because its process was interrupted."""


@dataclass(slots=True)
class _Running:
    """A call that runs, and the steps of it that have not ended."""

    process: DbtProcess
    left: dict[str, DbtNodeStep]
    asked: set[StepId] = field(default_factory=set)
    """The steps that were asked to end."""
    has_problem: bool = False
    """Whether a node failed or ended in an error: then dbt's exit code is not 0."""


class DbtProgramRunner:
    """A step runner that starts dbt for each batch; thread-safe."""

    def __init__(
        self,
        start: Callable[[ProgramCall], DbtProcess],
        names: QualifiedNames,
        *,
        full_refresh: bool,
        hear: Hear,
    ) -> None:
        """Set what prepares a call, and the callback for what dbt says to its user."""
        self._start = start
        self._names = names
        self._full_refresh = full_refresh
        self._hear = hear
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._running: list[_Running] = []

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Run the steps, and yield each outcome as soon as dbt reports it."""
        steps = [request.step for request in requests]
        yield from (nothing_done(step) for step in steps if does_nothing(step))
        left = [step for step in steps if not does_nothing(step)]
        for call in calls_of(left, self._names, full_refresh=self._full_refresh):
            if stop.is_set():
                yield from (cancelled(step, "not started") for step in call.steps)
            else:
                yield from self._called(call)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """End the processes that run these steps: dbt 2.x cannot interrupt a single node."""
        with self._lock:
            found = [running for running in self._running if _takes_note(running, steps)]
        for running in found:
            running.process.interrupt()

    def _called(self, call: ProgramCall) -> Iterator[Outcome]:
        running = _Running(self._start(call), {step.node: step for step in call.steps})
        with self._lock:
            self._running.append(running)
        unasked: set[str] = set()
        ended: list[tuple[DbtNodeStep, NodeReport]] = []
        try:
            for report in running.process.follow():
                self._pass_on(running.process)
                step = running.left.get(report.unique_id)
                if step is None:
                    if report.is_finished and report.unique_id not in {one.node for one in call.steps}:
                        unasked.add(report.unique_id)
                elif report.is_finished and not (
                    running.process.was_interrupted and report.status in _MAY_BE_INTERRUPTED
                ):
                    self._ends(running, step, report)
                    yield outcome_of(step, report)
                else:
                    ended.append((step, report))
        finally:
            with self._lock:
                self._running.remove(running)
        self._pass_on(running.process)
        is_well = not running.left and not running.has_problem
        yield from self._rest(running, ended)
        if is_well and running.process.code != 0:
            self._hear("warning", f"although every node succeeded, {running.process.how_it_ended()}", "")
        if unasked:
            self._hear("warning", f"dbt also ran nodes that are not part of the plan: {', '.join(sorted(unasked))}", "")

    def _pass_on(self, process: DbtProcess) -> None:
        """Pass on what dbt says; a warning once in a run, because every process parses the project again."""
        for message in process.telemetry.take_messages():
            if message.kind == "warning" and message.text in self._said:
                continue
            self._said.add(message.text)
            self._hear(message.kind, message.text, message.node)

    def _ends(self, running: _Running, step: DbtNodeStep, report: NodeReport) -> None:
        with self._lock:
            del running.left[step.node]
        running.has_problem = running.has_problem or report.status in HALTING

    @staticmethod
    def _rest(running: _Running, ended: Sequence[tuple[DbtNodeStep, NodeReport]]) -> Iterator[Outcome]:
        """Yield the steps that did not end on their own, when the process has ended."""
        process = running.process
        reports = {step.node: report for step, report in ended}
        for node, step in running.left.items():
            report = reports.get(step.node)
            if process.was_interrupted and step.id in running.asked:
                yield cancelled(step)
            elif process.was_interrupted:
                yield collateral(step)
            elif report is not None and report.is_finished:
                yield outcome_of(step, report)
            elif report is not None:
                yield outcome_of(step, _unfinished(report, process))
            else:
                yield not_reported(step, f"{process.how_it_ended()}\ndbt reported nothing about {node}")


def _takes_note(running: _Running, steps: Collection[StepId]) -> bool:
    """Return whether a call runs one of the steps, and keep which of them are to end."""
    asked = {step.id for step in running.left.values() if step.id in steps}
    running.asked |= asked
    return bool(asked)


def _unfinished(report: NodeReport, process: DbtProcess) -> NodeReport:
    message = f"{report.message}\n{process.how_it_ended()}"
    return NodeReport(
        unique_id=report.unique_id,
        status=Status.ERROR,
        word="error",
        message=message,
        started_at=report.started_at,
        log=report.log,
        is_finished=False,
    )
