"""Adopts tables that plain dbt built: decides which, and records them as a run of their own."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from orchestrator.adapters.dbt.node_outcomes import rows_written
from orchestrator.adapters.record_sql import Home, adds_marker
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.adoption.candidates import Gathered, Ruled
from orchestrator.adoption.dbt_run import FileTimes, asked_of_environment
from orchestrator.adoption.ruling import RulingAct
from orchestrator.errors import AdoptionError, UnsupportedWarehouseError, WarehouseError
from orchestrator.execution.events import Noticed, RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request
from orchestrator.execution.verdict import ExitCode
from orchestrator.nodes.run_results import DbtArtifacts
from orchestrator.plan.command import Command
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep
from orchestrator.reuse.facts import TABLE, content_text
from orchestrator.reuse.last_success import Mark, RecordedFingerprint
from orchestrator.wiring.open_project import OpenProject
from orchestrator.wiring.recording import opening_of

VERB = "adopt"
_REFUSED_FLAGS = ("empty", "sample", "event_time_start", "event_time_end", "defer", "full_refresh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """The decisions on the nodes of a selection."""

    invocation_id: str
    run_id: str
    """The id of the recorded run; empty if nothing was recorded."""
    nodes: tuple[Ruled, ...]
    dry_run: bool

    @property
    def exit_code(self) -> ExitCode:
        """Return 1 if every node was refused; a node that was known before counts as adopted."""
        acts = [ruled.ruling.act for ruled in self.nodes if isinstance(ruled.step, BuildStep)]
        return ExitCode.NOT_GREEN if acts and all(act is RulingAct.REFUSE for act in acts) else ExitCode.SUCCESS


def refuse_what_cannot_be(project: OpenProject, artifacts: DbtArtifacts) -> None:
    """Raise UsageError if the artifacts belong to another project, or nothing can be adopted in the target."""
    theirs, ours = artifacts.manifest.project_name, project.graph.manifest.project_name
    if theirs != ours:
        raise AdoptionError(
            f"The artifacts belong to the project {theirs}, and this project is {ours}.",
            hint="Name the folder with the artifacts of this project.",
        )
    if project.target.is_for_dbt_alone:
        raise UnsupportedWarehouseError(
            f"Nothing can be adopted in the target {project.target.name}: only dbt 2.x opens its database.",
            hint="Remove `dbt.command` from elt.yml to use dbt 1.x.",
        )
    if not project.target.is_shared:
        raise UnsupportedWarehouseError(
            f"Nothing can be adopted in the target {project.target.name}: that needs a DuckDB file or a PostgreSQL"
            " database.",
            hint="Choose another target with --target.",
        )
    set_ones = project.snapshot.flags.given(*_REFUSED_FLAGS)
    if set_ones:
        names = ", ".join(f"DBT_{name.upper()}" for name in set_ones)
        raise AdoptionError(
            f"Nothing can be adopted while these settings change what dbt builds: {names}.",
            hint="Unset them in the environment and in the flags of dbt_project.yml.",
        )


def file_times(project: OpenProject) -> FileTimes | None:
    """Open the database, and return when its file was last written before; None for a target without a file.

    Another process may have had the file open until it was opened here: then the later time is returned.
    """
    if project.target.path is None or not project.target.is_there:
        return None
    path = Path(project.target.path)
    before = _last_written(path)  # opening the file may write to it
    project.warehouse()
    profiles = project.snapshot.flags.profiles_dir / "profiles.yml"
    return FileTimes(
        database=max(before, _last_written(path)),
        profiles=_modified(profiles),
        project=_modified(project.settings.dbt_project_dir / "dbt_project.yml"),
        unshown=_unshown(project, profiles),
    )


def _unshown(project: OpenProject, profiles: Path) -> str:
    """Describe the target's settings that come from outside profiles.yml; empty if there are none."""
    target = project.target
    try:
        output = yaml.safe_load(profiles.read_text())[target.profile]["outputs"][target.name]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return "profiles.yml"
    if not isinstance(output, dict):
        return "profiles.yml"
    if output.get("plugins") or output.get("module_paths"):  # code that the file's times do not cover
        return "the code of the plugins in profiles.yml"
    setting = asked_of_environment(output)
    return f"`{setting}` in profiles.yml, which reads the environment," if setting else ""


def _last_written(path: Path) -> datetime:
    # DuckDB writes to the log first: the file itself may be older than the last commit.
    moments = (_modified(one) for one in (path, path.with_name(f"{path.name}.wal")))
    return max(moment for moment in moments if moment is not None)


def _modified(path: Path) -> datetime | None:
    with suppress(OSError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


def adopt_nodes(
    project: OpenProject, gathered: Gathered, command: Command, *, dry_run: bool, drain: Callable[[], Sequence[Noticed]]
) -> Adoption:
    """Decide which nodes are adopted, and record them unless it is a dry run."""
    # Before the decisions: a target that cannot keep markers must refuse before copies are built.
    record = None if dry_run else _writable_record(project, drain)
    nodes = gathered.ruled(dry_run=dry_run)
    adopted = [ruled for ruled in nodes if ruled.ruling.act is RulingAct.ADOPT]
    if adopted and not dry_run:
        _record(project, gathered, command, adopted)
        if record is not None:  # if the process dies before this, the next run builds them: it finds no marker
            _mark(gathered, adopted)
    return Adoption(
        invocation_id=gathered.artifacts.run.invocation_id,
        run_id=gathered.run_id if adopted and not dry_run else "",
        nodes=tuple(nodes),
        dry_run=dry_run,
    )


def _writable_record(project: OpenProject, drain: Callable[[], Sequence[Noticed]]) -> SqlTargetRecord | None:
    """Create the tables for markers in the target; None if no markers are wanted.

    Raises:
        WarehouseError: The tables cannot be created.
    """
    record = project.record()
    if record is None or not project.target.is_there:
        return None
    drain()  # only notices of what follows explain a failure
    record.make([project.target.database])
    if not record.is_made(project.target.database):
        message = next((notice.message for notice in drain()), "its tables cannot be created")
        raise WarehouseError(
            f"Nothing can be adopted: {message.splitlines()[0]}",
            hint="Make the target writable, or set state_in_target: false in elt.yml.",
        )
    return record


def _record(project: OpenProject, gathered: Gathered, command: Command, adopted: Sequence[Ruled]) -> None:
    """Record the adoption as a run of its own, in one transaction."""
    run_id, now = gathered.run_id, datetime.now(UTC)
    # Nothing ran, so nothing waited, and the parents may not be in this plan.
    plan = Plan(steps=tuple(replace(ruled.step, parents=(), after=()) for ruled in adopted))
    opening = replace(opening_of(project, command, run_id, plan), verb=VERB)
    outcomes = tuple(_outcome(ruled, gathered, now) for ruled in adopted)
    events: list[RunEvent] = [RunStarted(run_id=run_id, at=now, plan=plan, database=project.target.description)]
    for ruled, outcome in zip(adopted, outcomes, strict=True):
        known = RecordedFingerprint(fingerprint=ruled.evaluation.fingerprint, identity=ruled.evaluation.built)
        events += [
            StepStarted(at=now, step_id=ruled.step.id),
            StepEnded(at=now, outcome=outcome, known=known),
        ]
    status = Status.WARN if any(outcome.status is Status.WARN for outcome in outcomes) else Status.SUCCESS
    events.append(RunEnded(run_id=run_id, at=now, status=status, outcomes=outcomes))
    gathered.known.store.writer(opening).record(events)


def _outcome(ruled: Ruled, gathered: Gathered, now: datetime) -> Outcome:
    result = ruled.result
    if result is None:
        raise ValueError(f"{ruled.step.id} has no result")
    response = result.record.get("adapter_response")
    content = gathered.content(ruled.step.node) if isinstance(ruled.step, BuildStep) else None
    invocation_id = gathered.artifacts.run.invocation_id
    adopted = f"adopted from dbt's invocation {invocation_id}: {ruled.ruling.reason}"
    message = result.record.get("message") if result.status == "warn" else None
    return Outcome(
        step_id=ruled.step.id,
        status=Status.WARN if result.status == "warn" else Status.SUCCESS,
        tool_word=result.status,
        message=f"{message} ({adopted})" if message else adopted,
        started_at=result.started_at or now,
        ended_at=result.ended_at or now,
        rows_affected=rows_written(result.unique_id, response if isinstance(response, dict) else None),
        row_count=content.count if content is not None and content.kind == TABLE else None,
        failures=result.record.get("failures"),
        path=ruled.step.path,
        dbt_results=(result.record,),
    )


def _mark(gathered: Gathered, adopted: Sequence[Ruled]) -> None:
    """Write a marker into the target for each adopted relation, with what the relation holds."""
    project = gathered.project
    nodes, database = project.graph.manifest.nodes, project.target.database
    for ruled in adopted:
        content = gathered.content(ruled.step.node)
        if content is None or not isinstance(ruled.step, BuildStep):
            continue
        mark = Mark(digest=ruled.evaluation.fingerprint.digest, identity=ruled.evaluation.built)
        request = Request(run_id=gathered.run_id, step=ruled.step, mark=mark)
        name = str(nodes[ruled.step.node].relation_name)
        # The content was read before it was verified, so the next run notices any change made since then.
        text = content_text(content)
        project.warehouse().ask(adds_marker(Home(database=database), name, request, mark, is_whole=True, content=text))
