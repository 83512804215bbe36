"""Executes a plan in an open project, and records the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.config.settings import OnNoData
from orchestrator.execution.attempt_rules import attempt_rules
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import RunListener
from orchestrator.execution.printed import printed_as_notices
from orchestrator.execution.recorded import Opening
from orchestrator.execution.resume import Continued
from orchestrator.execution.reuse import RunReuse
from orchestrator.execution.shadow import ShadowReuse
from orchestrator.execution.signals import stop_on_signals
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.execution.verdict import ExitCode, exit_code, run_status
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep
from orchestrator.reuse.foresee import Foreseen
from orchestrator.wiring.command import Command
from orchestrator.wiring.found import Left
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.publishing import copy_of, publish
from orchestrator.wiring.readiness import require_ready
from orchestrator.wiring.retention import forget_old_runs
from orchestrator.wiring.reusing import Knowledge
from orchestrator.wiring.runners import make_runners
from orchestrator.wiring.shadowing import shadow_of
from orchestrator.wiring.verifying import share_of

_NOTHING = Left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A finished run."""

    run_id: str
    plan: Plan
    outcomes: tuple[Outcome, ...]
    exit_code: ExitCode


def drive(
    project: OpenProject,
    known: Knowledge,
    foreseen: Foreseen,
    command: Command,
    opening: Opening,
    listeners: Sequence[RunListener],
    continued: Continued | None = None,
    left: Left = _NOTHING,
) -> Ran:
    """Run a command's plan, record each step, and return the outcome of every step.

    `known` is what was known about the target before the run. `continued` is what a resumed run brings. `left` is
    the unfinished work that earlier runs started on these steps.
    """
    plan = foreseen.plan
    require_ready(project, plan)
    copy = copy_of(project, command.verb)
    reuse = known.reuse(foreseen, opening.run_id, continued, share_of(command, project.settings))
    reuse.continued = left.batches.keys()
    if command.shadow_reuse:
        reuse.shadow = shadow_of(project, known.facts)
    terms = _terms(project, plan, command, opening.run_id, reuse, continued)
    writer = known.store.writer(opening)
    settled = () if continued is None else (*continued.settled, *continued.found)
    stood = reuse.judge.past.standing.keys() & {step.id for step in plan.steps if isinstance(step, BuildStep)}
    runners = make_runners(
        project,
        plan,
        settled,
        left=left,
        has_stood=bool(stood),
        reader=known.reader,
        on_content=known.facts.note_content,
    )
    stop = StopRequest()
    with stop_on_signals(stop), printed_as_notices(project.inbox):
        outcomes = run_plan(
            plan,
            runners.by_lane,
            terms=terms,
            listeners=(*runners.listeners, *listeners),
            inbox=project.inbox,
            clock=_now,
            stop=stop,
            writer=writer,
        )
    forget_old_runs(known.store, project.settings.keep_runs, _now(), project.hear)
    code = _exit_code(project, reuse.shadow, outcomes)
    if copy is not None and plan.steps and code is ExitCode.SUCCESS:
        code = publish(project, copy, writer)
    return Ran(run_id=opening.run_id, plan=plan, outcomes=outcomes, exit_code=code)


def _terms(
    project: OpenProject, plan: Plan, command: Command, run_id: str, reuse: RunReuse, continued: Continued | None
) -> RunTerms:
    """Return the terms of a run: the settings, the command's options, and what a resumed run brings with it."""
    return RunTerms(
        run_id=run_id,
        database=project.database,
        limits=project.limits(),
        fail_fast=bool(project.session.flags.FAIL_FAST),
        skip_without_news=project.settings.on_no_data is OnNoData.SKIP,
        grace=command.grace,
        attempts=attempt_rules(project.settings, project.graph, plan, command),
        settled=None if continued is None else continued.settled,
        found=() if continued is None else continued.found,
        tried={} if continued is None else continued.tried,
        reuse=reuse,
    )


def _exit_code(project: OpenProject, shadow: ShadowReuse | None, outcomes: tuple[Outcome, ...]) -> ExitCode:
    """Return the exit code, and report the result of a shadow run."""
    code = exit_code(run_status(outcomes))
    if shadow is None:
        return code
    kind = NoticeKind.WARNING if shadow.wrong else NoticeKind.NOTE
    project.hear(Noticed(at=_now(), kind=kind, message=shadow.summary(len(outcomes))))
    return ExitCode.NOT_GREEN if shadow.wrong and code is ExitCode.SUCCESS else code


def _now() -> datetime:
    return datetime.now(UTC)
