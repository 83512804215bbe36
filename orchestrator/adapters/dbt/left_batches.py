"""Finds the batches of a microbatch model that remain to be done in a resumed run.

The table exists as soon as the first batch is done. dbt would then run only the latest batches, and leave a gap before
them.
"""

from collections.abc import Collection
from typing import Any

from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.recorded import LeftBatches, MarkedBatch
from orchestrator.nodes.identity import NodeId


def left_by_markers(session: DbtSession, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
    """Return the batches that were planned before the interruption, as done or not according to the markers."""
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    if not markers:
        return None
    model = session.manifest.expect(node)
    builder = MicrobatchBuilder(model=model, is_incremental=True, event_time_start=None, event_time_end=None)
    planned = builder.build_batches(min(one.first for one in markers), max(one.end for one in markers))
    done = {one.start for one in markers}
    return LeftBatches(
        successful=tuple(batch for batch in planned if batch[0] in done),
        failed=tuple(batch for batch in planned if batch[0] not in done),
    )


def as_dbt_results(left: LeftBatches) -> Any:  # noqa: ANN401  # dbt's BatchResults
    """Return batches as dbt reads them from an earlier run of the model."""
    from dbt.artifacts.schemas.batch_results import BatchResults

    return BatchResults(successful=list(left.successful), failed=list(left.failed))
