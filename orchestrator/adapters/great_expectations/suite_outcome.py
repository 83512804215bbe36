"""Converts the verdicts of a suite into the outcome of its step, with a message for each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from orchestrator.adapters.great_expectations.gx_error_class import error_class
from orchestrator.adapters.great_expectations.messages import SuiteResult, Verdict
from orchestrator.execution.gate import evaluate_expectation, worst
from orchestrator.execution.outcome import Outcome, Part, Reason, ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import ValidationStep
from orchestrator.wording import count, last_part

_WORST_FIRST = (Status.ERROR, Status.FAIL, Status.WARN, Status.SUCCESS)
_NAMED = 3
_LONGEST_LOG = 16_000  # characters
_ABOUT = ("column", "column_A", "column_B", "column_list", "column_set")
_TECHNICAL = frozenset({"batch_id", "result_format", "catch_exceptions"})
_NOTHING_SEEN = {"expect_column_to_exist": "there is no such column, or not in that place"}
_TOOL_WORD = {Status.ERROR: "exception", Status.FAIL: "failure", Status.WARN: "failure", Status.SUCCESS: "success"}


def outcome_of(step: ValidationStep, result: SuiteResult, started_at: datetime, ended_at: datetime) -> Outcome:
    """Return the outcome: the worst status of the expectations, with each expectation as a part."""
    if result.error:
        return not_evaluated(step, result.error, started_at, ended_at)
    parts = tuple(map(_part, result.verdicts, _names(result.verdicts)))
    status = worst(part.status for part in parts) if parts else Status.SUCCESS
    errors = [verdict.error for verdict in result.verdicts if verdict.error]
    said_no = sum(part.status in {Status.FAIL, Status.WARN} for part in parts)
    return Outcome(
        step_id=step.id,
        status=status,
        tool_word=_TOOL_WORD[status],
        reason=Reason(code=ReasonCode.NOT_EVALUATED if status is Status.ERROR else ReasonCode.RAN),
        message=_summary(step, parts),
        started_at=started_at,
        ended_at=ended_at,
        failures=said_no,
        error_class=error_class(status, errors),
        path=step.path,
        log=last_part("\n".join(verdict.trace for verdict in result.verdicts if verdict.trace), _LONGEST_LOG),
        parts=parts,
    )


def not_evaluated(step: ValidationStep, why: str, started_at: datetime, ended_at: datetime) -> Outcome:
    """Return the outcome of a suite of which nothing could be evaluated."""
    return Outcome(
        step_id=step.id,
        status=Status.ERROR,
        tool_word="exception",
        error_class=error_class(Status.ERROR, [why]),
        reason=Reason(code=ReasonCode.NOT_EVALUATED),
        message=f"{step.relation} could not be validated: {why}" + ("" if step.path in why else f" ({step.path})"),
        started_at=started_at,
        ended_at=ended_at,
        path=step.path,
    )


def cancelled(step: ValidationStep, started_at: datetime, ended_at: datetime) -> Outcome:
    """Return the outcome of a suite that was interrupted."""
    return Outcome(
        step_id=step.id,
        status=Status.CANCELLED,
        reason=Reason(code=ReasonCode.INTERRUPTED),
        message=f"interrupted while {step.relation} was validated",
        started_at=started_at,
        ended_at=ended_at,
        path=step.path,
    )


def _part(verdict: Verdict, name: str) -> Part:
    status, message = _status_and_message(verdict)
    return Part(
        name=name,
        status=status,
        message=message,
        rows=verdict.unexpected_count,
        detail={
            "type": verdict.type,
            "kwargs": verdict.kwargs,
            "severity": verdict.severity,
            "success": None if verdict.error else verdict.success,
            "description": verdict.description,
            "observed_value": verdict.observed,
            "unexpected_count": verdict.unexpected_count,
            "unexpected_percent": verdict.unexpected_percent,
            "sample": list(verdict.sample),
            "details": verdict.details,
        },
    )


def _status_and_message(verdict: Verdict) -> tuple[Status, str]:
    if verdict.error:
        return Status.ERROR, verdict.error
    if verdict.success:
        return Status.SUCCESS, _seen(verdict)
    seen = _seen(verdict) or _NOTHING_SEEN.get(verdict.type, "there is no value to check")
    return evaluate_expectation(
        success=False, severity=verdict.severity
    ), f"{seen} (info)" if verdict.severity == "info" else seen


def _seen(verdict: Verdict) -> str:
    """Describe the observed value, or how many values were unexpected, with examples."""
    parts = []
    if verdict.unexpected_count:
        percent = "" if verdict.unexpected_percent is None else f" ({verdict.unexpected_percent:.3g} %)"
        parts.append(f"{verdict.unexpected_count} unexpected{percent}")
    if verdict.observed is not None:
        parts.append(f"observed {_short(verdict.observed)}")
    if shown := _distinct(verdict.sample):
        parts.append(f"such as {', '.join(shown)}")
    return ", ".join(parts)


def _distinct(sample: Iterable[object]) -> list[str]:
    return list(dict.fromkeys("null" if each is None else _short(each) for each in sample))


def _short(value: object, length: int = 80) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _names(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a name for each expectation: its type and subject; equal names are numbered."""
    names = [f"{each.type}({_about(each)})" for each in verdicts]
    total, seen, numbered = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} #{seen[name]}" if total[name] > 1 else name)
    return numbered


def _about(verdict: Verdict) -> str:
    given = {key: value for key, value in verdict.kwargs.items() if value is not None and key not in _TECHNICAL}
    about = [(key, given.pop(key)) for key in _ABOUT if key in given]
    about += given.items()
    return ", ".join(f"{key}={_short(value, 60)}" for key, value in about)


def _summary(step: ValidationStep, parts: Sequence[Part]) -> str:
    """Return a one-line summary with the worst results first."""
    wrong = [part for status in _WORST_FIRST[:-1] for part in parts if part.status is status]
    if not parts:
        return f"the suite has no expectations ({step.path})"
    if not wrong:
        noted = sum(part.detail["success"] is False for part in parts)
        return (
            f"{count(len(parts), 'expectation')} passed"
            if not noted
            else f"{len(parts) - noted} of {count(len(parts), 'expectation')} passed, the others have severity info"
        )
    is_broken = all(part.status is Status.ERROR for part in wrong)
    named = "; ".join(_named(part, says_error=not is_broken) for part in wrong[:_NAMED])
    more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    what = "could not be evaluated" if is_broken else "did not pass"
    return f"{len(wrong)} of {count(len(parts), 'expectation')} of {step.relation} ({step.path}) {what}: {named}{more}"


def _named(part: Part, *, says_error: bool) -> str:
    error = "could not be evaluated: " if says_error and part.status is Status.ERROR else ""
    return f"{part.name}: {error}{part.message}" if part.message else part.name
