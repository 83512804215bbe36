"""Starts dbt's part of a run with the first step that dbt executes, so that a run of none does without dbt."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.direct_runs import DirectRuns
from orchestrator.adapters.dbt.kept_code import KeptCode
from orchestrator.adapters.dbt.run_records import KeptRecords, RunRecords
from orchestrator.errors import EltError
from orchestrator.execution.outcome import ErrorClass, Outcome
from orchestrator.execution.ports import Request, StepRunner, Stop
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, HookStep, StepId

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.node_runs import NodeRuns


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedDbt:
    """dbt's part of a run, once it has started."""

    runs: "NodeRuns"
    records: RunRecords
    runner: StepRunner

    def take_over(self, node: NodeId, record: Mapping[str, object] | None, code: KeptCode) -> None:
        """Take note of a node that was executed without dbt, as if dbt had executed it."""
        self.runs.generated.note_direct(node, code)
        self.runs.recall([] if record is None else [record])


class LateDbt:
    """dbt's part of a run, which starts when it is first needed, on the thread that needs it."""

    def __init__(self, start: Callable[[], StartedDbt]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._refusal: Exception | None = None
        self.started: StartedDbt | None = None
        """None until dbt has started."""

    @classmethod
    def of(cls, started: StartedDbt) -> "LateDbt":
        """Return dbt's part of a run that has started already."""
        dbt = cls(lambda: started)
        dbt.get()
        return dbt

    def get(self) -> StartedDbt:
        """Return dbt's part of the run; the first call starts it, and others wait for that.

        Raises:
            EltError: dbt cannot be opened; every call raises the same.
        """
        if self.started is not None:
            return self.started
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self.started is None:
                try:
                    self.started = self._start()
                except Exception as error:
                    self._refusal = error  # opening it takes seconds, and each step would repeat that in vain
                    raise
            return self.started

    def close(self) -> None:
        """Release what dbt holds, if it has started; an opening that is under way ends first."""
        with self._lock:
            if self.started is not None:
                self.started.runs.close()


class LateStepRunner:
    """A step runner that starts dbt with its first step. If that fails, the error is the outcome of each step."""

    def __init__(self, dbt: LateDbt, without: Callable[[], KeptRecords], direct: DirectRuns | None = None) -> None:
        """Set dbt's part of the run, what returns the records of steps that end without it, and what executes nodes."""
        self._dbt = dbt
        self._direct = direct
        self._without = without

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Run the steps one after another on the calling thread."""
        for request in requests:
            began, step = datetime.now(UTC), request.step
            if isinstance(step, BuildStep) and step.is_no_op and self._dbt.started is None:
                yield self._no_op(step, began)
                continue
            if self._direct is not None and (outcome := self._direct.run(request, stop)) is not None:
                yield outcome
                continue
            try:
                started = self._dbt.get()
            except EltError as error:
                yield _refused(request, error, began)
            else:
                if self._direct is not None:
                    if isinstance(step, HookStep):
                        self._direct.prepare()
                    self._direct.tell(started)
                yield from started.runner.run((request,), stop)

    def _no_op(self, step: BuildStep, began: datetime) -> Outcome:
        ended = datetime.now(UTC)
        record = self._without().no_op(step.node, began, ended)
        return Outcome(
            step_id=step.id,
            status=Status.SUCCESS,
            tool_word="no-op",
            message="NO-OP",
            started_at=began,
            ended_at=ended,
            query_seconds=0.0,
            failures=0,
            path=step.path,
            dbt_results=(record,),
        )

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt the queries of these steps; before dbt has started, there are none."""
        if self._direct is not None:
            self._direct.interrupt(steps)
        if self._dbt.started is not None:
            self._dbt.started.runner.interrupt(steps)


def _refused(request: Request, error: EltError, began: datetime) -> Outcome:
    return Outcome(
        step_id=request.step.id,
        status=Status.ERROR,
        error_class=ErrorClass.PERMANENT,  # the same error would end every attempt
        message=f"{error.message}\n{error.hint}".strip(),
        started_at=began,
        ended_at=datetime.now(UTC),
        path=request.step.path,
    )
