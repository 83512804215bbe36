"""Makes the plan of a command: opens the project, resolves the selection, calls the planner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.errors import DbtLimitError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.recent_loads import with_recent_loads
from orchestrator.execution.sample import noted_sample
from orchestrator.nodes.abilities import missing_abilities
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.command import Command, share_of
from orchestrator.plan.consent import require_consent_to_flags, unknown_targets
from orchestrator.plan.make_request import nothing_for, requested
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream, Verb
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.reuse.plan_decisions import DecidedPlan
from orchestrator.reuse.target_facts import WarehouseFacts
from orchestrator.selection.resolve import resolve
from orchestrator.wiring.dbt_alone import can_ingest
from orchestrator.wiring.dbt_choice import KeptUse
from orchestrator.wiring.open_project import DbtCall, OpenProject, open_project

_DBT_COMMANDS = {
    Verb.BUILD: ("build",),
    Verb.INGEST: ("build",),
    Verb.TEST: ("test",),
    Verb.FRESHNESS: ("source", "freshness"),
}


@contextmanager
def opened(
    command: Command,
    inbox: Inbox,
    dbt_words: tuple[str, ...] | None = None,
    hear: Callable[[Noticed], None] = lambda _notice: None,
    *,
    only_reads: bool = False,
    is_new_run: bool = False,
    placement: Placement | None = None,
) -> Iterator[OpenProject]:
    """Open the command's project for one dbt command line; `dbt_words` replace the dbt words of the verb.

    With `only_reads`, the command runs nothing and continues without a database file that another process has locked.
    `is_new_run` says that it runs, and does not continue an earlier run. The placement is that of the command, unless
    another one is given.
    """
    settings = load_settings(command.project_dir)
    words = _DBT_COMMANDS[command.verb] if dbt_words is None else dbt_words
    needs_ingestion = command.verb is Verb.INGEST or (
        command.verb is Verb.BUILD and command.ingest and command.upstream is not Upstream.NONE
    )
    placement = placement or command.placement
    feeds_tests = bool(placement.prefix) and placement.loads  # their sources are read from prefixed datasets
    # A command that needs no loads must work without the extra `dlt`. The loads are then left unknown.
    reads_ingestion = (command.verb is not Verb.TEST or feeds_tests) and (needs_ingestion or can_ingest(settings))
    with open_project(
        settings,
        DbtCall(
            words=dbt_args(words, command, settings),
            scheduled=command.scheduled,
            kept=_use_of_kept(command, only_reads=only_reads, is_new_run=is_new_run),
        ),
        inbox,
        needs_ingestion=needs_ingestion if reads_ingestion else None,
        placement=placement,
        lock_timeout=command.lock_timeout,
        only_reads=only_reads,
        hear=hear,
    ) as project:
        yield project


def _use_of_kept(command: Command, *, only_reads: bool, is_new_run: bool) -> KeptUse:
    """Return what a command does with kept answers: a run that may do without dbt starts from them."""
    if only_reads:
        return KeptUse.READ
    if not is_new_run or command.verb not in {Verb.BUILD, Verb.TEST}:
        return KeptUse.NONE
    return KeptUse.WRITE if command.plain else KeptUse.READ


def require_consent_of(command: Command, project: OpenProject) -> None:
    """Raise UsageError if a command empties or rebuilds tables of a protected target without consent.

    A run with a schema prefix writes to no table that others read.
    """
    if command.verb is not Verb.BUILD or command.schema_prefix:
        return

    def consents(question: str) -> bool:
        project.hear(Noticed(at=datetime.now(UTC), kind=NoticeKind.NOTE, message=question))  # a live view makes way
        return command.consents(question)

    require_consent_to_flags(project.settings, project.target.name, project.snapshot.flags, consents)


def dbt_args(words: tuple[str, ...], command: Command, settings: Settings) -> tuple[str, ...]:
    """Return dbt's command line in the project's folder, with the profile that dbt finds from the working folder."""
    args = [*words, *command.dbt_options, "--project-dir", str(settings.dbt_project_dir)]
    if command.profiles_dir is not None:
        args += ["--profiles-dir", str(command.profiles_dir)]
    # dbt runs in the project's folder, so it would look for the profile there and not in the working folder.
    elif (Path.cwd() / "profiles.yml").exists():
        args += ["--profiles-dir", str(Path.cwd())]
    for option, expressions in (("--select", command.select), ("--exclude", command.exclude)):
        args += [option, *expressions] if expressions else []  # dbt needs them too, because it records them
    return tuple(args)


def planned(command: Command, project: OpenProject, known: Knowledge | None = None) -> Plan:
    """Return the plan of a command; raises SelectionError if it must select something and selects nothing.

    `known` decides which steps need not run; without it every step runs.
    """
    request = requested(command, selected(command, project))
    return decided(command, project, request, steps_for(project, request), known).plan


def selected(command: Command, project: OpenProject) -> ProjectSnapshot:
    """Return the project's snapshot with what the command selects."""
    selection = resolve(
        select=command.select,
        exclude=command.exclude,
        has_selector=command.has_selector,
        selector=project.dbt.selector,
        graph=project.graph,
    )
    return replace(project.snapshot, selection=selection)


def steps_for(project: OpenProject, request: PlanRequest) -> Plan:
    """Return the plan of a request, from the relations that exist now; without decisions, so every step runs."""
    project.locked_database()  # a plan refuses a database that a run could not open
    made = make_plan(project.graph, request, WarehouseFacts(project))
    missing = missing_abilities(project.target) if request.verb is Verb.BUILD else None
    notes = (
        *unknown_targets(project.settings, project.target.siblings),
        *project.dbt.notes(made),
        *([missing] if missing else []),
    )
    return replace(made, notes=(*made.notes, *notes))


def decided(
    command: Command, project: OpenProject, request: PlanRequest, made: Plan, known: Knowledge | None = None
) -> DecidedPlan:
    """Return a plan with a decision for each step; raises SelectionError if it is empty and must not be."""
    error = nothing_for(command.verb, command.select, project.graph) if not made.steps else None
    if error is not None and not command.allow_empty:
        raise error
    if known is None or command.verb is not Verb.BUILD:  # only builds are reused
        return DecidedPlan(plan=made)
    share = share_of(command, project.settings)
    if not project.dbt.reuses:
        _refuse_reuse(command, share)
        return DecidedPlan(plan=made)
    made = with_recent_loads(made, project, known.reader, known.last_attempts, datetime.now(UTC))
    skips = command.skip_unchanged or command.shadow_reuse
    found = known.decided(made, request, skip_unchanged=skips, verifies=share > 0, keeps_hooks=command.shadow_reuse)
    noted = noted_sample(found.plan, known.verifiable, share) if share else found.plan
    # Last: a load that keeps failing is not attempted, whatever was decided about the steps below it.
    return replace(found, plan=known.with_open_circuits(noted))


def _refuse_reuse(command: Command, share: float) -> None:
    """Raise DbtLimitError if a command asks for what needs a dbt whose results can be reused."""
    asked = {
        "--skip-unchanged": command.skip_unchanged,
        "--shadow-reuse": command.shadow_reuse,
        "--verify-reuse": share > 0,
    }
    names = [name for name, is_asked in asked.items() if is_asked]
    if names:
        raise DbtLimitError(
            f"Results of dbt 2.x are not reused, so {' and '.join(names)} cannot be used.",
            hint=f"Leave {names[0]} out, or remove `dbt.command` from elt.yml to use dbt 1.x.",
        )
