"""Asks dbt's target: whether a query is true, and whether a source is fresh. Nothing is recorded or written there."""

from collections.abc import Sequence
from contextlib import suppress

from orchestrator.adapters.conditions.database_condition import refused, several_statements, telling_line, verdict_on
from orchestrator.conditions.answer import Answer, impossible, not_yet, true, unknown
from orchestrator.conditions.condition_text import AskedQuestion
from orchestrator.config.loader import load_settings
from orchestrator.errors import EmptySelectionError, WarehouseError
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request
from orchestrator.execution.routes import route_of
from orchestrator.execution.stopping import StepStop
from orchestrator.nodes.target import Target
from orchestrator.plan.command import Command
from orchestrator.plan.make_request import requested
from orchestrator.plan.request import Verb
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep
from orchestrator.wiring.dbt_choice import dbt_of
from orchestrator.wiring.planning import dbt_args, opened, selected, steps_for
from orchestrator.wiring.runners import make_runners

_LOCK = "Could not set lock on file"


def ask_target(statement: str, question: AskedQuestion) -> Answer:
    """Return whether the first value of a query on dbt's target is true; dbt itself opens the connection."""
    if (several := several_statements(statement)) is not None:
        return several
    command = _command(question)
    settings = load_settings(command.project_dir)
    dbt = dbt_of(settings)
    try:
        target = dbt.open(dbt_args(("source", "freshness"), command, settings))
        # A dbt that cannot be asked says so at once, and not when the file exists.
        if not target.is_for_dbt_alone and (missing := _missing(target)) is not None:
            return missing
        return verdict_on(dbt.ask(statement))
    except WarehouseError as error:
        return _locked() if _LOCK in error.message else refused(error.message)
    except Exception as error:
        if _LOCK in str(error):  # dbt passes on what the driver raises while it opens the file
            return _locked()
        raise
    finally:
        dbt.close()


def ask_source(name: str, question: AskedQuestion) -> Answer:
    """Return whether a dbt source is fresh, as `elt freshness` judges it."""
    command = _command(question, f"source:{name}")
    with suppress(EmptySelectionError), opened(command, Inbox(), only_reads=True) as project:
        if (missing := _missing(project.target)) is not None:
            return missing
        plan = steps_for(project, requested(command, selected(command, project)))
        gates = plan.of(FreshnessStep)
        if gates:
            runners = make_runners(project, plan).by_executor
            asked = [(runners[route_of(gate).executor], Request(run_id="asked", step=gate)) for gate in gates]
            return _freshness([one for runner, request in asked for one in runner.run([request], StepStop())])
    return impossible(
        "no dbt source of this name has a freshness to judge it by",
        "Correct the name, or set `freshness` of the source: warn_after or error_after.",
    )


def _freshness(outcomes: Sequence[Outcome]) -> Answer:
    """Return the answer of the worst source; one that only warns is fresh enough for a run."""
    broken = [one for one in outcomes if one.status not in {Status.SUCCESS, Status.WARN, Status.FAIL}]
    stale = [one for one in outcomes if one.status is Status.FAIL]
    if broken:
        return _locked() if _LOCK in broken[0].message else unknown(telling_line(broken[0].message))
    if stale:
        return not_yet(stale[0].message or "it is stale")
    return true(next((one.message for one in outcomes if one.message), "it is fresh"))


def _locked() -> Answer:
    return unknown("another process has locked the database")


def _missing(target: Target) -> Answer | None:
    """Return the answer for a database file that does not exist, and that a question must not create."""
    return not_yet(f"the database {target.path} does not exist") if target.is_file and not target.is_there else None


def _command(question: AskedQuestion, *select: str) -> Command:
    return Command(
        verb=Verb.FRESHNESS,
        select=select,
        dbt_options=question.dbt_options,
        project_dir=question.project,
        profiles_dir=question.profiles,
        lock_timeout=0,
    )
