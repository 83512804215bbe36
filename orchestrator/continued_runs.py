"""Implements what can be done about a run that did not succeed: resume it, or retry what failed in a new run."""

import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.config.loader import load_settings
from orchestrator.errors import RepairError
from orchestrator.execution.audience import PATIENCE
from orchestrator.execution.changes import changes_since, gone_nodes, with_steps_of_today
from orchestrator.execution.events import Noticed, NoticeKind, RunNotStarted
from orchestrator.execution.foreword import Foreword
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.leases import leased_plan
from orchestrator.execution.liveness import RunState, lives, state_of
from orchestrator.execution.ports import RunListener
from orchestrator.execution.reconcile import found_in_target, gone_from_target, left_of
from orchestrator.execution.recorded import RETRIES, RecordedRun
from orchestrator.execution.recorded_command import command_of, compared_with, require_same_vars
from orchestrator.execution.resume import (
    Continued,
    attempt_counts,
    is_finished,
    past_of,
    refuse_hooks_alone,
    runs_retried,
    settled,
)
from orchestrator.nodes.identity import NodeId, short_name
from orchestrator.plan.command import Command
from orchestrator.plan.make_request import requested_again
from orchestrator.plan.plan import Plan
from orchestrator.plan.repair_plan import repair
from orchestrator.plan.step import BuildStep, Step
from orchestrator.report.streams import open_console
from orchestrator.reuse.plan_decisions import DecidedPlan, with_closed_gates
from orchestrator.wiring.driving import FinishedRun, drive
from orchestrator.wiring.noting import with_notifications
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.planning import opened, require_consent_of, selected, steps_for
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.recording import new_run_id, opening_of, with_moments
from orchestrator.wiring.repaired_times import note_repair
from orchestrator.wiring.reports import OutputKind, listening, reporting
from orchestrator.wiring.same_target import require_same_target
from orchestrator.wording import some_of

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recalled:
    """A recorded run, and its command."""

    run: RecordedRun
    before: tuple[RecordedRun, ...]
    """The runs that it retried, oldest first."""
    command: Command
    manifest: bytes | None

    @property
    def runs(self) -> tuple[RecordedRun, ...]:
        """Return the runs that it retried, and the run itself last."""
        return (*self.before, self.run)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of all these runs, each as last planned."""
        return tuple({step.id: step for run in self.runs for step in run.plan.steps}.values())


def resume(
    run: str | None,
    again: Command,
    listeners: Sequence[RunListener] = (),
    *,
    accept_changes: bool = False,
    patience: timedelta | None = PATIENCE,
) -> FinishedRun:
    """Resume a run, the last by default: what succeeded is kept, the rest runs.

    `again` says where the command is called from, and may repeat `--vars`, whose secrets are not recorded. Raises
    UsageError if the run is still running or has nothing left to do, if other `--vars` are given, or if its code has
    changed since then and that is not accepted. `patience` is as for `api.run`.
    """
    with listening(listeners, patience) as audience, ExitStack() as stack:
        recalled = _recall(run, again)
        found = recalled.run
        require_same_vars(found, again)
        if is_finished(found):
            raise RepairError(
                f"The run {found.head.run_id} is finished, with the status {found.head.status}.",
                hint=f"`{recalled.command.placement.command('elt run')}` starts a new one.",
            )
        foreword = Foreword(found.head.run_id, audience.tell_at_once, after=found.head.events)
        project = stack.enter_context(_reopened(recalled, foreword.hear))
        store, command = stack.enter_context(closing(open_store(project.settings))), recalled.command
        stack.enter_context(leased_plan(store, project, command, found.head.run_id, lambda: found.plan, project.hear))
        changed = _changed(project, recalled)
        _refuse_changes(project, found, changed, accept=accept_changes)
        opening = opening_of(project, recalled.command, found.head.run_id, found.plan)
        opening = replace(opening, continues=found.head.process, notices=foreword.notices)
        continued = Continued(
            settled=settled(found, gone_from_target(project, [found])),
            found=found_in_target(project, found, changed),  # by its marker: committed, but not recorded
            tried=attempt_counts(found),  # the numbers of attempts go on
        )
        left = left_of(project, recalled.runs, changed)
        known = Knowledge(project=project, store=store)
        today = DecidedPlan(plan=with_steps_of_today(found.plan, project.graph))
        return drive(project, known, today, recalled.command, opening, audience, continued, left)


def retry(
    run: str | None,
    again: Command,
    listeners: Sequence[RunListener] = (),
    *,
    patience: timedelta | None = PATIENCE,
    run_id: str | None = None,
) -> FinishedRun | None:
    """Run what did not succeed in a run again, with today's code; return None if nothing is left.

    The run is the last one by default. Failed steps run, and the steps that they halted. Of the steps upstream of
    these, the changed ones run too. `patience` and `run_id` are as for `api.run`.
    """
    with listening(listeners, patience) as audience, ExitStack() as stack:
        recalled = _recall(run, again)
        if is_finished(recalled.run):
            return None
        refuse_hooks_alone(recalled.run)  # before dbt parses
        run_id = run_id or new_run_id()
        foreword = Foreword(run_id, audience.tell_at_once)
        project = stack.enter_context(_reopened(recalled, foreword.hear))
        again = replace(recalled.command, select=(), has_selector=False)  # the recorded steps are the selection
        request = requested_again(again, selected(again, project), recalled.steps)
        with (
            closing(open_store(project.settings)) as store,
            leased_plan(
                store, project, recalled.command, run_id, lambda: steps_for(project, request), project.hear
            ) as today,
        ):
            changed = _changed(project, recalled)
            made = _repair_of(project, recalled, changed, today)
            if not made.steps:
                return None
            opening = opening_of(project, recalled.command, run_id, made)
            asked = {**opening.selected, RETRIES: recalled.run.head.run_id}
            opening = replace(opening, selected=asked, notices=foreword.notices)
            left = left_of(project, recalled.runs, changed)
            known = Knowledge(project=project, store=store)
            # A retry reuses nothing, but a gate that a check outside of it closed stays closed.
            gated = DecidedPlan(plan=with_closed_gates(made, known.closed(made, request), project.graph.placement))
            return drive(project, known, gated, recalled.command, opening, audience, left=left)


def resume_and_report(
    run: str | None, again: Command, output: OutputKind, *, accept_changes: bool, color: bool | None = None
) -> int:
    """Resume a run with reports, and return the exit code."""
    with reporting(output, color=color, nothing="Nothing was left to do.") as listeners:
        watched = replace(again, watched=output is OutputKind.LIVE)
        resumed = partial(resume, run, watched, accept_changes=accept_changes, patience=None)
        ran = with_notifications(again, listeners, resumed)
    note_repair(again.project_dir, ran.run_id, int(ran.exit_code))
    return int(ran.exit_code)


def retry_and_report(
    run: str | None,
    again: Command,
    output: OutputKind,
    *,
    color: bool | None = None,
    run_id: str | None = None,
) -> int:
    """Retry a run with reports, and return the exit code: 0 if there is nothing to retry."""
    message = "Nothing to retry: every step of the run succeeded, or its node no longer exists."
    with reporting(output, color=color, nothing="") as listeners:
        watched = replace(again, watched=output is OutputKind.LIVE)
        ran = with_notifications(
            again, listeners, lambda watching: retry(run, watched, watching, patience=None, run_id=run_id)
        )
        if ran is None:
            for listener in listeners:
                listener.hear(RunNotStarted(at=datetime.now(UTC), message=message, exit_code=0))
    if ran is None:
        open_console(sys.stderr).print(message, soft_wrap=True)
        return 0
    note_repair(again.project_dir, ran.run_id, int(ran.exit_code))
    return int(ran.exit_code)


def _recall(run: str | None, again: Command) -> _Recalled:
    with closing(open_store(load_settings(again.project_dir))) as store:
        reader = store.reader()
        found = reader.run(reader.find(run))
        before = tuple(runs_retried(reader, found))[::-1]  # what succeeded in them still counts
        manifest = reader.manifest(found.head.run_id)
    state = state_of(found.head, now=datetime.now(UTC), here=socket.gethostname(), lives=lives)
    if state is RunState.RUNNING:
        process = found.head.process
        raise RepairError(
            f"The run {found.head.run_id} is still running (process {process.pid} on {process.host}).",
            hint="`elt cancel` ends it.",
        )
    return _Recalled(run=found, before=before, command=command_of(found, again), manifest=manifest)


@contextmanager
def _reopened(recalled: _Recalled, hear: Callable[[Noticed], None]) -> Iterator[OpenProject]:
    """Open the project of a recorded run with the run's manifest as dbt's state; refuse another target."""
    command = recalled.command
    # A folder of its own: dbt's state must never be the live `target/`, which the parse overwrites.
    with TemporaryDirectory(prefix="elt-then-") as folder:
        if recalled.manifest is not None:
            (Path(folder) / "manifest.json").write_bytes(with_moments(recalled.manifest))
            command = compared_with(command, Path(folder))  # for state:modified
        with opened(command, Inbox(), hear=hear) as project:
            new_run = command.placement.command("elt run")
            require_same_target(project, recalled.run, new_run)
            require_consent_of(command, project)
            yield project


def _refuse_changes(project: OpenProject, run: RecordedRun, nodes: frozenset[NodeId], *, accept: bool) -> None:
    gone = gone_nodes(project.snapshot, run.plan.steps)
    if gone:
        raise RepairError(
            f"The run {run.head.run_id} cannot be resumed: the project no longer has {some_of(gone, _MOST_NAMED)}.",
            hint="`elt retry` runs the rest of it with the current code.",
        )
    changed = changes_since(project.snapshot, run, nodes)
    if changed and not accept:
        raise RepairError(
            f"The code has changed since the run {run.head.run_id}: {some_of(changed, _MOST_NAMED)}.",
            hint="Continue with the current code: elt resume --accept-changes. Or repair the run with it: elt retry.",
        )


def _changed(project: OpenProject, recalled: _Recalled) -> frozenset[NodeId]:
    """Return the nodes that changed since the run; none if it has no manifest to compare with."""
    return frozenset() if recalled.manifest is None else project.dbt.selector.matching(("state:modified",))


def _repair_of(project: OpenProject, recalled: _Recalled, changed: frozenset[NodeId], today: Plan) -> Plan:
    found = {run.head.run_id: found_in_target(project, run, changed) for run in recalled.runs}
    past = replace(past_of(recalled.runs, found), gone=gone_from_target(project, recalled.runs))
    made = repair(today, past, changed)  # what the target shows as built counts as a success
    for outcome in chain.from_iterable(found.values()):
        if outcome.step_id not in made.by_id:
            project.inbox.post(NoticeKind.LEFT_OUT, f"{short_name(NodeId(outcome.step_id))} was {outcome.message}")
    # What was added then is selected now; --full-refresh still applies only to what the user named.
    added = {step.id for step in recalled.steps if isinstance(step, BuildStep) and step.added}
    kept = tuple(
        replace(step, added=True) if isinstance(step, BuildStep) and step.id in added else step for step in made.steps
    )
    gone = gone_nodes(project.snapshot, recalled.steps)
    notes = (f"no longer in the project: {some_of(gone, _MOST_NAMED)}",) if gone else ()
    return replace(made, steps=kept, notes=(*made.notes, *notes))
