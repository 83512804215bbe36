"""Begins a run: decides whether dbt is opened now, and sets up what executes nodes with it and without it."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from orchestrator.adapters.dbt.answer_forms import HEAD
from orchestrator.adapters.dbt.artifact_head import head_of
from orchestrator.adapters.dbt.direct_runs import DirectRuns
from orchestrator.adapters.dbt.late_dbt import LateDbt, LateStepRunner, StartedDbt
from orchestrator.adapters.dbt.late_session import LateSession
from orchestrator.adapters.dbt.ledger import DbtLedger
from orchestrator.adapters.dbt.project_answers import ProjectAnswers
from orchestrator.adapters.dbt.run_records import KeptRecords, OpenRecords
from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.nodes.identity import NodeId

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.node_runs import NodeRuns


class RunBeginner:
    """Begins one run of a project."""

    def __init__(
        self,
        late: LateSession,
        answers: ProjectAnswers,
        node_runs: "Callable[..., NodeRuns]",
        fail_fast: Callable[[], bool],
    ) -> None:
        """Set the session, the kept answers, what runs single nodes of an open session, and the flag of that name."""
        self._late = late
        self._answers = answers
        self._node_runs = node_runs
        self._fail_fast = fail_fast

    def begin(self, start: DbtRunStart) -> RunningDbt:
        """Return what runs the steps of a plan."""
        dbt = LateDbt(lambda: self._started(start, ledger))
        direct = self._direct(start)
        ledger = DbtLedger(dbt, lambda: self._records, direct)
        can_wait = all(direct is not None and direct.can_run(NodeId(step)) for step in start.certain)
        if self._late.is_open or not can_wait:
            dbt.get()  # now, so that an error of dbt ends the run before anything is built
        runner = LateStepRunner(dbt, lambda: self._records, direct)

        def close() -> None:
            if dbt.started is not None and start.direct is not None:
                self._answers.note_codes(dbt.started.runs.generated.codes, start.is_steady)
            dbt.close()

        return RunningDbt(runner=runner, ledger=ledger, close=close)

    def _direct(self, start: DbtRunStart) -> DirectRuns | None:
        codes = self._answers.codes
        return DirectRuns(start.direct, codes, lambda: self._records) if codes and start.direct is not None else None

    def _started(self, start: DbtRunStart, ledger: DbtLedger) -> StartedDbt:
        from orchestrator.adapters.dbt.step_runner import DbtStepRunner

        session = self._late.get()
        runs = self._node_runs(start.planned, start.added, start.places, start.generated, start.replayable)
        runs.take_up(start.left)
        # dbt's end hooks and `run_results.json` show the whole run, not only what was left to do.
        runs.recall(start.recalled)
        return StartedDbt(
            runs=runs,
            records=OpenRecords(session, runs, head_of(session)),
            runner=DbtStepRunner(runs, ledger, start.verifier(runs)),
        )

    @cached_property
    def _records(self) -> KeptRecords:
        """The records of steps that are executed without dbt."""
        head = self._answers.get("artifact_head", lambda: head_of(self._late.get()), HEAD)
        began = head.begun_at(self._answers.began_at)
        parsed = self._late.manifest or self._answers.kept_manifest()
        return KeptRecords(parsed, began, fail_fast=self._fail_fast())
