"""Writes dbt's artifacts (run_results.json, sources.json, manifest.json) from the outcomes of a run."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.dbt.artifact_head import Json, dbt_moment
from orchestrator.adapters.dbt.manifest_file import replaced
from orchestrator.adapters.dbt.run_records import RunRecords
from orchestrator.errors import EltError, FullDiskError, ProjectError
from orchestrator.execution.outcome import Outcome
from orchestrator.faults import Point, passing
from orchestrator.full_disk import full_disk_sentence, is_full_disk
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep, node_of


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


def write_artifacts(
    made: RunRecords, plan: Plan, outcomes: Sequence[Outcome], instead: Mapping[NodeId, Json], *, elapsed: float
) -> None:
    """Write dbt's artifacts of a run; `instead` has the results of nodes that dbt did not run.

    Raises:
        ProjectError: a file cannot be written. FullDiskError: the disk is full.
    """
    head = made.head
    if not head.is_written:
        return
    target = Path(head.target_path)
    try:
        target.mkdir(parents=True, exist_ok=True)
        passing(Point.ARTIFACT_BEGUN)
        # A run without dbt's nodes leaves the results of the last one as they are.
        has_nodes = any(node_of(step) for step in plan.steps)
        if has_nodes:
            results = records(plan, outcomes, instead, sources=False)
            document = artifact(metadata=_now(head.run_results), results=results, elapsed=elapsed, args=head.args)
            _write_json(target / "run_results.json", made.encode(document))
        made.write_manifest(is_compiled=has_nodes and any(each.status not in _LEFT_ALONE for each in outcomes))
        if any(not step.by_load for step in plan.of(FreshnessStep)):
            sources = records(plan, outcomes, {}, sources=True)  # empty if no source could be queried
            document = artifact(metadata=_now(head.sources), results=sources, elapsed=elapsed)
            _write_json(target / "sources.json", made.encode(document))
    except OSError as error:
        raise _unwritten(target, error) from error


def _unwritten(target: Path, error: OSError) -> EltError:
    problem = f"dbt's artifacts of this run could not be written into {target}"
    if is_full_disk(error):
        return FullDiskError(f"{problem}. {full_disk_sentence(str(error), [target])}")
    return ProjectError(f"{problem}: {error.strerror or error}.")


def _now(metadata: Json) -> Json:
    return {**metadata, "generated_at": dbt_moment(datetime.now(UTC))}


def _write_json(path: Path, document: str) -> None:
    """Write the file completely or not at all, so that no reader sees half an artifact."""
    with replaced(path) as beside:
        beside.write_text(document, encoding="utf-8")
        passing(Point.ARTIFACT_WRITTEN)
