"""Defines the messages between the owner and the child: values that can be written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRequest:
    """A request to check one relation against one suite; the expectations are as in the suite's JSON."""

    database: str | None
    schema: str
    table: str
    expectations: Sequence[Mapping[str, object]]
    suite_parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one expectation, as great-expectations reports it."""

    type: str
    kwargs: Mapping[str, object]
    severity: str
    description: str = ""
    success: bool = False
    error: str = ""
    """Why it could not be evaluated; empty if it was."""
    trace: str = ""
    """The traceback of that error in great-expectations, if there is one."""
    observed: object = None
    unexpected_count: int | None = None
    unexpected_percent: float | None = None
    sample: Sequence[object] = ()
    details: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """The verdicts of one suite, in the order of its expectations, or the reason why there are none."""

    verdicts: tuple[Verdict, ...] = ()
    error: str = ""


def suite_result_from(answer: Mapping[str, Any]) -> SuiteResult:
    """Return the verdicts of an answer of the child."""
    return SuiteResult(verdicts=tuple(Verdict(**each) for each in answer["verdicts"]), error=answer["error"])
