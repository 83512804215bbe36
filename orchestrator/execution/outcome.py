"""Defines the outcome of a step: its status, the reason, and what the tool reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.masking import Masker
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId


class ReasonCode(StrEnum):
    """Why a step ended as it did, or did not run."""

    RAN = "ran"
    UPSTREAM_HALTED = "upstream_halted"
    FAIL_FAST = "fail_fast"
    INTERRUPTED = "interrupted"
    RUN_START_HOOK = "on_run_start_failed"
    NOT_EVALUATED = "not_evaluated"
    NO_NEW_DATA = "no_new_data"
    FOUND_IN_TARGET = "found_in_target"
    TIME_LIMIT = "time_limit"
    RUN_TIME_LIMIT = "run_time_limit"
    UNCHANGED = "unchanged"  # reused: the existing table is still the current result
    VERIFIED = "verified"  # reused, and confirmed by a rebuild of a copy
    DIFFERS = "differs"  # was to be reused, but a rebuild of a copy gave a different result
    RECENT = "recent"  # a load that is younger than `refresh_every` was not repeated
    TOO_FEW_ROWS = "too_few_rows"  # a load brought fewer rows than `min_rows`, or none and `on_no_data` is `fail`
    CIRCUIT_OPEN = "circuit_open"  # a load that failed in consecutive runs was not attempted
    GATE_CLOSED = "gate_closed"  # an upstream check, not in the plan, did not pass when it last ran


class ErrorClass(StrEnum):
    """The kind of error or failure, which decides whether another attempt can help."""

    TRANSIENT = "transient"  # a lock, a dropped connection, a busy server: may be gone in a moment
    PERMANENT = "permanent"  # will occur again until someone fixes the cause
    DATA = "data"  # nothing broke: the data did not pass a check


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A machine-readable reason and, for a skip, the ancestor to blame."""

    code: ReasonCode = ReasonCode.RAN
    blame: StepId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A recorded part of a step: one batch of a microbatch model, one expectation of a suite, one loaded table."""

    name: str
    status: Status
    message: str = ""
    rows: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one step. Every field can be serialized to JSON."""

    step_id: StepId
    status: Status
    tool_word: str = ""
    """The status in the tool's own words: dbt's `pass`, `no-op`, `partial success`, …"""
    reason: Reason = field(default_factory=Reason)
    message: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rows_affected: int | None = None
    """The rows that the tool reports as written by a load, or by the last statement of a build."""
    row_count: int | None = None
    """The number of rows in the table after a build."""
    bytes_processed: int | None = None
    """Bytes read by a query, if the database reports it, or the compressed size of a load on disk."""
    query_seconds: float | None = None
    """The execution time in the tool, without setup and cleanup."""
    failures: int | None = None
    """The number of rows (or expectations) that did not pass."""
    error_class: ErrorClass | None = None
    """Set for a fail, a warn or an error. An error without a class is never repeated."""
    path: str | None = None
    compiled_path: str | None = None
    log: str = ""
    """The end of the tool's log, if the step did not succeed."""
    parts: tuple[Part, ...] = ()
    dbt_results: tuple[Mapping[str, object], ...] = ()
    """dbt's own records as in `results` of run_results.json (or sources.json): one, or one for each hook."""

    @property
    def warns(self) -> bool:
        """Whether a check of severity warn did not pass, now or when the reused result was built."""
        return self.status is Status.WARN or (self.status is Status.REUSED and self.tool_word == "warn")

    @property
    def elapsed(self) -> timedelta:
        """How long the step ran; zero if it did not run."""
        if self.started_at is None or self.ended_at is None:
            return timedelta()
        return self.ended_at - self.started_at


def masked_outcome(outcome: Outcome, masker: Masker) -> Outcome:
    """Return the outcome with its secrets masked; compiled SQL that contains a secret is dropped."""
    return replace(
        outcome,
        message=masker.text(outcome.message),
        log=masker.text(outcome.log),
        parts=tuple(
            replace(part, message=masker.text(part.message), detail=_masked_mapping(part.detail, masker))
            for part in outcome.parts
        ),
        dbt_results=tuple(_masked_result(result, masker) for result in outcome.dbt_results),
    )


def _masked_result(result: Mapping[str, object], masker: Masker) -> Mapping[str, object]:
    found = dict(result)
    for key in ("message", "adapter_response"):
        if found.get(key):
            found[key] = masker.value(found[key])
    code = found.get("compiled_code")
    if isinstance(code, str) and masker.knows_any_in(code):
        found["compiled_code"] = None
    return found


def _masked_mapping(detail: Mapping[str, object], masker: Masker) -> Mapping[str, object]:
    return {name: masker.value(value) for name, value in detail.items()}
