"""Finds the batches of a microbatch model that remain to be done in a resumed run.

The table exists as soon as the first batch is done. dbt would then run only the latest batches, and leave a gap before
them.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.recorded import MarkedBatch
from orchestrator.nodes.identity import NodeId


def left_by_record(records: Collection[Mapping[str, Any]]) -> Any:  # noqa: ANN401  # dbt's BatchResults
    """Return the batch results of a recorded result; None if it has none, or no batch succeeded."""
    from dbt.artifacts.schemas.batch_results import BatchResults

    for record in records:
        if record.get("batch_results"):
            said = BatchResults.from_dict(record["batch_results"])
            return _in_utc(said) if said.successful else None
    return None


def left_by_markers(session: DbtSession, node: NodeId, markers: Collection[MarkedBatch]) -> Any:  # noqa: ANN401
    """Return the batches that were planned before the interruption, as done or not according to the markers."""
    from dbt.artifacts.schemas.batch_results import BatchResults
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    if not markers:
        return None
    model = session.manifest.expect(node)
    builder = MicrobatchBuilder(model=model, is_incremental=True, event_time_start=None, event_time_end=None)
    planned = builder.build_batches(min(one.first for one in markers), max(one.end for one in markers))
    done = {one.start for one in markers}
    return BatchResults(
        successful=[batch for batch in planned if batch[0] in done],
        failed=[batch for batch in planned if batch[0] not in done],
    )


def _in_utc(batches: Any) -> Any:  # noqa: ANN401  # dbt's BatchResults
    """Convert the times to UTC, as dbt makes them itself: dbt names a batch by the digits of its time."""
    for spans in (batches.successful, batches.failed):
        spans[:] = [(_utc(start), _utc(end)) for start, end in spans]
    return batches


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
