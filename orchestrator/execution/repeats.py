"""Decides whether and when a step is repeated after an error. Pure functions, without clock or randomness."""

from dataclasses import dataclass, replace
from datetime import timedelta

from orchestrator.execution.outcome import ErrorClass, Outcome, Reason, ReasonCode
from orchestrator.plan.status import Status

_MOST_POWERS = 100
"""A policy has at most this many repeats. A larger power of a factor may be more than a float can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatPolicy:
    """How often a step is repeated, after which waits, and how long one attempt may take."""

    repeats: int = 0
    """The number of attempts after the first."""
    first_delay: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    """The factor by which each wait is longer than the one before."""
    longest_delay: timedelta = timedelta(hours=1)
    jitter: float = 0.1
    """The share of a wait that is added or subtracted at random, so that many steps do not repeat at once."""
    time_limit: timedelta | None = None
    repeats_time_limit: bool = False
    """Whether an attempt that ended at its time limit is repeated."""

    @property
    def most(self) -> int:
        """The maximum number of attempts."""
        return self.repeats + 1


NEVER = RepeatPolicy()
"""One attempt, without a time limit."""


def is_repeated(outcome: Outcome, policy: RepeatPolicy, tries: int) -> bool:
    """Return whether a step is repeated after `tries` attempts, the last of which had this outcome."""
    # A check that failed is not repeated: on the same rows it would fail again.
    if outcome.status is not Status.ERROR or tries >= policy.most:
        return False
    if outcome.reason.code is ReasonCode.TIME_LIMIT:
        return policy.repeats_time_limit
    return outcome.error_class is ErrorClass.TRANSIENT


def delay(policy: RepeatPolicy, tries: int, chance: float) -> timedelta:
    """Return how long to wait after `tries` attempts; `chance`, from 0 to 1, selects a value within the jitter."""
    waiting = policy.first_delay.total_seconds() * policy.factor ** min(tries - 1, _MOST_POWERS)
    moved = 1 + policy.jitter * (2 * chance - 1)
    longest = policy.longest_delay.total_seconds()
    # Limited before the jitter, so that long waits are spread too, and after it, so that none exceeds the maximum.
    return timedelta(seconds=min(min(waiting, longest) * moved, longest))


def ended_at_limit(outcome: Outcome, limit: timedelta) -> Outcome:
    """Return the outcome of an attempt that was interrupted at its limit: an error, unless it finished just before."""
    if outcome.status not in (Status.ERROR, Status.CANCELLED):
        return outcome
    return replace(
        outcome,
        status=Status.ERROR,
        reason=Reason(code=ReasonCode.TIME_LIMIT),
        error_class=ErrorClass.PERMANENT,
        message=f"ended after {in_words(limit)}, its time limit (`time_limits` in elt.yml)",
    )


def in_words(span: timedelta) -> str:
    """Return a duration as text: `90 s`, `30 min`, `2 h`."""
    seconds = span.total_seconds()
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
