"""Runs validation gates in one long-lived child, with the access that it is given."""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.children.child_access import ChildAccess
from orchestrator.adapters.children.child_host import ChildHost
from orchestrator.adapters.children.child_process import Child, ChildEndedError, RunningChildren
from orchestrator.adapters.great_expectations.messages import SuiteResult, suite_result_from
from orchestrator.adapters.great_expectations.suite_files import SuiteFile, read_suite
from orchestrator.adapters.great_expectations.suite_outcome import cancelled, outcome_of
from orchestrator.errors import SuiteError
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.plan.step import StepId, ValidationStep

_WAIT_SECONDS = 0.1


class ValidationRunner:
    """A step runner for validations; steps that arrive at the same time are evaluated one after another."""

    def __init__(self, access: ChildAccess, project_root: Path) -> None:
        self._access = access
        self._project_root = project_root
        self._host = ChildHost(
            "orchestrator.adapters.great_expectations.gx_child",
            ("great-expectations",),
            environment={"GX_ANALYTICS_ENABLED": "false"},
        )
        self._children = RunningChildren()
        self._turn = threading.Lock()
        self._child: Child | None = None

    def start(self) -> None:
        """Start to import great-expectations, which takes seconds; needs no warehouse yet."""
        with suppress(ChildEndedError):  # the first step reports it
            self._host.start()

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Evaluate each step; if the child has ended, another is started for the next step."""
        for request in requests:
            if not isinstance(request.step, ValidationStep):
                msg = f"{request.step.id} is not a validation"
                raise TypeError(msg)
            yield self._run(request.step, stop.is_set)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """End the child if it evaluates one of these steps; a step that still waits checks its stop flag itself."""
        self._children.interrupt(steps)

    def close(self) -> None:
        """End the child and its interpreter; a later run starts others."""
        self._drop_child()
        self._host.close()

    def _run(self, step: ValidationStep, stopped: Callable[[], bool]) -> Outcome:
        started_at = datetime.now(UTC)
        # Wait in short intervals, to notice a stop.
        while not self._turn.acquire(timeout=_WAIT_SECONDS):
            if stopped():
                return cancelled(step, started_at, datetime.now(UTC))
        try:
            started_at = datetime.now(UTC)
            if stopped():
                return cancelled(step, started_at, started_at)
            result = self._evaluate(step, stopped)
        finally:
            self._turn.release()
        ended_at = datetime.now(UTC)
        # The interruption ended the child, which is the reason for the error.
        if result.error and stopped():
            return cancelled(step, started_at, ended_at)
        return outcome_of(step, result, started_at, ended_at)

    def _evaluate(self, step: ValidationStep, stopped: Callable[[], bool]) -> SuiteResult:
        try:
            suite = read_suite(self._project_root, step.path)
            child = self._living_child()
            with self._children.running(step.id, child):
                child.send(
                    {
                        "kind": self._access.kind,
                        "database": step.relation.database,
                        "schema": step.relation.schema,
                        "table": step.relation.identifier,
                        "expectations": suite.expectations,
                        "suite_parameters": suite.suite_parameters,
                    }
                )
                return _located(suite_result_from(child.receive(stopped=stopped)), suite)
        except SuiteError as error:
            return SuiteResult(error=error.message)
        except ChildEndedError as error:
            self._drop_child()
            return SuiteResult(error=f"the process of great-expectations ended early; {error}")

    def _living_child(self) -> Child:
        if self._child is not None and not self._child.is_alive:
            self._drop_child()
        if self._child is None:
            self._child = self._host.open_child(access=self._access)
        return self._child

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()


def _located(result: SuiteResult, suite: SuiteFile) -> SuiteResult:
    """Return the verdicts with the line of the suite's file in each error."""
    if len(result.verdicts) != len(suite.lines):
        return result
    pairs = zip(result.verdicts, suite.lines, strict=True)
    return replace(
        result,
        verdicts=tuple(
            replace(each, error=f"{each.error} (at {suite.path}:{line})") if each.error else each
            for each, line in pairs
        ),
    )
