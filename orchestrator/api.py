"""Implements the verbs as functions, for the command line, notebooks and tests."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import OnBusy
from orchestrator.execution.attempt_rules import attempt_rules
from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.audience import PATIENCE
from orchestrator.execution.events import Noticed
from orchestrator.execution.foreword import Foreword
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.leases import leased_plan
from orchestrator.execution.ports import RunListener
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.command import Command
from orchestrator.plan.consent import Consents, refuse
from orchestrator.plan.estimate import Estimate, estimate_to_json
from orchestrator.plan.make_request import requested
from orchestrator.plan.plan import Plan
from orchestrator.plan.plan_words import plan_to_json
from orchestrator.plan.request import Upstream, Verb
from orchestrator.plan.step import StepId
from orchestrator.report.attempts_text import AttemptsText, attempts_json, attempts_text, seconds_of
from orchestrator.report.locked_text import locked_to_json
from orchestrator.report.plan_text import print_plan
from orchestrator.report.streams import open_console
from orchestrator.reuse.facts import LockedDatabase
from orchestrator.selection.criterion import own_criterion, plain_criterion, unions
from orchestrator.selection.nothing import nothing_to_do
from orchestrator.selection.own_lines import own_line
from orchestrator.ways.way import WayOfStep
from orchestrator.wiring.dbt_alone import DocsSite, dbt_command, dbt_writer, docs_site, list_with_dbt
from orchestrator.wiring.driving import FinishedRun, drive
from orchestrator.wiring.estimating import estimate_of
from orchestrator.wiring.noting import with_notifications
from orchestrator.wiring.planning import (
    dbt_args,
    decided,
    opened,
    planned,
    require_consent_of,
    selected,
    steps_for,
)
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.publishing import copy_of
from orchestrator.wiring.readiness import lacking, unmovable
from orchestrator.wiring.recording import new_run_id, opening_of
from orchestrator.wiring.reports import OutputKind, listening, reporting, tell_on_stderr

__all__ = [
    "Command",
    "DocsSite",
    "FinishedRun",
    "OnBusy",
    "OutputKind",
    "Planned",
    "Upstream",
    "Verb",
    "dbt_writer",
    "docs_site",
    "list_nodes",
    "plan",
    "run",
    "run_and_report",
    "run_dbt",
    "show_explanation",
    "show_plan",
]

_NO_DETAILS: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and the target where it would run."""

    plan: Plan
    database: str
    target: str
    attempts: AttemptRules
    """The number of attempts of each step, and their time limits."""
    attempts_shown: AttemptsText
    notices: tuple[Noticed, ...] = ()
    estimate: Estimate | None = None
    """How long the run takes; None if earlier runs do not show it."""
    ways: Mapping[StepId, WayOfStep]
    """By whose statements the node of a step is executed."""
    locked: LockedDatabase | None = None
    """The database, if another process has locked it. What only the database can answer is then unconfirmed."""


def plan(command: Command, hear: Callable[[Noticed], None] = lambda _notice: None) -> Planned:
    """Return the plan that `run` would execute; contacts no source system and changes nothing in the warehouse.

    If another process has locked the database file, the wait for it is as long as the command says. `hear` is called
    at once with notices that explain why the caller has to wait.
    """
    inbox = Inbox()
    with (
        opened(command, inbox, hear=hear, only_reads=True) as project,  # a locked database leaves decisions unconfirmed
        closing(open_store(project.settings)) as store,
    ):
        known = Knowledge(project=project, store=store)
        made = planned(command, project, known)
        attempts = attempt_rules(project.settings, project.graph, made, command)
        copy = copy_of(project, command.verb)
        problems = (*project.dbt.refusals(made), *unmovable(project, made), *lacking(project, made))
        notes = (
            *made.notes,
            *(f"cannot run yet: {problem}" for problem, _ in problems),
            *([] if copy is None else [f"after a green run, the database is copied to {copy}"]),
        )
        return Planned(
            plan=replace(made, notes=tuple(map(project.masker.text, notes))),
            database=project.database,
            target=project.target.name,
            attempts=attempts,
            attempts_shown=attempts_text(attempts, project.settings, made, command),
            notices=inbox.notices(),
            estimate=estimate_of(project, known, made),
            ways=project.ways(plain=command.plain).of_steps(made),
            locked=project.locked,
        )


def run(
    command: Command,
    listeners: Sequence[RunListener] = (),
    *,
    patience: timedelta | None = PATIENCE,
    run_id: str | None = None,
) -> FinishedRun:
    """Plan and execute a command; return every step's outcome when the listeners have received all events.

    A listener that does not return from one event within `patience` receives no more; None waits as long as it takes.
    The run gets a new id unless the caller has recorded one for it.

    Raises:
        ConditionError: A condition of the command did not come true in time.
        RunSkippedError: The same, and the condition says that the run is then skipped.
    """
    run_id = run_id or new_run_id()
    with listening(listeners, patience) as audience:
        foreword = Foreword(run_id, audience.tell_at_once)
        if command.wait_for:  # before anything is opened
            from orchestrator.wiring.asking import await_conditions

            await_conditions(command, foreword.hear)
        with opened(command, Inbox(), hear=foreword.hear, is_new_run=True) as project:
            require_consent_of(command, project)  # before anything waits for a lease
            # dbt resolves the selection once. The steps are made again under the lease, because tables may have
            # changed.
            request = requested(command, selected(command, project))
            with (
                closing(open_store(project.settings, begins_run=True)) as store,
                leased_plan(
                    store, project, command, run_id, lambda: steps_for(project, request), project.hear
                ) as steps,
            ):
                # Facts are read under the lease: from here on, no other run writes to these relations.
                known = Knowledge(project=project, store=store, run_id=run_id)
                made = decided(command, project, request, steps, known)
                opening = replace(opening_of(project, command, run_id, made.plan), notices=foreword.notices)
                return drive(project, known, made, command, opening, audience)


def run_and_report(
    command: Command, output: OutputKind, *, color: bool | None = None, run_id: str | None = None
) -> int:
    """Run with reports on the terminal, as lines or as JSON, and return the exit code."""
    with reporting(output, color=color, nothing=nothing_to_do(command.select)) as listeners:
        watched = replace(command, watched=output is OutputKind.LIVE)
        # Without a limit to the patience: a pager may read the output much later.
        ran = with_notifications(
            command, listeners, lambda watching: run(watched, watching, patience=None, run_id=run_id)
        )
        return int(ran.exit_code)


def show_plan(
    command: Command,
    *,
    as_json: bool,
    verbose: bool = False,
    heading: Sequence[str] = (),
    details: Mapping[str, object] = _NO_DETAILS,
) -> int:
    """Print the plan for users, or as one JSON document for programs; the exit code is 0.

    `verbose` shows every step of a plan that is otherwise shown by folder. The lines of the heading are printed above
    the plan, the details are added to the document.
    """
    made = plan(command, tell_on_stderr)
    if not as_json:
        for line in heading:
            open_console().print(line, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps({**_as_json(made), **details}, indent=2) + "\n")
    elif not made.plan.steps and not made.plan.left_out:
        open_console().print(nothing_to_do(command.select), soft_wrap=True)
    else:
        print_plan(
            open_console(),
            made.plan,
            made.attempts_shown,
            database=made.database,
            locked=made.locked,
            estimate=made.estimate,
            ways=made.ways if verbose else None,
        )
    return 0


def _as_json(made: Planned) -> dict[str, object]:
    more = {step.id: attempts_json(made.attempts, step.id) for step in made.plan.steps}
    more |= {step: {**more[step], "way": way.way, "why_dbt": way.why_dbt or None} for step, way in made.ways.items()}
    return {
        **plan_to_json(made.plan, more),
        "time_limit_seconds": seconds_of(made.attempts.run_limit),
        "database": made.database,
        "estimate": estimate_to_json(made.estimate),
        "unconfirmed": locked_to_json(made.locked),
    }


def show_explanation(command: Command, node: str, *, as_json: bool) -> int:
    """Print what a node's result depends on, now and at its last success; the exit code is 0."""
    from orchestrator.report.explanation import explanation_to_json, print_explanation
    from orchestrator.wiring.explaining import explain_node

    alone = replace(command, ingest=False)  # nothing is loaded, so mistakes in the ingestion modules do not matter
    with opened(
        alone, Inbox(), ("list",), hear=tell_on_stderr, only_reads=True, placement=command.placement
    ) as project:
        found = explain_node(project, command, node)
        if as_json:
            sys.stdout.write(json.dumps(explanation_to_json(found), indent=2, default=str) + "\n")
        else:
            print_explanation(open_console(), found)
    return 0


def show_upgrade(command: Command, *, as_json: bool) -> int:
    """Print what the installed releases of the tools make a run rebuild; the exit code is 0."""
    from orchestrator.report.upgrade_text import print_upgrade, upgrade_to_json
    from orchestrator.wiring.upgrading import preview_upgrade

    with opened(command, Inbox(), hear=tell_on_stderr, only_reads=True) as project:
        found = preview_upgrade(project, command)
    if as_json:
        sys.stdout.write(json.dumps(upgrade_to_json(found), indent=2) + "\n")
    else:
        print_upgrade(open_console(), found)
    return 0


def list_nodes(command: Command, *, output: str, output_keys: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the nodes of a selection as `dbt ls` does, one line each; dlt resources and suites by their ids.

    `output` is dbt's `json`, `name`, `path` or `selector`; `output_keys` are those of `json`.
    """
    settings = load_settings(command.project_dir)
    parts = [part for item in (*unions(command.select), *unions(command.exclude)) for part in item.split(",")]
    # dbt alone answers in most cases. Opening the whole project would also import the ingestion modules.
    reaches_steps = settings.steps and any("+" in part or "@" in part for part in parts)
    if not any(map(own_criterion, parts)) and not reaches_steps:
        expressions = (command.select, command.exclude)
        names = tuple(plain.value for part in parts if (plain := plain_criterion(part)) is not None)
        loads = names if settings.ingestion_folder is not None else ()
        args = dbt_args(("list",), command, settings)
        lines = list_with_dbt(
            settings, args, expressions, output, output_keys, known_to_dbt=loads, placement=command.placement
        )
        if lines is not None:
            return lines
    inbox = Inbox()
    with opened(command, inbox, ("list",)) as project:
        snapshot = selected(command, project)
        selection = snapshot.selection
        # A list of resource types is dbt's, and names none of ours.
        steps = frozenset[NodeId]() if selection.is_everything else selection.steps
        ours = sorted(selection.ingest | selection.suites | steps) if snapshot.kept_types is None else []
        listed = (
            project.dbt.list_lines(selection.selected, output, output_keys) if selection.selected or not ours else ()
        )
        return (*listed, *(own_line(node, output) for node in ours))


def run_dbt(words: tuple[str, ...], project_dir: Path | None = None, consents: Consents = refuse) -> int:
    """Run any dbt command in the project and return its exit code; dbt writes to the terminal itself."""
    return dbt_command(words, project_dir, consents)
