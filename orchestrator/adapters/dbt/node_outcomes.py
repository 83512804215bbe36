"""Converts dbt's results into outcomes that contain no dbt objects."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.dbt.dbt_error_class import error_class
from orchestrator.adapters.dbt.python_errors import without_traceback
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, Reason, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId

_BATCH = "%Y-%m-%dT%H:%M:%S"
_STATUSES = {
    "success": Status.SUCCESS,
    "pass": Status.SUCCESS,
    "no-op": Status.SUCCESS,
    "warn": Status.WARN,
    "fail": Status.FAIL,
    "error": Status.ERROR,
    "runtime error": Status.ERROR,
    "partial success": Status.ERROR,
    "skipped": Status.SKIPPED,
}


Located = Callable[[Any, str], str]
"""Adds file and line to the message of a dbt node's error."""


def _as_it_is(_node: object, message: str) -> str:
    return message


def status_of(word: str, *, is_freshness: bool = False) -> Status:
    """Return our status for dbt's word; an unknown word is an error, never a silent success."""
    if is_freshness and word == "error":
        return Status.FAIL  # the rows are too old: the data did not pass the check
    return _STATUSES.get(word, Status.ERROR)


def node_outcome(
    step_id: StepId,
    result: Any,  # noqa: ANN401  # dbt's RunResult
    started: datetime,
    batch_messages: Mapping[datetime, str] = MappingProxyType({}),
    log: str = "",
    row_count: int | None = None,
    located: Located = _as_it_is,
) -> Outcome:
    """Return the outcome of one node; `batch_messages` are the errors of its batches, by start of the batch.

    `log` is what dbt logged for the node: it is kept unless the node succeeded. `row_count` is that of its table.
    `located` adds file and line to the message of an error.
    """
    node = result.node
    word = str(result.status)
    # As in dbt: run_results.json has no entry for an ephemeral model.
    recorded = () if node.is_ephemeral_model else (run_record(result),)
    status = status_of(word)
    message = _message(result, batch_messages)
    return Outcome(
        step_id=step_id,
        status=status,
        tool_word=word,
        message=located(node, message) if status is Status.ERROR else message,
        error_class=error_class(status, str(result.message or ""), batch_messages.values()),
        started_at=started,
        ended_at=datetime.now(UTC),
        rows_affected=rows_written(node.unique_id, result.adapter_response),
        row_count=row_count if status is Status.SUCCESS else None,
        bytes_processed=_number(result.adapter_response, "bytes_processed"),
        query_seconds=_executed(result),
        failures=result.failures,
        path=node.original_file_path,
        compiled_path=getattr(node, "compiled_path", None),
        log="" if status is Status.SUCCESS else log,
        parts=_batches(result, batch_messages),
        dbt_results=recorded,
    )


def rows_written(unique_id: str, response: Mapping[str, Any] | None) -> int | None:
    """Return how many rows a node wrote, as the database reported; None for a test, whose rows are only its answer."""
    if unique_id.startswith(("test.", "unit_test.")):
        return None
    return _number(response, "rows_affected")


def freshness_outcome(step_id: StepId, result: Any, started: datetime) -> Outcome:  # noqa: ANN401  # dbt's result
    """Return the outcome of one source's freshness check."""
    from dbt.artifacts.schemas.freshness.v3.freshness import process_freshness_result

    word = str(result.status)
    age = getattr(result, "age", None)
    message = str(result.message or "")
    if age is not None:
        message = f"newest rows are {_duration(age)} old ({_criteria(result.node)})"
    status = status_of(word, is_freshness=age is not None)
    return Outcome(
        step_id=step_id,
        status=status,
        error_class=error_class(status, message),
        tool_word=word,
        message=message.strip(),
        started_at=started,
        ended_at=datetime.now(UTC),
        path=result.node.original_file_path,
        # As in dbt: sources.json omits a source whose age could not be queried.
        dbt_results=() if age is None else (process_freshness_result(result).to_dict(omit_none=False),),
    )


def hooks_outcome(
    step_id: StepId, results: list[Any], raised: str, started: datetime, located: Located = _as_it_is
) -> Outcome:
    """Return one outcome for all hooks of one kind: an error if one of them failed.

    `raised` is what the macro of a hook raised; that hook has no result. `located` is as in `node_outcome`.
    """
    failed = [result for result in results if status_of(str(result.status)) is Status.ERROR]
    message = raised or (located(failed[0].node, str(failed[0].message)) if failed else "")
    return Outcome(
        step_id=step_id,
        status=Status.ERROR if failed or raised else Status.SUCCESS,
        error_class=ErrorClass.PERMANENT if failed or raised else None,  # another attempt would run all hooks again
        tool_word="error" if failed or raised else "success",
        reason=Reason(code=ReasonCode.NOT_EVALUATED if raised else ReasonCode.RAN),
        message=message.strip(),
        started_at=started,
        ended_at=datetime.now(UTC),
        path=failed[0].node.original_file_path if failed else None,
        parts=tuple(
            Part(name=result.node.name, status=status_of(str(result.status)), message=str(result.message or ""))
            for result in results
        ),
        dbt_results=tuple(run_record(result) for result in results),
    )


def run_record(result: Any) -> Mapping[str, object]:  # noqa: ANN401  # dbt's RunResult
    """Return the node's entry in run_results.json."""
    from dbt.artifacts.schemas.run.v5.run import process_run_result

    record: Mapping[str, object] = process_run_result(result).to_dict(omit_none=False)
    return record


def recalled_result(node: Any, record: Mapping[str, Any]) -> Any:  # noqa: ANN401  # dbt's node and RunResult
    """Return dbt's result of a node, restored from its entry in run_results.json."""
    from dbt.artifacts.schemas.results import NodeStatus, TimingInfo
    from dbt.artifacts.schemas.run import RunResult

    return RunResult(
        node=node,
        status=NodeStatus(record["status"]),
        timing=[TimingInfo.from_dict(timing) for timing in record["timing"]],
        thread_id=record["thread_id"],
        execution_time=record["execution_time"],
        adapter_response=dict(record["adapter_response"]),
        message=record["message"],
        failures=record["failures"],
        batch_results=None,
    )


def _message(result: Any, batch_messages: Mapping[datetime, str]) -> str:  # noqa: ANN401  # dbt's RunResult
    """Return dbt's message; if that only counts batches, add the message of the first erroring batch."""
    text = without_traceback(str(result.message or "").strip())
    if not batch_messages:
        return text
    first = min(batch_messages)
    return f"{text}: batch {first:{_BATCH}}: {batch_messages[first]}"


def _batches(result: Any, messages: Mapping[datetime, str]) -> tuple[Part, ...]:  # noqa: ANN401  # dbt's RunResult
    batches = result.batch_results
    if batches is None:
        return ()
    ended = [(start, end, Status.SUCCESS) for start, end in batches.successful]
    ended += [(start, end, Status.ERROR) for start, end in batches.failed]
    return tuple(
        Part(
            name=f"batch {start:{_BATCH}}",
            status=status,
            message=messages.get(start, ""),
            detail={"until": end.isoformat()},
        )
        for start, end, status in sorted(ended)
    )


def _number(response: Mapping[str, Any] | None, name: str) -> int | None:
    found = (response or {}).get(name)
    return found if isinstance(found, int) and found >= 0 else None


def _executed(result: Any) -> float | None:  # noqa: ANN401  # dbt's RunResult
    for timing in result.timing:
        if timing.name == "execute" and timing.started_at and timing.completed_at:
            seconds: float = (timing.completed_at - timing.started_at).total_seconds()
            return seconds
    return None


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _criteria(node: Any) -> str:  # noqa: ANN401  # dbt's SourceDefinition
    limits = []
    for name, limit in (("warn", node.freshness.warn_after), ("error", node.freshness.error_after)):
        if limit is not None and limit.count:
            limits.append(f"{name} after {limit.count} {getattr(limit.period, 'value', limit.period)}")
    return ", ".join(limits) or "no limit"
