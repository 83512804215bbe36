"""Refuses to continue a recorded run in another place than the one that it wrote to."""

from orchestrator.errors import RepairError
from orchestrator.execution.recorded import RecordedRun
from orchestrator.execution.resume import settled
from orchestrator.plan.placement import placed
from orchestrator.plan.step import BuildStep, IngestStep
from orchestrator.wiring.open_project import OpenProject


def require_same_target(project: OpenProject, run: RecordedRun, new_run: str) -> None:
    """Raise RepairError if the target of a recorded run is another one now; `new_run` is the command of a new run."""
    then, now = run.head.target_identity, project.target.identity
    if then != now:
        raise RepairError(
            f"The run {run.head.run_id} wrote to {then}; its target {project.target.name} is now {now}.",
            hint=f"Restore the target in profiles.yml, or start a new run: {new_run}",
        )
    wrote = any(isinstance(run.plan.by_id[outcome.step_id], BuildStep | IngestStep) for outcome in settled(run))
    if wrote and project.target.is_file and not project.target.is_there:
        raise RepairError(
            f"The database {project.target.path}, to which the run {run.head.run_id} wrote, no longer"
            " exists, so nothing that it built exists.",
            hint=f"Restore the file, or start a new run: {new_run}",
        )
    _require_same_schemas(project, run, new_run)


def _require_same_schemas(project: OpenProject, run: RecordedRun, new_run: str) -> None:
    """Refuse to resume if nothing that a run built is in the place where it would be built now.

    The schema is not part of a target's identity. A model whose own schema was edited counts as a changed model.
    """
    built = {outcome.step_id for outcome in settled(run) if not outcome.status.halts}
    steps = [step for step in run.plan.of(BuildStep) if step.id in built and step.writes]
    moved = [
        (step.writes[0], now)
        for step in steps
        if (now := placed(project.graph, step.node)) is not None and now not in step.writes
    ]
    if moved and len(moved) == len(steps):  # if only some moved, their code was edited
        then, now = moved[0]
        raise RepairError(
            f"The run {run.head.run_id} built {then}, but now the relation is {now}, in another schema.",
            hint=f"Restore the schema in profiles.yml, or start a new run: {new_run}",
        )
