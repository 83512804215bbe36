"""Writes dbt's artifacts (run_results.json, sources.json, manifest.json) from the outcomes of a run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from orchestrator.adapters.dbt.manifest_file import replaced, write_manifest
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.errors import EltError, FullDiskError, ProjectError
from orchestrator.execution.outcome import Outcome
from orchestrator.faults import Point, passing
from orchestrator.full_disk import full_disk_sentence, is_full_disk
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep, node_of

Json = Mapping[str, object]


def artifact(*, metadata: Json, results: Sequence[Json], elapsed: float, args: Json | None = None) -> dict[str, object]:
    """Return run_results.json or sources.json as a dictionary; sources.json has no `args`."""
    document: dict[str, object] = {"metadata": metadata, "results": list(results), "elapsed_time": elapsed}
    if args is not None:
        document["args"] = args
    return document


def records(plan: Plan, outcomes: Iterable[Outcome], skipped: Mapping[NodeId, Json], *, sources: bool) -> list[Json]:
    """Return the entries of `results` in the order in which the steps ended; steps that dbt does not run have none."""
    found: list[Json] = []
    for outcome in outcomes:
        step = plan.by_id[outcome.step_id]
        if isinstance(step, FreshnessStep) is not sources:
            continue
        node = node_of(step)
        if node is not None and node in skipped and not _is_telling(outcome):
            found.append(skipped[node])
        else:
            found.extend(outcome.dbt_results)
    return found


def _is_telling(outcome: Outcome) -> bool:
    """Return whether to keep dbt's own record of a cancelled step: its batch results show which batches remain."""
    return any(record.get("batch_results") for record in outcome.dbt_results)


_LEFT_ALONE = frozenset({Status.REUSED, Status.SKIPPED})
"""Statuses of steps that dbt did not compile: these steps do not change the manifest that the parse wrote."""


def write_artifacts(  # what a run leaves
    session: DbtSession,
    plan: Plan,
    outcomes: Sequence[Outcome],
    instead: Mapping[NodeId, Json],
    *,
    started_at: datetime,
    elapsed: float,
) -> None:
    """Write dbt's artifacts of a run; `instead` has the results of nodes that dbt did not run.

    Raises:
        ProjectError: a file cannot be written. FullDiskError: the disk is full.
    """
    if not session.flags.WRITE_JSON:
        return
    target = session.target_path
    try:
        target.mkdir(parents=True, exist_ok=True)
        passing(Point.ARTIFACT_BEGUN)
        # A run without dbt's nodes leaves the results of the last one as they are.
        if any(node_of(step) for step in plan.steps):
            results = records(plan, outcomes, instead, sources=False)
            arguments = _arguments(session, started_at)
            document = artifact(metadata=_metadata("run-results"), results=results, elapsed=elapsed, args=arguments)
            _write_json(target / "run_results.json", document)
            if any(outcome.status not in _LEFT_ALONE for outcome in outcomes):
                # again, now with the compiled code of the nodes that ran
                write_manifest(session.manifest, str(target)).close()
        if any(not step.by_load for step in plan.of(FreshnessStep)):
            sources = records(plan, outcomes, {}, sources=True)  # empty if no source could be queried
            document = artifact(metadata=_metadata("sources"), results=sources, elapsed=elapsed)
            _write_json(target / "sources.json", document)
    except OSError as error:
        raise _unwritten(target, error) from error


def _arguments(session: DbtSession, at: datetime) -> Json:
    """Return the invocation's arguments as dbt records them, with secrets scrubbed as dbt scrubs them."""
    import dbt.utils
    from dbt.artifacts.schemas.run import RunResultsArtifact

    scrubbed = RunResultsArtifact.from_execution_results(
        results=[], elapsed_time=0.0, generated_at=at, args=dbt.utils.args_to_dict(session.flags)
    )
    args: Json = scrubbed.args
    return args


def _unwritten(target: Path, error: OSError) -> EltError:
    problem = f"dbt's artifacts of this run could not be written into {target}"
    if is_full_disk(error):
        return FullDiskError(f"{problem}. {full_disk_sentence(str(error), [target])}")
    return ProjectError(f"{problem}: {error.strerror or error}.")


def _metadata(kind: str) -> Json:
    from dbt.artifacts.schemas.freshness import FreshnessMetadata
    from dbt.artifacts.schemas.run.v5.run import RunResultsMetadata

    made = RunResultsMetadata() if kind == "run-results" else FreshnessMetadata()
    metadata: Json = made.to_dict(omit_none=False)
    return metadata


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write the file completely or not at all, so that no reader sees half an artifact."""
    from dbt.utils import JSONEncoder

    with replaced(path) as beside:
        beside.write_text(json.dumps(document, cls=JSONEncoder), encoding="utf-8")
        passing(Point.ARTIFACT_WRITTEN)
