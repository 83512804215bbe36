"""Runs the steps that dbt runs: builds, tests, freshness checks and hooks, one node each."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.outcomes import freshness_outcome, hooks_outcome, node_outcome
from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import BuildStep, FreshnessStep, HookStep, Step, TestStep


class DbtStepRunner:
    """The step runner of an open dbt session."""

    def __init__(self, runs: NodeRuns, skipped: Callable[[], Iterable[NodeId]]) -> None:
        self._runs = runs
        self._skipped = skipped

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:  # noqa: ARG002  # the port's
        """Run the steps one after another on the calling thread."""
        self._runs.enter_thread()
        for request in requests:
            yield self._run(request.step)

    def interrupt(self) -> None:
        """Interrupt what dbt's connections run now."""
        self._runs.interrupt()

    def _run(self, step: Step) -> Outcome:
        started = datetime.now(UTC)
        if isinstance(step, BuildStep | TestStep | HookStep) and (refusal := self._runs.prepare()):
            return _refused(step, refusal, started)
        match step:
            case BuildStep() | TestStep():
                result = self._runs.run_node(step.node)
                return node_outcome(step.id, result, started, self._runs.batches.take(step.node))
            case FreshnessStep():
                return freshness_outcome(step.id, self._runs.run_freshness(step.node), started)
            case HookStep():
                skipped = self._skipped() if step.when == "end" else ()
                return hooks_outcome(step.id, *self._runs.try_hooks(step.when, skipped), started)
            case _:
                raise TypeError(f"dbt does not run {type(step).__name__}")


def _refused(step: Step, refusal: str, started: datetime) -> Outcome:
    """Record a step that could not begin, because nothing can be built in this target."""
    hint = "Check the schemas, the settings and the rights of this target in profiles.yml."
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        message=f"{refusal}\n{hint}",
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )
