"""Makes the outcome, and dbt's result, of a build that succeeded but was not recorded before its process died."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.adapters.dbt.node_outcomes import run_record
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.execution.outcome import Outcome, Reason, ReasonCode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.reuse.facts import count_in
from orchestrator.reuse.last_success import Marker

_SAID = "built before the run was cut off, as the target itself says"


def reused_record(session: DbtSession, node: NodeId, word: str) -> Mapping[str, object]:
    """Return the run_results.json entry of a reused node if the run that built it is no longer recorded."""
    from dbt.artifacts.schemas.results import NodeStatus
    from dbt.artifacts.schemas.run import RunResult

    return run_record(RunResult.from_node(session.manifest.expect(node), NodeStatus(word), "reused"))


def found_outcome(session: DbtSession, marker: Marker, started_at: datetime | None) -> Outcome:
    """Return the outcome; dbt's record has the node as a success without figures, which were lost with the process."""
    from dbt.artifacts.schemas.results import RunStatus
    from dbt.artifacts.schemas.run import RunResult

    node = session.manifest.expect(NodeId(marker.step_id))
    # The clock may have been set back between the two.
    ended_at = marker.at if started_at is None else max(marker.at, started_at)
    result = RunResult.from_node(node, RunStatus.Success, _SAID)
    if started_at is not None:
        result.execution_time = (ended_at - started_at).total_seconds()
    return Outcome(
        step_id=marker.step_id,
        status=Status.SUCCESS,
        tool_word=RunStatus.Success.value,
        reason=Reason(code=ReasonCode.FOUND_IN_TARGET),
        message=_SAID,
        started_at=started_at,
        ended_at=ended_at,
        row_count=count_in(marker.content),
        path=node.original_file_path,
        dbt_results=(run_record(result),),
    )
