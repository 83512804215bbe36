"""Reads the artifacts of one invocation of dbt from a folder: the manifest and the result of each node."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import ArtifactsError
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.manifest import manifest_from

KNOWN_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
_FILES = ("manifest.json", "run_results.json")
_HINT = "Name a folder with the manifest.json and the run_results.json of one `dbt build`. Copy both together."
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtResult:
    """The result of one node."""

    unique_id: NodeId
    status: str
    """dbt's own status."""
    compiled_code: str | None
    relation_name: str | None
    started_at: datetime | None
    """When its execution began."""
    ended_at: datetime | None
    record: Raw = field(default_factory=dict)
    """The result as dbt wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtRun:
    """One invocation of dbt."""

    invocation_id: str
    dbt_version: str
    command: str
    args: Raw
    """Every flag by its lower-case name."""
    started_at: datetime
    ended_at: datetime
    results: Mapping[NodeId, DbtResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtArtifacts:
    """A manifest, and the results of the invocation that wrote it."""

    manifest: Manifest
    run: DbtRun


def read_artifacts(folder: Path) -> DbtArtifacts:
    """Return the two artifacts in a folder.

    Raises:
        ArtifactsError: the folder or a file is missing, is not an artifact, or the files are of different invocations.
        ManifestError: the manifest has another version, or is incomplete.
    """
    if not folder.is_dir():
        raise ArtifactsError(f"The folder {folder} does not exist.", hint=_HINT)
    manifest, results = (_json_of(folder / name) for name in _FILES)
    ids = [(_metadata(raw).get("invocation_id")) for raw in (manifest, results)]
    read = manifest_from(manifest, folder / _FILES[0])
    run = run_from(results, folder / _FILES[1])
    if not all(ids) or ids[0] != ids[1]:
        raise ArtifactsError(
            f"The manifest.json and the run_results.json in {folder} come from different invocations of dbt:"
            f" {ids[0]} and {ids[1]}.",
            hint="A later command, such as `dbt ls`, overwrote one of them. Run `dbt build` and copy both together.",
        )
    return DbtArtifacts(manifest=read, run=run)


def run_from(raw: object, path: Path) -> DbtRun:
    """Return the values of a run_results.json; `path` is used in messages only. Raises ArtifactsError."""
    metadata = _metadata(raw)
    if not isinstance(raw, dict) or metadata.get("dbt_schema_version") != KNOWN_SCHEMA:
        version = metadata.get("dbt_schema_version") or "no version"
        raise ArtifactsError(f"{path} is not a run_results.json of version 6: it has {version}.", hint=_HINT)
    try:
        results = {result.unique_id: result for result in map(_result, raw["results"])}
        ended_at = _moment(metadata["generated_at"])
        starts = [one.started_at for one in results.values() if one.started_at is not None]
        invoked_at = metadata.get("invocation_started_at")
        return DbtRun(
            invocation_id=str(metadata.get("invocation_id")),
            dbt_version=str(metadata.get("dbt_version")),
            command=str(raw["args"].get("which")),
            args=dict(raw["args"]),
            started_at=_moment(invoked_at) if invoked_at else min(starts, default=ended_at),
            ended_at=ended_at,
            results=results,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactsError(
            f"{path} does not look like version 6: {type(error).__name__}: {error}.", hint=_HINT
        ) from error


def _json_of(path: Path) -> object:
    try:
        found: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArtifactsError(f"{path} does not exist.", hint=_HINT) from None
    except OSError as error:
        raise ArtifactsError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except ValueError as error:
        raise ArtifactsError(f"{path} is not valid JSON: {error}.", hint=_HINT) from error
    return found


def _metadata(raw: object) -> Raw:
    found = raw.get("metadata") if isinstance(raw, dict) else None
    return found if isinstance(found, dict) else {}


def _result(row: Raw) -> DbtResult:
    timing = {str(one["name"]): one for one in row.get("timing") or ()}
    execute = timing.get("execute") or {}
    code = row.get("compiled_code")
    return DbtResult(
        unique_id=NodeId(str(row["unique_id"])),
        status=str(row["status"]),
        compiled_code=code if isinstance(code, str) else None,
        relation_name=row.get("relation_name"),
        started_at=next(_moments(execute, "started_at"), None),
        ended_at=next(_moments(execute, "completed_at"), None),
        record=row,
    )


def _moments(timing: Raw, name: str) -> Iterator[datetime]:
    if timing.get(name):
        yield _moment(timing[name])


def _moment(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
