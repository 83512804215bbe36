"""Checks before a plan runs that credentials are present and that the database can be shared."""

import os
from collections.abc import Iterator

from orchestrator.adapters.dlt.destinations import refused_destination
from orchestrator.adapters.great_expectations.gx_extra import require_installed
from orchestrator.adapters.own_steps.step_readiness import unready
from orchestrator.config.mistakes import Mistakes
from orchestrator.errors import DbtLimitError, LoadConfigurationError, UsageError
from orchestrator.plan.decision import Act
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, IngestStep, OwnStep, ValidationStep
from orchestrator.wiring.open_project import OpenProject


def require_ready(project: OpenProject, plan: Plan) -> None:
    """Raise if dbt cannot run the plan, if a load lacks its configuration, or if what loads or validates is missing.

    Required are the optional tool, and a database file that can be shared.
    """
    impossible = dict(project.dbt.refusals(plan))
    if impossible:
        raise DbtLimitError("\n".join(impossible), hint="\n".join(dict.fromkeys(impossible.values())))
    unmoved = dict(unmovable(project, plan))
    if unmoved:
        names = " ".join(unmoved.values())
        raise UsageError("\n".join(unmoved), hint=f"Exclude what writes elsewhere: --exclude {names}")
    # All at once: a configuration that cannot work is corrected before the run (decision 3).
    missing = dict(lacking(project, plan))
    if missing:
        raise LoadConfigurationError("\n".join(missing), hint="\n".join(dict.fromkeys(missing.values())))
    _require_ready_steps(project, plan)
    validates = bool(plan.of(ValidationStep))
    if validates:
        require_installed()
    if validates or plan.of(IngestStep):
        project.warehouse()  # now, so that a locked or unsupported database refuses the run and not a step


def _require_ready_steps(project: OpenProject, plan: Plan) -> None:
    """Raise ConfigurationError if a step of elt.yml lacks its program, its function or a variable."""
    mistakes, settings = Mistakes(), project.settings
    for step in plan.of(OwnStep):
        if step.decision is not None and step.decision.act in {Act.REUSE, Act.CLOSED}:
            continue
        for problem in unready(step, settings.project_root, {**os.environ}):
            line = project.graph.steps[step.node].line if step.node in project.graph.steps else 1
            mistakes.in_file(settings.elt_yml or settings.project_root, line, f"'steps.{step.name}': {problem}")
    mistakes.raise_if_any()


def unmovable(project: OpenProject, plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why each model that would write outside of the prefixed schemas cannot be built, with its name."""
    for step in plan.steps:
        reason = project.dbt.unmoved.get(step.node) if isinstance(step, BuildStep) else None
        if reason is not None:
            yield f"{step.name} ({step.path}) cannot be built with a schema prefix: {reason}", step.name


def lacking(project: OpenProject, plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the problem that prevents each load of the plan from running, with a hint for how to fix it."""
    for step in plan.of(IngestStep):
        source = project.graph.dlt_sources.get(step.source)
        if source is None:
            continue
        problem, hint = source.problem, source.hint
        if not problem and project.target.is_shared:
            problem, hint = refused_destination(source.pipeline, source.destination, project.target.adapter)
        if problem:
            yield f"{problem} ({source.module})", hint
