"""Makes the plan of a command: opens the project, resolves the selection, calls the planner."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import OnRunStart, Settings
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.inbox import Inbox
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.for_verb import loaded_for, nothing_for, selected_for, selects_nothing
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream, Verb
from orchestrator.plan.step import BuildStep, FreshnessStep, IngestStep, Step, StepId, TestStep, ValidationStep
from orchestrator.reuse.foresee import Foreseen
from orchestrator.selection.nothing import nothing_matched
from orchestrator.selection.resolve import Selection, resolve
from orchestrator.wiring.command import Command
from orchestrator.wiring.consent import require_consent_to_flags, unknown_targets
from orchestrator.wiring.dbt_alone import can_ingest
from orchestrator.wiring.project import OpenProject, WarehouseFacts, open_project
from orchestrator.wiring.reusing import Knowledge
from orchestrator.wiring.verifying import Verifiable, share_of

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
    placement: Placement | None = None,
) -> Iterator[OpenProject]:
    """Open the command's project for one dbt command line; `dbt_words` replace the dbt words of the verb.

    With `only_reads`, the command runs nothing and continues without a database file that another process holds. The
    placement is that of the command, unless another one is given.
    """
    settings = load_settings(command.project_dir)
    words = _DBT_COMMANDS[command.verb] if dbt_words is None else dbt_words
    needs_ingestion = command.verb is Verb.INGEST or (
        command.verb is Verb.BUILD and command.ingest and command.upstream is not Upstream.NONE
    )
    placement = placement or command.placement
    feeds_tests = bool(placement.prefix) and placement.loads
    reads_ingestion = (command.verb is not Verb.TEST or feeds_tests) and (needs_ingestion or can_ingest())
    with open_project(
        settings,
        dbt_args(words, command, settings),
        inbox,
        needs_ingestion=needs_ingestion if reads_ingestion else None,
        placement=placement,
        lock_timeout=command.lock_timeout,
        only_reads=only_reads,
        hear=hear,
    ) as project:
        yield project


def require_consent_of(command: Command, project: OpenProject) -> None:
    """Raise UsageError if a command empties or rebuilds tables of a protected target without consent.

    A run with a schema prefix writes to no table that others read.
    """
    if command.verb is not Verb.BUILD or command.schema_prefix:
        return

    def consents(question: str) -> bool:
        project.hear(Noticed(at=datetime.now(UTC), kind=NoticeKind.NOTE, message=question))  # a live view makes way
        return command.consents(question)

    require_consent_to_flags(project.settings, project.target.name, project.session.flags, consents)


def dbt_args(words: tuple[str, ...], command: Command, settings: Settings) -> tuple[str, ...]:
    """Return dbt's command line in the project's folder, with the profile that dbt finds from the working folder."""
    args = [*words, *command.dbt_options, "--project-dir", str(settings.dbt_project_dir)]
    if command.profiles_dir is not None:
        args += ["--profiles-dir", str(command.profiles_dir)]
    elif (Path.cwd() / "profiles.yml").exists():
        args += ["--profiles-dir", str(Path.cwd())]
    for option, expressions in (("--select", command.select), ("--exclude", command.exclude)):
        args += [option, *expressions] if expressions else []  # dbt needs them too, because it records them
    return tuple(args)


def planned(command: Command, project: OpenProject, known: Knowledge | None = None) -> Plan:
    """Return the plan of a command; raises SelectionError if it must select something and selects nothing.

    `known` decides which steps need not run; without it every step runs.
    """
    request = requested(command, project)
    return decided(command, project, request, steps_for(project, request), known).plan


def requested(command: Command, project: OpenProject) -> PlanRequest:
    """Return the request of a command; raises SelectionError if it must select something and selects nothing."""
    selection = resolved(command, project)
    if selects_nothing(command.verb, selection, project.graph) and not command.allow_empty:
        error = nothing_for(command.verb, command.select, project.graph) if selection.is_everything else None
        error = error or nothing_matched(command.select, project.graph, exclude=command.exclude)
        if error is not None:
            raise error
    return _request(command, project, selection)


def steps_for(project: OpenProject, request: PlanRequest) -> Plan:
    """Return the plan of a request, from the relations that exist now; without decisions, so every step runs."""
    made = make_plan(project.graph, request, WarehouseFacts(project))
    return replace(made, notes=(*made.notes, *unknown_targets(project.settings, project.target.siblings)))


def decided(
    command: Command, project: OpenProject, request: PlanRequest, made: Plan, known: Knowledge | None = None
) -> Foreseen:
    """Return a plan with a decision for each step; raises SelectionError if it is empty and must not be."""
    error = nothing_for(command.verb, command.select, project.graph) if not made.steps else None
    if error is not None and not command.allow_empty:
        raise error
    if known is None or command.verb is not Verb.BUILD:
        return Foreseen(plan=made)
    share = share_of(command, project.settings)
    skips = command.skip_unchanged or command.shadow_reuse
    found = known.decided(made, request, skip_unchanged=skips, verifies=share > 0, keeps_hooks=command.shadow_reuse)
    noted = Verifiable(project, known.maker).noted(found.plan, share) if share else found.plan
    return replace(found, plan=known.with_open_circuits(noted))


def requested_again(command: Command, project: OpenProject, before: Sequence[Step]) -> PlanRequest:
    """Return a request for what recorded steps ran, and what that needs now; nodes that no longer exist are omitted."""
    manifest = project.graph.manifest
    found = {step.node for step in before if isinstance(step, BuildStep | TestStep | FreshnessStep)}
    there = frozenset(node for node in found if node in manifest.nodes or node in manifest.sources)
    loads = frozenset(node for step in before if isinstance(step, IngestStep) for node in step.nodes)
    suites = frozenset(step.id for step in before if isinstance(step, ValidationStep))
    excluded = resolved(replace(command, select=(), has_selector=False), project)
    return replace(
        _request(command, project, excluded),
        selected=there,
        direct=there,
        ingest_selected=loads & project.graph.ingest.keys(),
        suites_selected=frozenset(suite for suite in project.graph.suites if StepId(suite) in suites),
        resource_types=None,
    )


def resolved(command: Command, project: OpenProject) -> Selection:
    """Return the selection of the command."""
    return resolve(
        select=command.select,
        exclude=command.exclude,
        has_selector=command.has_selector,
        selector=project.selector,
        graph=project.graph,
    )


def _request(command: Command, project: OpenProject, selection: Selection) -> PlanRequest:
    selected, direct = selected_for(command.verb, selection)
    return PlanRequest(
        verb=command.verb,
        selected=selected,
        direct=direct,
        excluded=selection.excluded,
        deferred=selection.deferred,
        ingest_selected=loaded_for(command.verb, selection, project.graph),
        suites_selected=selection.suites,
        resource_types=project.selector.kept_types(),
        upstream=command.upstream,
        ingest=command.ingest,
        freshness=command.freshness,
        tests=command.tests,
        skip_nodes_if_on_run_start_fails=bool(project.session.flags.skip_nodes_if_on_run_start_fails),
        freshness_runs_hooks=bool(project.session.flags.source_freshness_run_project_hooks),
        hooks_after_ingest=project.settings.on_run_start is OnRunStart.AFTER_INGEST,
    )
