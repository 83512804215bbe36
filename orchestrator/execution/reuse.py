"""Decides during a run which steps need not run, when their parents have ended, from the outcomes of the parents."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from orchestrator.errors import EltError
from orchestrator.execution.breaker import not_attempted
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.execution.ports import Reuse, RunReader, Verify
from orchestrator.execution.recent_loads import not_repeated
from orchestrator.execution.sample import Sample
from orchestrator.execution.scheduler import Dispatch, Scheduler
from orchestrator.execution.shadow import ShadowReuse
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, OwnStep, Step, StepId, TestStep, ValidationStep
from orchestrator.reuse.evaluated_project import Evaluation
from orchestrator.reuse.evaluator import Evaluator
from orchestrator.reuse.fingerprints.value import StatementVerdict
from orchestrator.reuse.last_success import SUCCEEDED, LastAttempt, LastSuccess, Mark, RecordedFingerprint
from orchestrator.reuse.scope import is_decided


@dataclass(slots=True, kw_only=True)
class RunReuse:
    """The reuse decisions of one run, made on the thread of the loop."""

    evaluator: Evaluator
    recall: Callable[[StepId, LastSuccess], Outcome | None]
    """Returns the outcome of a step in the run in which it last succeeded; None if that run is no longer recorded."""
    sample: Sample = field(default_factory=Sample)
    """Which of the steps that need not run are verified."""
    shadow: ShadowReuse | None = None
    """Set if everything runs, and what would have been reused is compared."""
    continued: AbstractSet[NodeId] = frozenset()
    """The microbatch models of which only the batches are built that an earlier run did not."""
    _known: dict[StepId, Evaluation] = field(default_factory=dict)
    _verify: dict[StepId, Verify] = field(default_factory=dict)

    def when_ready(self, step: Step) -> Outcome | None:
        """Return the outcome of a step that need not run; None if it runs."""
        decision = step.decision
        if decision is not None and decision.act in {Act.OPEN, Act.OPEN_SKIPS, Act.RECENT}:
            return not_repeated(step, decision) if decision.act is Act.RECENT else not_attempted(step, decision)
        # A step chosen for verification comes here again when its attempt is repeated; the choice does not change.
        if not isinstance(step, BuildStep | TestStep | ValidationStep | OwnStep) or step.id in self._verify:
            return None
        if decision is not None and decision.act is Act.CLOSED:
            reason = Reason(code=ReasonCode.GATE_CLOSED, blame=StepId(decision.blame))
            return Outcome(
                step_id=step.id, status=Status.SKIPPED, reason=reason, message=decision.words, path=step.path
            )
        if not is_decided(step):
            return None
        # A step that was evaluated before has run and is now repeated, so it must run again.
        may_reuse = decision is not None and decision.may_reuse and step.id not in self._known
        evaluation = self._look(step, may_reuse=may_reuse)
        if evaluation is None or not may_reuse or evaluation.why or evaluation.then is None:
            return None
        reused = _reused(step, evaluation.then, self.recall(step.id, evaluation.then), evaluation.waits)
        # Everything runs, and `heard` compares what the step leaves with what reuse would have kept.
        if self.shadow is not None:
            self.shadow.expect(step, reused)
            return None
        if not self.sample.takes(step.id):
            return reused
        self._verify[step.id] = Verify(reused=reused, of_run=evaluation.then.run_id)
        return None

    def heard(self, outcome: Outcome) -> None:
        """Record how a step ended."""
        self.sample.heard(outcome)
        if outcome.status is Status.ERROR:
            self.evaluator.lose(NodeId(outcome.step_id))
        # A reused or skipped step changed nothing in the target, so earlier evaluations stay valid.
        if outcome.status not in _DID_NOTHING:
            self.evaluator.touch(outcome.step_id, exists=outcome.status in SUCCEEDED)
        if found := newest_row(outcome):
            self.evaluator.checked(NodeId(outcome.step_id.removeprefix(_FRESHNESS)), found)
        as_reused = self.shadow is not None and self.shadow.compare(outcome)
        evaluation = self._known.get(outcome.step_id)
        if evaluation is None:
            return
        if as_reused and evaluation.left is not None:  # its children are decided as if it had not run
            self._known[outcome.step_id] = replace(evaluation, built=evaluation.left)
            self.evaluator.leave(NodeId(outcome.step_id), evaluation)
        elif outcome.status is Status.REUSED:
            self.evaluator.leave(NodeId(outcome.step_id), evaluation)
        elif outcome.status in SUCCEEDED:
            evaluation = self._known[outcome.step_id] = self.evaluator.finished(
                evaluation, self._statement(evaluation, outcome)
            )
            self.evaluator.build(NodeId(outcome.step_id), evaluation)

    def _statement(self, evaluation: Evaluation, outcome: Outcome) -> StatementVerdict | None:
        """Return the verdict on the statement that a step ran; the recorded one if it ran the same statement before."""
        code = outcome.dbt_results[-1].get("compiled_code") if outcome.dbt_results else None
        if not evaluation.fingerprint.has_statement or not isinstance(code, str):
            return None
        return self.evaluator.definitions.verdict(evaluation, code)

    def recovered(self, outcome: Outcome) -> None:
        """Record a step whose end before the resume was recovered from the target itself."""
        evaluation = self.evaluator.look(NodeId(outcome.step_id), compiles=False)
        if evaluation.then is not None and evaluation.left is not None:
            self._known[outcome.step_id] = replace(evaluation, built=evaluation.left)
        self.evaluator.leave(NodeId(outcome.step_id), evaluation)

    def mark(self, step_id: StepId) -> Mark | None:
        """Return the marker that the build of the step is to leave in the target."""
        evaluation = self._known.get(step_id)
        return (
            None
            if evaluation is None or step_id in self._verify
            else Mark(digest=evaluation.fingerprint.digest, identity=evaluation.built)
        )

    def verifies(self, step_id: StepId) -> Verify | None:
        """Return how to verify a step; None if it is not verified."""
        return self._verify.get(step_id)

    def known(self, outcome: Outcome) -> RecordedFingerprint | None:
        """Return the fingerprint and the identity of the result of a step that ended, if known."""
        evaluation = self._known.get(outcome.step_id)
        if evaluation is None:
            return None
        # The row still describes the verified build; its status `error` keeps the doubt until the node succeeds.
        if outcome.reason.code is ReasonCode.DIFFERS and evaluation.then is not None:
            then = evaluation.then
            return RecordedFingerprint(fingerprint=then.fingerprint, identity=then.identity, doubts=then)
        # Children see a reused result under the identity that it already has, not under that of a new build.
        identity = evaluation.left if outcome.status is Status.REUSED else evaluation.built
        return RecordedFingerprint(fingerprint=evaluation.fingerprint, identity=identity or evaluation.built)

    def _look(self, step: Step, *, may_reuse: bool) -> Evaluation | None:
        """Evaluate a step. A step that cannot be evaluated runs, and so reports its own error."""
        try:
            evaluation = self.evaluator.look(NodeId(step.id), compiles=may_reuse, asks=may_reuse)
        except EltError:
            return None
        if evaluation.fingerprint.node in self.continued:
            evaluation = self.evaluator.continued(evaluation)
        self._known[step.id] = evaluation
        return evaluation


def newest_row(outcome: Outcome) -> str:
    """Return the time of the newest row of a source from dbt's freshness check; empty if the check did not find one."""
    results = outcome.dbt_results if outcome.step_id.startswith(_FRESHNESS) else ()
    found = results[-1].get("max_loaded_at") if results else None
    return str(found) if found else ""


def newest_rows(
    reader: RunReader | None, sources: Iterable[NodeId], last_attempts: Mapping[StepId, LastAttempt]
) -> dict[NodeId, str]:
    """Return the newest row of each dbt source, as its last recorded freshness check found it."""
    if reader is None:
        return {}
    steps = {StepId(f"{_FRESHNESS}{source}"): source for source in sources}
    found = reader.outcomes({step: last_attempts[step].run_id for step in steps if step in last_attempts})
    return {steps[step]: row for step, outcome in found.items() if (row := newest_row(outcome))}


def recalled(reader: RunReader | None, plan: Plan) -> Callable[[StepId, LastSuccess], Outcome | None]:
    """Return a function that looks up how a step last succeeded; the steps planned for reuse are read in one query."""
    if reader is None:
        return lambda _step, _then: None
    planned = {
        step.id: step.decision.of_run for step in plan.steps if step.decision is not None and step.decision.of_run
    }
    found: dict[StepId, Outcome] = {}

    def recall(step_id: StepId, then: LastSuccess) -> Outcome | None:
        if planned.get(step_id) != then.run_id:
            return reader.outcomes({step_id: then.run_id}).get(step_id)
        if not found:
            found.update(reader.outcomes(planned))
        return found.get(step_id)

    return recall


def passed_over(decision: Dispatch, scheduler: Scheduler, reuse: Reuse) -> Dispatch:
    """End steps that need not run at once, and evaluate all steps that become ready by it."""
    outcomes, batches, interrupt = list(decision.outcomes), [], list(decision.interrupt)
    _tell(reuse, outcomes)
    waiting, ended = list(decision.batches), decision.ended
    for batch in waiting:  # the list grows while it is read
        start = []
        for step in batch.steps:
            found = reuse.when_ready(step)
            if found is None:
                start.append(step)
                continue
            # The scheduler counts the step as running: ending it there frees its slot and its children.
            following = scheduler.end(found)
            _tell(reuse, following.outcomes)
            outcomes += following.outcomes
            interrupt += following.interrupt
            waiting += following.batches
            ended = following.ended
        if start:
            batches.append(replace(batch, steps=tuple(start)))
    return replace(decision, outcomes=tuple(outcomes), batches=tuple(batches), interrupt=tuple(interrupt), ended=ended)


def _tell(reuse: Reuse, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        reuse.heard(outcome)


def _reused(step: Step, then: LastSuccess, recorded: Outcome | None, waits: str) -> Outcome:
    word = "warn" if then.status is Status.WARN else (recorded.tool_word if recorded is not None else "")
    warning = recorded.message if recorded is not None and then.status is Status.WARN else ""
    as_then = f"as in run {then.run_id}" + (f": {waits}" if waits else "")
    return Outcome(
        step_id=step.id,
        status=Status.REUSED,
        tool_word=word or _DEFAULT_WORD[isinstance(step, BuildStep | OwnStep)],
        reason=Reason(code=ReasonCode.UNCHANGED),
        message=f"{warning} ({as_then})" if warning else as_then,
        rows_affected=recorded.rows_affected if recorded is not None else None,
        row_count=recorded.row_count if recorded is not None else None,
        failures=recorded.failures if recorded is not None else None,
        path=step.path,
        compiled_path=recorded.compiled_path if recorded is not None else None,
        dbt_results=recorded.dbt_results if recorded is not None else (),
    )


_DID_NOTHING = frozenset({Status.REUSED, Status.SKIPPED})
_FRESHNESS = "freshness."
_DEFAULT_WORD = {True: "success", False: "pass"}
