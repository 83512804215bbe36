"""Builds the opening record of a run."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from orchestrator.config.installed import installed_versions
from orchestrator.execution.changes import digests_of
from orchestrator.execution.liveness import this_process
from orchestrator.execution.recorded import Code, Opening
from orchestrator.execution.recorded_command import asked_of, vars_text
from orchestrator.plan.command import Command, share_of
from orchestrator.plan.placement import places_of, written_by
from orchestrator.plan.plan import Plan
from orchestrator.wiring.open_project import OpenProject

_GIT_SECONDS = 5
_HEAD = 4096  # bytes; dbt writes the metadata first
_NO_MOMENTS = re.compile(rb'("(?:generated_at|invocation_started_at|run_started_at)": )null')
_MOMENTS = re.compile(rb'("(?:generated_at|invocation_id|invocation_started_at|run_started_at)": )"[^"]*"')


def new_run_id() -> str:
    """Return an id for a run that starts now; ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"  # two runs may start in the same second


def opening_of(project: OpenProject, command: Command, run_id: str, plan: Plan) -> Opening:
    """Return the opening record of a run of the project, with secrets masked."""
    masker = project.masker
    shown_vars = masker.value(dict(project.snapshot.flags.vars))
    text = vars_text(shown_vars)
    return Opening(
        run_id=run_id,
        started_at=datetime.now(UTC),
        verb=command.verb.value,
        trigger=_trigger_of(command),
        logical_date=command.scheduled.logical_time if command.scheduled else None,
        command=masker.words(command.words, text),
        selected={
            **asked_of(command, masker, text),
            "verify_reuse": share_of(command, project.settings),
            "files": digests_of(plan, project.settings.project_root),
        },
        vars=json.loads(json.dumps(shown_vars, default=str)),
        code=code_at(project.settings.project_root),
        versions={
            **installed_versions(),
            **project.dbt.versions,
            **(project.host.versions() if project.host is not None else {}),
        },
        target=project.target.name,
        target_identity=project.target.identity,
        database=project.database,
        process=this_process(),
        manifest=without_moments(masker.json(project.dbt.manifest_json())),  # equal projects are stored once
        places=places_of(project.graph, [step.id for step in plan.steps]),
        writes={step.id: written_by(project.graph, step, project.target.database) for step in plan.steps},
    )


def _trigger_of(command: Command) -> str:
    if command.scheduled is not None:
        return "schedule"
    return "cli" if command.words else "api"


def without_moments(manifest: bytes) -> bytes:
    """Replace the times and ids that each parse writes into a manifest's head, so equal projects have equal text."""
    # Only the head: a manifest has megabytes, and a text of the project may contain the same words.
    head = _MOMENTS.sub(rb"\1null", manifest[:_HEAD])
    return head + manifest[_HEAD:]


def with_moments(manifest: bytes) -> bytes:
    """Put times back into a recorded manifest, because dbt does not read one without them: the start of the epoch."""
    head = _NO_MOMENTS.sub(rb'\1"1970-01-01T00:00:00Z"', manifest[:_HEAD])
    return head + manifest[_HEAD:]


def code_at(folder: Path) -> Code | None:
    """Return the commit that a folder has checked out; None outside git, or if git does not answer in time."""
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    if commit is None or changes is None:
        return None
    return Code(commit=commit.strip(), dirty=bool(changes.strip()))


def _git(folder: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout
