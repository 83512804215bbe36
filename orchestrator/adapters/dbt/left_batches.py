"""Says which batches of a microbatch model are left to do in a run that goes on.

The table is there once its first batch is: dbt would take up the last batches only, and leave a hole before them.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.recorded import MarkedBatch
from orchestrator.nodes.identity import NodeId


def left_by_record(records: Collection[Mapping[str, Any]]) -> Any:  # noqa: ANN401  # dbt's BatchResults
    """Give what a recorded result says of its batches; None when it says nothing, or none was done."""
    from dbt.artifacts.schemas.batch_results import BatchResults

    for record in records:
        if record.get("batch_results"):
            said = BatchResults.from_dict(record["batch_results"])
            return _in_utc(said) if said.successful else None
    return None


def left_by_markers(session: DbtSession, node: NodeId, markers: Collection[MarkedBatch]) -> Any:  # noqa: ANN401
    """Give the batches that were planned when the run was cut off, sorted by the markers of those that were done."""
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
    """Give the moments as dbt makes them itself: it names a batch by their digits."""
    for spans in (batches.successful, batches.failed):
        spans[:] = [(_utc(start), _utc(end)) for start, end in spans]
    return batches


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
