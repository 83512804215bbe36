"""Decides from what dbt 2.x reported about one node how the node ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from orchestrator.adapters.dbt2.telemetry_words import (
    FRESHNESS_OUTCOMES,
    NODE_OUTCOMES,
    SKIP_REASONS,
    TEST_OUTCOMES,
    Attributes,
    attribute,
    whole_number,
    word_of,
)
from orchestrator.plan.status import Status
from orchestrator.wording import count

_TESTS = ("test.", "unit_test.")
_SOURCE = "source."
_BEFORE_A_RUN = frozenset(
    {
        *("clean", "loadproject", "parse", "schedule", "compare", "initadapter", "deferhydration", "schemahydration"),
        *("taskgraphbuild", "nodecachehydration", "render", "analyze"),
    }
)
"""Phases in which dbt prepares a node. A node that succeeded in one of them did not run."""
RUNNING_PHASES = frozenset({"run", "freshnessanalysis"})
"""Phases in which dbt builds or checks a node."""
_CHECKS: Mapping[str, tuple[Status, str]] = MappingProxyType(
    {"passed": (Status.SUCCESS, "pass"), "warned": (Status.WARN, "warn"), "failed": (Status.FAIL, "fail")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """How one node ended."""

    unique_id: str
    status: Status
    word: str
    """The status in the words that dbt 1.x has for it, and `reused` and `canceled`."""
    message: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failures: int | None = None
    """The number of rows that did not pass a test."""
    rows_affected: int | None = None
    blame: str = ""
    """The ancestor because of which the node was skipped."""
    error_type: str = ""
    """`internal`, `external` or `user`, of an error."""
    log: tuple[str, ...] = ()
    """What dbt logged about the node."""
    is_finished: bool = True
    """Whether dbt reported its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEnding:
    """What the attributes at the end of a node's span say."""

    status: Status
    word: str
    message: str = ""
    failures: int | None = None
    blame: str = ""


def ending_of(unique_id: str, attributes: Attributes, phase: str) -> NodeEnding:
    """Return how a node ended; whatever is not known to be a success is an error."""
    outcome = word_of(attribute(attributes, "node_outcome"), NODE_OUTCOMES)
    match outcome:
        case "success":
            return _success(unique_id, attributes, phase)
        case "error":
            return NodeEnding(status=Status.ERROR, word="error")
        case "canceled":
            return NodeEnding(status=Status.CANCELLED, word="canceled", message="dbt canceled it")
        case "skipped":
            return _skipped(attributes)
        case "" | "unspecified":
            return _unknown("dbt reported its end without an outcome")
        case _:
            return _unknown(f"dbt reported an outcome that elt does not know: {outcome}")


def _success(unique_id: str, attributes: Attributes, phase: str) -> NodeEnding:
    """Return the end of a node that did its work: for a check, that is not yet that the check passed."""
    test = _detail(attributes, "node_test_detail", "NodeTestDetail")
    if unique_id.startswith(_TESTS):
        return _test(attributes, test, phase)
    if phase in _BEFORE_A_RUN:
        return _unknown(f"dbt did not run it: it ended after the phase {phase}")
    if unique_id.startswith(_SOURCE):
        return _freshness(_detail(attributes, "node_freshness_outcome", "NodeFreshnessOutcome"))
    return NodeEnding(status=Status.SUCCESS, word="success")


def _test(attributes: Attributes, detail: Attributes | None, phase: str) -> NodeEnding:
    beside = attribute(attributes, "test_outcome")
    if detail is None and beside is None:
        return _unknown("dbt ran the test and did not report its result")
    found = attribute(detail or {}, "test_outcome")
    # JSON of protobuf omits the value with the number 0, which is `passed`.
    outcome = word_of(beside if found is None and beside is not None else found or 0, TEST_OUTCOMES)
    is_static = bool(attribute(detail or {}, "statically_checked"))
    if phase in _BEFORE_A_RUN and not is_static:
        return _unknown(f"dbt did not run the test: it ended after the phase {phase}")
    if outcome not in _CHECKS:
        return _unknown(f"dbt reported a result of the test that elt does not know: {outcome}")
    status, word = _CHECKS[outcome]
    rows = attribute(detail or {}, "failing_rows")
    failures = 0 if rows is None and status is Status.SUCCESS else whole_number(rows)
    message = f"Got {count(failures, 'failing row')}" if failures and status is not Status.SUCCESS else ""
    return NodeEnding(status=status, word=word, message=message, failures=failures)


def _freshness(detail: Attributes | None) -> NodeEnding:
    if detail is None:
        return _unknown("dbt checked the source and did not report its freshness")
    outcome = word_of(attribute(detail, "node_freshness_outcome") or 0, FRESHNESS_OUTCOMES)
    if outcome not in _CHECKS:
        return _unknown(f"dbt reported a freshness that elt does not know: {outcome}")
    status, word = _CHECKS[outcome]
    age = whole_number(attribute(detail, "age_seconds"))
    message = "" if age is None else f"newest rows are {age} s old"
    return NodeEnding(status=status, word="error" if status is Status.FAIL else word, message=message)


def _skipped(attributes: Attributes) -> NodeEnding:
    reason = word_of(attribute(attributes, "node_skip_reason"), SKIP_REASONS)
    match reason:
        case "upstream":
            detail = _detail(attributes, "node_skip_upstream_detail", "NodeSkipUpstreamDetail") or {}
            blame = str(attribute(detail, "upstream_unique_id") or "")
            return NodeEnding(status=Status.SKIPPED, word="skipped", blame=blame)
        case "noop":
            return NodeEnding(status=Status.SUCCESS, word="no-op")
        case "cached":
            return NodeEnding(status=Status.REUSED, word="success", message="reused by dbt")
        case _:
            # Nothing says that what the node should have left exists.
            return _unknown(f"dbt skipped it, for the reason: {reason or 'none'}")


def _unknown(message: str) -> NodeEnding:
    return NodeEnding(status=Status.ERROR, word="error", message=message)


def _detail(attributes: Attributes, name: str, wrapper: str) -> Attributes | None:
    """Return the details of one kind; None if there are none of it.

    JSON of protobuf writes them beside the other attributes. dbt's other files wrap them in `node_outcome_detail`.
    """
    found = attribute(attributes, name)
    wrapped: Any = attribute(attributes, "node_outcome_detail")
    if not isinstance(found, dict) and isinstance(wrapped, dict):
        found = wrapped.get(wrapper, attribute(wrapped, name))
    return found if isinstance(found, dict) else None
