"""What became of a step: its status, why, and what the tool reported."""

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
    UNCHANGED = "unchanged"  # reused: what stands is the result still
    VERIFIED = "verified"  # reused, and found to be what it builds to now
    DIFFERS = "differs"  # it was to be reused, and is not what it builds to now
    CIRCUIT_OPEN = "circuit_open"  # a load that failed run after run was not tried
    GATE_CLOSED = "gate_closed"  # a check above it did not pass when it last ran, and is not in the plan


class ErrorClass(StrEnum):
    """What kind of thing broke: whether trying again can help."""

    TRANSIENT = "transient"  # a lock, a dropped connection, a busy server: it may be gone in a moment
    PERMANENT = "permanent"  # it will break again until somebody mends it
    DATA = "data"  # nothing broke: the data said no


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
    """The end of one step; every field survives JSON."""

    step_id: StepId
    status: Status
    tool_word: str = ""
    """The tool's own word: dbt's `pass`, `no-op`, `partial success`, …"""
    reason: Reason = field(default_factory=Reason)
    message: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rows_affected: int | None = None
    """Rows that the tool reports as written: by a load, or by the last statement of a build."""
    row_count: int | None = None
    """Rows in the table after a build of it."""
    bytes_processed: int | None = None
    """Read by a query, where the database says so; put on disk by a load, compressed."""
    query_seconds: float | None = None
    """How long the tool executed, without what came before and after."""
    failures: int | None = None
    """Rows (or expectations) that said no."""
    error_class: ErrorClass | None = None
    """Of a fail, a warn or an error: what kind it is; an error without one is never tried again."""
    path: str | None = None
    compiled_path: str | None = None
    log: str = ""
    """Of a step that did not end well: the last of what the tool logged meanwhile."""
    parts: tuple[Part, ...] = ()
    dbt_results: tuple[Mapping[str, object], ...] = ()
    """dbt's own records, as they stand in `results` of run_results.json (or sources.json): one, or one a hook."""

    @property
    def warns(self) -> bool:
        """Whether a check of severity warn said no, now or when the result that is reused came about."""
        return self.status is Status.WARN or (self.status is Status.REUSED and self.tool_word == "warn")

    @property
    def elapsed(self) -> timedelta:
        """How long the step ran; zero when it did not."""
        if self.started_at is None or self.ended_at is None:
            return timedelta()
        return self.ended_at - self.started_at


def masked_outcome(outcome: Outcome, masker: Masker) -> Outcome:
    """Hide the secrets in an outcome; compiled SQL that holds one is dropped."""
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
