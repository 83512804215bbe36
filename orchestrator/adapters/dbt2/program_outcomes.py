"""Turns what dbt 2.x reports about nodes into outcomes of steps, and into entries of run_results.json."""

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.adapters.dbt.dbt_error_class import error_class
from orchestrator.adapters.dbt2.node_report import NodeReport
from orchestrator.adapters.dbt2.program_calls import DbtNodeStep
from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.status import Status
from orchestrator.plan.step import FreshnessStep, Step, StepId

_COLLATERAL = "dbt was interrupted because of another step that it ran in the same process"
_INTERRUPTED = Reason(code=ReasonCode.INTERRUPTED)


def outcome_of(step: DbtNodeStep, report: NodeReport) -> Outcome:
    """Return the outcome of a step from the report about its node."""
    return Outcome(
        step_id=step.id,
        status=report.status,
        tool_word=report.word,
        reason=_reason(report),
        message=report.message,
        error_class=error_class(report.status, report.message),
        started_at=report.started_at,
        ended_at=report.ended_at or (datetime.now(UTC) if report.started_at else None),
        rows_affected=report.rows_affected,
        query_seconds=_seconds(report),
        failures=report.failures,
        log="" if report.status is Status.SUCCESS else "\n".join(report.log),
        dbt_results=() if isinstance(step, FreshnessStep) else (run_result(step.node, report),),
    )


def nothing_done(step: Step) -> Outcome:
    """Return the outcome of a step for which dbt has nothing to do."""
    now = datetime.now(UTC)
    return Outcome(step_id=step.id, status=Status.SUCCESS, tool_word="no-op", started_at=now, ended_at=now)


def not_reported(step: DbtNodeStep, message: str) -> Outcome:
    """Return the outcome of a step of whose node dbt reported no end."""
    report = NodeReport(unique_id=step.node, status=Status.ERROR, word="error", message=message)
    return outcome_of(step, report)


def cancelled(step: DbtNodeStep, message: str = "interrupted") -> Outcome:
    """Return the outcome of a step that was interrupted, or not started any more."""
    return Outcome(step_id=step.id, status=Status.CANCELLED, tool_word="canceled", reason=_INTERRUPTED, message=message)


def collateral(step: DbtNodeStep) -> Outcome:
    """Return the outcome of a step that ended because another step of its process was interrupted: it may run again."""
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        tool_word="canceled",
        message=_COLLATERAL,
        error_class=ErrorClass.TRANSIENT,
    )


def run_result(node: NodeId, report: NodeReport) -> dict[str, object]:
    """Return the entry of a node in run_results.json; what dbt 2.x does not report is empty."""
    status = {"canceled": "skipped"}.get(report.word, report.word)
    return {
        "status": status,
        "timing": _timing(report),
        "thread_id": "",
        "execution_time": _seconds(report) or 0.0,
        "adapter_response": {} if report.rows_affected is None else {"rows_affected": report.rows_affected},
        "message": report.message or None,
        "failures": report.failures,
        "unique_id": node,
        "compiled": None,
        "compiled_code": None,
        "relation_name": None,
        "batch_results": None,
    }


def skipped_result(node: NodeId) -> Mapping[str, object]:
    """Return the entry of a node that did not run."""
    return run_result(node, NodeReport(unique_id=node, status=Status.SKIPPED, word="skipped"))


def _reason(report: NodeReport) -> Reason:
    match report.status:
        case Status.SKIPPED:
            return Reason(code=ReasonCode.UPSTREAM_HALTED, blame=StepId(report.blame) if report.blame else None)
        case Status.REUSED:
            return Reason(code=ReasonCode.UNCHANGED)
        case Status.CANCELLED:
            return _INTERRUPTED
        case _:
            return Reason()


def _seconds(report: NodeReport) -> float | None:
    if report.started_at is None or report.ended_at is None:
        return None
    return max(0.0, (report.ended_at - report.started_at).total_seconds())


def _timing(report: NodeReport) -> list[dict[str, str]]:
    if report.started_at is None or report.ended_at is None:
        return []
    times = {"started_at": report.started_at.isoformat(), "completed_at": report.ended_at.isoformat()}
    return [{"name": "execute", **times}]
