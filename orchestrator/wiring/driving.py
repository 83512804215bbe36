"""Executes a plan in an open project, and records the run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from orchestrator.errors import StoreError
from orchestrator.execution.attempt_rules import attempt_rules
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.events import Event, Noticed, NoticeKind
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.load_rules import load_rules
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import AllRun, Reuse, RunStore, RunWriter
from orchestrator.execution.printed import printed_as_notices
from orchestrator.execution.reconcile import Left
from orchestrator.execution.recorded import Opening
from orchestrator.execution.resume import Continued
from orchestrator.execution.reuse import RunReuse
from orchestrator.execution.shadow import ShadowReuse
from orchestrator.execution.signals import stop_on_signals
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.execution.verdict import ExitCode, exit_code, run_status
from orchestrator.plan.command import Command, share_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep
from orchestrator.reuse.plan_decisions import DecidedPlan
from orchestrator.wiring.estimating import start_estimates
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.publishing import copy_of, publish
from orchestrator.wiring.readiness import require_ready
from orchestrator.wiring.retention import forget_old_runs
from orchestrator.wiring.runners import make_runners
from orchestrator.wiring.shadowing import shadow_of

_NOTHING = Left()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A finished run."""

    run_id: str
    plan: Plan
    outcomes: tuple[Outcome, ...]
    exit_code: ExitCode


def drive(
    project: OpenProject,
    known: Knowledge,
    decided_plan: DecidedPlan,
    command: Command,
    opening: Opening,
    audience: Audience,
    continued: Continued | None = None,
    left: Left = _NOTHING,
) -> FinishedRun:
    """Run a command's plan, record each step, and return the outcome of every step.

    `known` is what was known about the target before the run. `continued` is what a resumed run brings. `left` is
    the unfinished work that earlier runs started on these steps.
    """
    plan = decided_plan.plan
    require_ready(project, plan)  # before the run is recorded: a refused run leaves no record
    copy = copy_of(project, command.verb)
    reuse = _reuse_of(project, known, decided_plan, command, opening, continued, left)
    terms = _terms(project, plan, command, opening.run_id, reuse or AllRun(), continued)
    estimates = start_estimates(project, known, plan, command, audience)
    writer = known.store.writer(opening)  # nothing is written before its first event
    settled = () if continued is None else (*continued.settled, *continued.found)
    runners = make_runners(
        project,
        plan,
        settled,
        left=left,
        was_built=reuse is not None and _was_built(reuse, plan),
        known=known,
        command=command,
    )
    inbox, stop = project.inbox, StopRequest()
    # A listener that is too slow gets the events that were not queued for it from the record.
    reread = partial(_happened, known.store, opening.run_id)
    with estimates, audience.rereading(reread), _stoppable(stop, audience) as has_ended, printed_as_notices(inbox):
        outcomes = run_plan(
            plan,
            thread_executors(runners.by_executor, terms.limits, inbox, _now),
            terms=replace(terms, estimate=estimates.at_start(), expected_seconds=estimates.expected_seconds()),
            chronicle=Chronicle(audience, inbox, _now, writer=writer, ledgers=runners.ledgers),
            inbox=inbox,
            clock=_now,
            stop=stop,
        )
        has_ended(exit_code(run_status(outcomes)))
    tell = partial(_tell, project, writer, opening.run_id)
    forget_old_runs(known.store, project.settings.keep_runs, _now(), tell)  # after the run, whose own record counts too
    has_ended(code := _exit_code(None if reuse is None else reuse.shadow, outcomes, tell))
    if copy is not None and plan.steps and code is ExitCode.SUCCESS:  # readers never see a state that is not green
        has_ended(ExitCode.NOT_GREEN)  # if copying is interrupted
        has_ended(code := publish(project, copy, tell))
    return FinishedRun(run_id=opening.run_id, plan=plan, outcomes=outcomes, exit_code=code)


def _reuse_of(
    project: OpenProject,
    known: Knowledge,
    decided_plan: DecidedPlan,
    command: Command,
    opening: Opening,
    continued: Continued | None,
    left: Left,
) -> RunReuse | None:
    """Return what decides on reuse during the run; None if nothing that this dbt builds can be reused."""
    if not project.dbt.reuses:
        return None
    reuse = known.reuse(decided_plan, opening.run_id, continued, share_of(command, project.settings))
    reuse.continued = left.batches.keys()
    if command.shadow_reuse:
        reuse.shadow = shadow_of(project, known.facts)
    return reuse


def _was_built(reuse: RunReuse, plan: Plan) -> bool:
    """Return whether earlier runs built nodes of the plan, and so left markers.

    If the tables of the markers are missing, they were lost: a warning says so.
    """
    return not reuse.evaluator.past.last_success.keys().isdisjoint(step.id for step in plan.of(BuildStep))


@contextmanager
def _stoppable(stop: StopRequest, audience: Audience) -> Iterator[Callable[[ExitCode], None]]:
    """Heed signals, and let the audience know at the end whether a user has stopped the run.

    Yield what `stop_on_signals` does.
    """
    try:
        with stop_on_signals(stop) as has_ended:
            yield has_ended
    finally:
        if stop.is_set():
            audience.note_stop()


def _terms(
    project: OpenProject, plan: Plan, command: Command, run_id: str, reuse: Reuse, continued: Continued | None
) -> RunTerms:
    """Return the terms of a run: the settings, the command's options, and what a resumed run brings with it."""
    return RunTerms(
        run_id=run_id,
        database=project.database,
        limits=project.limits(),
        routes=project.dbt.routes,
        fail_fast=project.snapshot.flags.fail_fast,
        loads=load_rules(project.settings, project.graph, plan),
        grace=command.grace,
        attempts=attempt_rules(project.settings, project.graph, plan, command),
        settled=None if continued is None else continued.settled,
        found=() if continued is None else continued.found,
        tried={} if continued is None else continued.tried,
        reuse=reuse,
    )


def _tell(project: OpenProject, writer: RunWriter, run_id: str, notice: Noticed) -> None:
    """Record and send a notice after the end of the run."""
    notice = replace(notice, run_id=run_id, message=project.masker.text(notice.message))
    with suppress(StoreError):  # the run itself is recorded
        (notice,) = (event for event in writer.record([notice]) if isinstance(event, Noticed))
    project.hear(notice)


def _exit_code(shadow: ShadowReuse | None, outcomes: tuple[Outcome, ...], tell: Callable[[Noticed], None]) -> ExitCode:
    """Return the exit code, and report the result of a shadow run."""
    code = exit_code(run_status(outcomes))
    if shadow is None:
        return code
    kind = NoticeKind.WARNING if shadow.wrong else NoticeKind.NOTE
    tell(Noticed(at=_now(), kind=kind, message=shadow.summary(len(outcomes))))
    return ExitCode.NOT_GREEN if shadow.wrong and code is ExitCode.SUCCESS else code


def _happened(store: RunStore, run_id: str, first: int, last: int) -> Iterable[Event]:
    """Return recorded events of a run, for listeners that missed them."""
    return (event for event in store.reader().events(run_id, first - 1) if (event.sequence or 0) <= last)


def _now() -> datetime:
    return datetime.now(UTC)
