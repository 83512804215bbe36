"""Opens the store of a project, and says how a run begins."""

import getpass
import json
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from orchestrator.config.settings import Settings
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import Code, Opening, Process, RecordedFingerprint
from orchestrator.plan.step import StepId
from orchestrator.wiring.command import Command
from orchestrator.wiring.log_files import log_dir
from orchestrator.wiring.masking import masked, masked_words, secrets_of
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.versions import installed_versions

_GIT_SECONDS = 5
_HEAD = 4096  # bytes; dbt writes the metadata first
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


def opening_of(
    project: OpenProject, command: Command, run_id: str, fingerprints: Mapping[StepId, RecordedFingerprint]
) -> Opening:
    """Say how a run of the project begins, with secrets masked."""
    secrets = secrets_of(os.environ)
    shown_vars = masked(dict(project.session.flags.VARS or {}), secrets)
    return Opening(
        run_id=run_id,
        started_at=datetime.now(UTC),
        verb=command.verb.value,
        trigger="cli" if command.words else "api",
        command=masked_words(command.words, secrets, json.dumps(shown_vars)),
        selected={
            "select": list(command.select),
            "exclude": list(command.exclude),
            "selector": getattr(project.session.flags, "SELECTOR", None),
            "upstream": command.upstream.value,
        },
        vars=shown_vars if isinstance(shown_vars, dict) else {},
        code=code_at(project.settings.project_root),
        versions=installed_versions(),
        target=project.target.name,
        target_identity=project.target.identity,
        database=project.target.description,
        process=this_process(),
        manifest=without_moments(project.manifest_file.read_bytes()),
        fingerprints=fingerprints,
    )


def without_moments(manifest: bytes) -> bytes:
    """Drop from a manifest's head what every parse writes anew, so that the same project is the same text."""
    head = _MOMENTS.sub(rb"\1null", manifest[:_HEAD])
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
