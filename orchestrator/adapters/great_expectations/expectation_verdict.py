"""Reads one result of great-expectations: success, failure, or why it could not be evaluated."""

from collections.abc import Mapping
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationValidationResult

from orchestrator.adapters.great_expectations.messages import Verdict
from orchestrator.adapters.great_expectations.plain_values import first_lines, plain

SAMPLES = 5


def verdict_of(written: Mapping[str, Any], result: ExpectationValidationResult | str) -> Verdict:
    """Return the verdict on an expectation as written in its suite.

    A string as `result` is the reason why there is no result.
    """
    about: dict[str, Any] = {
        "type": written["type"],
        "kwargs": plain(written.get("kwargs") or {}),
        "severity": written.get("severity") or "critical",
        "description": str(written.get("description") or ""),
    }
    if isinstance(result, str) or error_of(result):
        return Verdict(**about, error=error_of(result), trace=_trace_of(result))
    values = result.result or {}
    details = plain(values.get("details") or {})
    sample = values.get("partial_unexpected_list") or details.pop("unexpected_rows", None) or ()
    observed, unexpected = plain(values.get("observed_value")), values.get("unexpected_count")
    if written["type"] == "unexpected_rows_expectation":
        observed, unexpected = None, observed  # for this type GX's observed value is the number of unexpected rows
    return Verdict(
        **about,
        success=bool(result.success),
        observed=observed,
        unexpected_count=_whole(unexpected),
        unexpected_percent=_number(values.get("unexpected_percent")),
        sample=tuple(plain(each) for each in sample)[:SAMPLES],
        details=details or None,
    )


def error_of(result: ExpectationValidationResult | str) -> str:
    """Return why GX could not evaluate an expectation; empty if it could.

    GX reports `success=False` in that case too, and has the reason in one of two places.
    """
    if isinstance(result, str):
        return result or "great-expectations returned no result for it"
    for each in _exceptions(result):
        if each["raised_exception"]:
            return first_lines(str(each["exception_message"])) or "great-expectations raised an error without a message"
    return "" if result.success is not None else "great-expectations returned neither success nor failure"


def _trace_of(result: ExpectationValidationResult | str) -> str:
    found = () if isinstance(result, str) else _exceptions(result)
    return "\n".join(str(each.get("exception_traceback") or "") for each in found if each["raised_exception"])


def _exceptions(result: ExpectationValidationResult) -> list[Mapping[str, Any]]:
    info = result.exception_info or {}
    return [info] if "raised_exception" in info else list(info.values())


def _whole(value: Any) -> int | None:  # noqa: ANN401  # the type of number depends on the database
    return None if value is None else int(value)


def _number(value: Any) -> float | None:  # noqa: ANN401  # the type of number depends on the database
    return None if value is None else float(value)
