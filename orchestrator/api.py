"""The verbs as functions: what the command line does, a notebook or a test can do through here."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import OnNoData, OnRunStart, Settings
from orchestrator.errors import EltError
from orchestrator.execution.audience import Audience
from orchestrator.execution.events import Noticed
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.loop import RunTerms, run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import RunListener
from orchestrator.execution.signals import stop_on_signals
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.verdict import ExitCode, exit_code, run_status
from orchestrator.nodes.manifest import read_manifest
from orchestrator.plan.explain import plan_to_json
from orchestrator.plan.for_verb import loaded_for, nothing_for, selected_for
from orchestrator.plan.plan import Plan
from orchestrator.plan.planner import make_plan
from orchestrator.plan.request import PlanRequest, Upstream, Verb
from orchestrator.report.plan_text import print_plan
from orchestrator.report.streams import open_console
from orchestrator.selection.criterion import own_criterion, unions
from orchestrator.selection.nothing import nothing_matched, nothing_to_do
from orchestrator.selection.own_lines import own_line
from orchestrator.selection.resolve import Selection, resolve
from orchestrator.wiring.dbt_alone import can_ingest, dbt_command, list_with_dbt
from orchestrator.wiring.project import OpenProject, WarehouseFacts, open_project
from orchestrator.wiring.readiness import lacking, require_ready
from orchestrator.wiring.reports import OutputKind, reporting, tell_on_stderr
from orchestrator.wiring.runners import make_runners

__all__ = [
    "Command",
    "OutputKind",
    "Planned",
    "Ran",
    "Upstream",
    "Verb",
    "known_names",
    "list_nodes",
    "plan",
    "run",
    "run_and_report",
    "run_dbt",
    "show_plan",
]

_DBT_COMMANDS = {
    Verb.BUILD: ("build",),
    Verb.INGEST: ("build",),
    Verb.TEST: ("test",),
    Verb.FRESHNESS: ("source", "freshness"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the user asks for: a verb, dbt's options as dbt writes them, a selection, and ours."""

    verb: Verb = Verb.BUILD
    dbt_options: tuple[str, ...] = ()
    """Without the selection, the project's folder and the profiles' folder, which stand below."""
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    has_selector: bool = False
    """Whether `dbt_options` names a selector."""
    project_dir: Path | None = None
    profiles_dir: Path | None = None
    upstream: Upstream = Upstream.AUTO
    ingest: bool = True
    freshness: bool = True
    tests: bool = True
    allow_empty: bool = False
    lock_timeout: float | None = None
    """Seconds; None for the setting of elt.yml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and where it would run."""

    plan: Plan
    database: str
    target: str
    notices: tuple[Noticed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that has ended."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    exit_code: ExitCode


def plan(command: Command, hear: Callable[[Noticed], None] = lambda _notice: None) -> Planned:
    """Make the plan that `run` would execute; asks no source system and changes nothing in the warehouse.

    `hear` is told at once of what makes the caller wait.
    """
    inbox = Inbox(_now)
    with _opened(command, inbox, hear=hear) as project:
        made = _plan(command, project)
        notes = (*made.notes, *(f"cannot run yet: {problem}" for problem, _ in lacking(project, made)))
        return Planned(
            plan=replace(made, notes=notes),
            database=project.target.description,
            target=project.target.name,
            notices=_drained(inbox),
        )


def run(command: Command, listeners: Sequence[RunListener] = ()) -> Ran:
    """Plan and execute; every step's outcome is in the answer, and the listeners hear of each as it ends."""
    inbox = Inbox(_now)
    audience = Audience(listeners, _now)
    with _opened(command, inbox, hear=audience.tell) as project:
        made = _plan(command, project)
        require_ready(project, made)
        runners = make_runners(project, made)
        stop = StopRequest()
        with stop_on_signals(stop):
            outcomes = run_plan(
                made,
                runners.by_lane,
                terms=_terms(project),
                listeners=(*runners.listeners, *listeners),
                inbox=inbox,
                clock=_now,
                stop=stop,
            )
        return Ran(plan=made, outcomes=outcomes, exit_code=exit_code(run_status(outcomes)))


def run_and_report(command: Command, output: OutputKind, *, color: bool | None = None) -> int:
    """Run with reports on the terminal, as lines or as JSON, and give the exit code."""
    with reporting(output, color=color, nothing=nothing_to_do(command.select)) as listeners:
        return int(run(command, listeners).exit_code)


def show_plan(command: Command, *, as_json: bool, verbose: bool = False) -> int:
    """Print the plan for people, or as one JSON document for programs; the exit code is 0.

    `verbose` shows every step of a plan that is else shown by folders.
    """
    made = plan(command, tell_on_stderr)
    if as_json:
        sys.stdout.write(json.dumps({**plan_to_json(made.plan), "database": made.database}, indent=2) + "\n")
    elif not made.plan.steps and not made.plan.left_out:
        open_console().print(nothing_to_do(command.select), soft_wrap=True)
    else:
        print_plan(open_console(), made.plan, database=made.database, verbose=verbose)
    return 0


def list_nodes(command: Command, *, output: str, output_keys: tuple[str, ...] = ()) -> tuple[str, ...]:
    """List what the selection names as `dbt ls` does, one line each; dlt resources and suites by their ids.

    `output` is dbt's `json`, `name`, `path` or `selector`; `output_keys` are those of `json`.
    """
    settings = load_settings(command.project_dir)
    items = (*unions(command.select), *unions(command.exclude))
    if not any(own_criterion(part) for item in items for part in item.split(",")):
        expressions = (command.select, command.exclude)
        return list_with_dbt(settings, _dbt_args(("list",), command, settings), expressions, output, output_keys)
    inbox = Inbox(_now)
    with _opened(command, inbox, ("list",)) as project:
        selection = _resolved(command, project)
        ours = sorted(selection.ingest | selection.suites) if project.selector.kept_types() is None else []
        listed = project.list_lines(selection.selected, output, output_keys) if selection.selected or not ours else ()
        return (*listed, *(own_line(node, output) for node in ours))


def run_dbt(words: tuple[str, ...], project_dir: Path | None = None) -> int:
    """Run any dbt command in the project and give its exit code; dbt writes to the terminal itself."""
    return dbt_command(words, project_dir)


def known_names(project_dir: Path | None = None) -> tuple[str, ...]:
    """Give the names in the last manifest, for completion; none when there is no readable one."""
    try:
        manifest = read_manifest(load_settings(project_dir).dbt_project_dir / "target" / "manifest.json")
    except EltError:
        return ()
    names = {node.name for node in manifest.nodes.values()} | {
        f"source:{source.source_name}.{source.name}" for source in manifest.sources.values()
    }
    return tuple(sorted(names))


@contextmanager
def _opened(
    command: Command,
    inbox: Inbox,
    dbt_words: tuple[str, ...] | None = None,
    hear: Callable[[Noticed], None] = lambda _notice: None,
) -> Iterator[OpenProject]:
    settings = load_settings(command.project_dir)
    words = _DBT_COMMANDS[command.verb] if dbt_words is None else dbt_words
    needs_ingestion = command.verb is Verb.INGEST or (
        command.verb is Verb.BUILD and command.ingest and command.upstream is not Upstream.NONE
    )
    with open_project(
        settings,
        _dbt_args(words, command, settings),
        inbox,
        with_ingestion=command.verb is not Verb.TEST and (needs_ingestion or can_ingest()),
        needs_ingestion=needs_ingestion,
        lock_timeout=command.lock_timeout,
        hear=hear,
    ) as project:
        yield project


def _dbt_args(words: tuple[str, ...], command: Command, settings: Settings) -> tuple[str, ...]:
    """Write dbt's command line: in the project's folder, with the profile that dbt would find from the user's."""
    args = [*words, *command.dbt_options, "--project-dir", str(settings.dbt_project_dir)]
    if command.profiles_dir is not None:
        args += ["--profiles-dir", str(command.profiles_dir)]
    elif (Path.cwd() / "profiles.yml").exists():
        args += ["--profiles-dir", str(Path.cwd())]
    for option, expressions in (("--select", command.select), ("--exclude", command.exclude)):
        args += [option, *expressions] if expressions else []  # dbt selects by what it is asked, and records this
    return tuple(args)


def _plan(command: Command, project: OpenProject) -> Plan:
    selection = _resolved(command, project)
    if selection.is_empty and not command.allow_empty:
        error = nothing_for(command.verb, command.select, project.graph) if selection.is_everything else None
        error = error or nothing_matched(command.select, project.graph, exclude=command.exclude)
        if error is not None:
            raise error
    selected, direct = selected_for(command.verb, selection)
    request = PlanRequest(
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
        hooks_after_ingest=project.settings.on_run_start is OnRunStart.AFTER_INGEST,
    )
    made = make_plan(project.graph, request, WarehouseFacts(project))
    error = nothing_for(command.verb, command.select, project.graph) if not made.steps else None
    if error is not None and not command.allow_empty:
        raise error
    return made


def _resolved(command: Command, project: OpenProject) -> Selection:
    return resolve(
        select=command.select,
        exclude=command.exclude,
        has_selector=command.has_selector,
        selector=project.selector,
        graph=project.graph,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _terms(project: OpenProject) -> RunTerms:
    return RunTerms(
        run_id=f"{_now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}",
        database=project.target.description,
        limits=project.limits(),
        fail_fast=bool(project.session.flags.FAIL_FAST),
        skip_without_news=project.settings.on_no_data is OnNoData.SKIP,
    )


def _drained(inbox: Inbox) -> tuple[Noticed, ...]:
    found = []
    while isinstance(message := inbox.take(0), Noticed):
        found.append(message)
    return tuple(found)
