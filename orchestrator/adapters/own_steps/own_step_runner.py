"""Runs the steps of one's own, each in a child process of its own."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.children.child_host import ChildHost
from orchestrator.adapters.children.child_outcomes import cancelled, errored
from orchestrator.adapters.children.child_process import (
    Child,
    ChildEndedError,
    RunningChildren,
    how_it_ended,
    with_last_line,
)
from orchestrator.adapters.own_steps.call_result import CallResult
from orchestrator.adapters.own_steps.filling import filled, hidden_of, secrets_of
from orchestrator.config.substitution import UnsetError
from orchestrator.execution.outcome import ErrorClass, Outcome, masked_outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.masking import Masker
from orchestrator.nodes.own_step import CommandCall
from orchestrator.plan.status import Status
from orchestrator.plan.step import OwnStep, StepId
from orchestrator.timetable.scheduled_time import ScheduledTime

_NOT_UNDONE = "what it did until then is not undone"
_NOTHING: Mapping[str, str] = MappingProxyType({})


class OwnStepRunner:
    """A step runner for commands, HTTP calls and Python functions; thread-safe."""

    def __init__(
        self, project_root: Path, log_dir: Path, masker: Masker, environment: Mapping[str, str] = _NOTHING
    ) -> None:
        """Configure the runner; `environment` is what each step gets besides the environment of elt."""
        self._project_root = project_root.resolve()
        self._log_dir = log_dir.resolve()
        self._masker = masker
        self._environment = environment
        self._host = ChildHost("orchestrator.adapters.own_steps.own_step_child", (), mask=masker.text)
        self._children = RunningChildren()

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        """Run each step in turn, and yield an outcome for each."""
        for request in requests:
            if not isinstance(request.step, OwnStep):
                raise TypeError(f"{request.step.id} is not a step of elt.yml")
            step = request.step
            yield cancelled(step, datetime.now(UTC), _NOT_UNDONE) if stop.is_set() else self._run(request, step, stop)

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Terminate these steps, each with all processes that it started."""
        self._children.interrupt(steps)

    def close(self) -> None:
        """End the interpreter that the children are forked from, and all children that are left."""
        self._host.close()

    def _run(self, request: Request, step: OwnStep, stop: Stop) -> Outcome:
        given = {
            **self._environment,
            "ELT_RUN_ID": request.run_id,
            "ELT_STEP": step.name,
            "ELT_ATTEMPT": str(request.attempt),
        }
        environ = {**os.environ, **given}
        self._masker.learn(secrets_of(step, environ))  # before anything of it can be printed
        # What else is filled in is masked in this step only: a name of a schema is no secret of the run.
        own = self._masker.with_also(hidden_of(step, environ))
        return masked_outcome(self._called(step, stop, given, own), own)

    def _called(self, step: OwnStep, stop: Stop, given: Mapping[str, str], own: Masker) -> Outcome:
        started = datetime.now(UTC)
        log = self._log_dir / f"step-{step.name}.log"
        try:
            call = filled(step.call, {**os.environ, **given})
            child = self._host.open_child(log=log, mask=lambda text: self._masker.text(own.text(text)))
        except (UnsetError, ChildEndedError) as error:
            return errored(step, started, str(error), log)
        message = {
            "root": str(self._project_root),
            "environment": given,
            "kind": type(call).__name__,
            "call": asdict(call),
        }
        result: CallResult | None = None
        died = ""
        try:
            with self._children.running(step.id, child):
                result = _answered(child, message, stop)
        except ChildEndedError as error:
            died = f"its process ended early: {error}"
        finally:
            output = child.close()
        # The child was ended on purpose, so how it died is no error.
        if result is None and stop.is_set():
            return cancelled(step, started, _NOT_UNDONE)
        if result is None:
            return errored(step, started, died, log, output=output)
        return _ended(step, result, started, log, output)


def environment_of(target: str, scheduled: ScheduledTime | None) -> dict[str, str]:
    """Return the variables that every step of a run gets: its target, and the schedule and its data interval."""
    if scheduled is None:
        return {"ELT_TARGET": target}
    return {
        "ELT_TARGET": target,
        "ELT_SCHEDULE": scheduled.schedule,
        "ELT_DATA_INTERVAL_START": scheduled.interval.start.isoformat(),
        "ELT_DATA_INTERVAL_END": scheduled.interval.end.isoformat(),
    }


def _answered(child: Child, message: Mapping[str, Any], stop: Stop) -> CallResult:
    child.send(message)
    return CallResult(**child.receive(stopped=stop.is_set))


def _ended(step: OwnStep, result: CallResult, started: datetime, log: Path, output: str) -> Outcome:
    error = result.error
    if result.code:
        words = step.call.words if isinstance(step.call, CommandCall) else (step.name,)
        error = with_last_line(how_it_ended(result.code, words[0]), output)
    if error:
        kind = ErrorClass.TRANSIENT if result.may_pass else ErrorClass.PERMANENT
        return errored(step, started, error, log, output=output, error_class=kind)
    return Outcome(
        step_id=step.id,
        status=Status.SUCCESS,
        tool_word="success",
        message=result.message,
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )
