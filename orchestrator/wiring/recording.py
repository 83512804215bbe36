"""Opens the store of a project, and says how a run begins."""

import getpass
import json
import os
import re
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil

from orchestrator.config.settings import Settings
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import Code, Opening, Process
from orchestrator.plan.placement import places_of, written_by
from orchestrator.plan.plan import Plan
from orchestrator.wiring.asked import asked_of
from orchestrator.wiring.changes import digests_of
from orchestrator.wiring.command import Command
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.verifying import share_of
from orchestrator.wiring.versions import installed_versions

_GIT_SECONDS = 5
_HEAD = 4096  # bytes; dbt writes the metadata first
_NO_MOMENTS = re.compile(rb'("(?:generated_at|invocation_started_at|run_started_at)": )null')
_MOMENTS = re.compile(rb'("(?:generated_at|invocation_id|invocation_started_at|run_started_at)": )"[^"]*"')


def open_store(settings: Settings) -> RunStore:
    """Open the store that the settings name; nothing is written, or looked for, until it is used."""
    from orchestrator.store.database import store_url
    from orchestrator.store.sql_store import SqlStore

    log_dir(settings)  # makes the folder of ours, out of git's sight
    return SqlStore(store_url(settings.store, settings.project_root))


def query_store(settings: Settings, statement: str) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Ask the store in SQL, on a connection that cannot write: the names of the columns, and the rows.

    Raises:
        StoreError: there is no store, or it refuses the statement.
    """
    from orchestrator.store.database import store_url
    from orchestrator.store.query import query

    return query(store_url(settings.store, settings.project_root), statement)


def new_run_id() -> str:
    """Make the id of a run that begins now: ids are in the order of time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"


def opening_of(project: OpenProject, command: Command, run_id: str, plan: Plan) -> Opening:
    """Say how a run of the project begins, with secrets masked."""
    masker = project.masker
    shown_vars = masker.value(dict(project.session.flags.VARS or {}))
    return Opening(
        run_id=run_id,
        started_at=datetime.now(UTC),
        verb=command.verb.value,
        trigger="cli" if command.words else "api",
        command=masker.words(command.words, json.dumps(shown_vars)),
        selected={
            **asked_of(command, masker, json.dumps(shown_vars)),
            "verify_reuse": share_of(command, project.settings),
            "files": digests_of(plan, project.settings.project_root),
        },
        vars=shown_vars if isinstance(shown_vars, dict) else {},
        code=code_at(project.settings.project_root),
        versions=installed_versions(),
        target=project.target.name,
        target_identity=project.target.identity,
        database=project.target.description,
        process=this_process(),
        manifest=without_moments(masker.json(project.manifest_file.read())),
        places=places_of(project.graph, [step.id for step in plan.steps]),
        writes={step.id: written_by(project.graph, step, project.target.database) for step in plan.steps},
    )


def without_moments(manifest: bytes) -> bytes:
    """Drop from a manifest's head what every parse writes anew, so that the same project is the same text."""
    head = _MOMENTS.sub(rb"\1null", manifest[:_HEAD])
    return head + manifest[_HEAD:]


def with_moments(manifest: bytes) -> bytes:
    """Give a recorded manifest moments again, for dbt reads none without: those of the beginning of time."""
    head = _NO_MOMENTS.sub(rb'\1"1970-01-01T00:00:00Z"', manifest[:_HEAD])
    return head + manifest[_HEAD:]


def this_process() -> Process:
    """Say who drives the run."""
    own = psutil.Process()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    started = datetime.fromtimestamp(own.create_time(), UTC)
    return Process(host=socket.gethostname(), pid=own.pid, started_at=started, user=user)


def lives(process: Process, heard_at: datetime) -> bool:
    """Say whether a process of this machine is still the one that was recorded, and gave a sign of life then."""
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked how it ended
            return False
        started = datetime.fromtimestamp(found.create_time(), UTC)
    except psutil.Error:
        return False
    if process.started_at is None or abs((started - process.started_at).total_seconds()) < 2:
        return True
    # When the clock is set, the start of every process moves with it; who has the pid anew began after the last sign.
    return started <= heard_at


def code_at(folder: Path) -> Code | None:
    """Give the commit that a folder stands at; None outside of git, or when git does not answer in time."""
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
