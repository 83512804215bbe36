"""Runs the steps that dbt executes: builds, tests, freshness checks and hooks, one node each."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from orchestrator.adapters.dbt.dbt_error_class import error_class
from orchestrator.adapters.dbt.interrupting import Threads
from orchestrator.adapters.dbt.ledger import DbtLedger
from orchestrator.adapters.dbt.node_outcomes import freshness_outcome, hooks_outcome, node_outcome
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.verifier import Verifier
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.plan.step import (
    BuildStep,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
)


class DbtStepRunner:
    """The step runner of an open dbt session."""

    def __init__(self, runs: NodeRuns, ledger: DbtLedger, verifier: Verifier | None = None) -> None:
        """Set what runs nodes; on-run-end hooks see the nodes of the ledger that did not run."""
        self._runs = runs
        self._ledger = ledger
        self._verifier = verifier
        self._threads = Threads()
        self._nodes: dict[StepId, NodeId] = {}
        self._seen: set[StepId] = set()

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:  # noqa: ARG002  # the port's signature
        """Run the steps one after another on the calling thread."""
        self._runs.enter_thread()
        for request in requests:
            step = request.step
            if isinstance(step, BuildStep | TestStep | FreshnessStep):
                self._nodes[step.id] = step.node
            # Only until the outcome is known: an interruption must not hit the next step on this thread.
            with self._threads.running(step.id):
                outcome = self._run(step, request)
            yield outcome

    def interrupt(self, steps: Collection[StepId]) -> None:
        """Interrupt the queries that dbt's connections run for these steps."""
        nodes = frozenset(self._nodes[step_id] for step_id in steps if step_id in self._nodes)
        self._runs.interrupt(self._threads.of(steps), nodes)

    def _run(self, step: Step, request: Request) -> Outcome:
        started = datetime.now(UTC)
        # A repeated step also repeats a preparation that ended in an error.
        is_repeat = step.id in self._seen
        self._seen.add(step.id)
        if isinstance(step, BuildStep | TestStep | HookStep) and (refusal := self._runs.prepare(again=is_repeat)):
            return _refused(step, refusal, started)
        match step:
            case BuildStep() if request.verify is not None and self._verifier is not None:
                return self._verifier.run(step, request, request.verify)
            case BuildStep() | TestStep():
                self._runs.log.begin(step.node)
                with self._runs.marking.of(step.node, request):
                    result = self._runs.run_node(step.node)
                logged = self._runs.log.take(step.node)
                rows = self._runs.row_count(result) if isinstance(step, BuildStep) else None
                batches = self._runs.batches.take(step.node)
                return node_outcome(step.id, result, started, batches, logged, rows, self._runs.raised.located)
            case FreshnessStep():
                return freshness_outcome(step.id, self._runs.run_freshness(step.node), started)
            case HookStep():
                # Read now, when the hooks are due, because on-run-end hooks see how the whole run ended.
                skipped, lost = self._ledger.skipped_nodes(), self._ledger.lost_nodes()
                ended = self._runs.attempt_hooks(step.when, skipped, lost)
                return hooks_outcome(step.id, *ended, started, self._runs.raised.located)
            case IngestStep() | ValidationStep() | OwnStep():
                raise TypeError(f"dbt does not run {type(step).__name__}")


def _refused(step: Step, refusal: str, started: datetime) -> Outcome:
    """Return the outcome of a step that could not start because the target could not be prepared."""
    hint = "Check the schemas, the settings and the rights of this target in profiles.yml."
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        error_class=error_class(Status.ERROR, refusal),
        message=f"{refusal}\n{hint}",
        started_at=started,
        ended_at=datetime.now(UTC),
        path=step.path,
    )
