"""Describes estimates in words."""

from datetime import datetime, timedelta

from orchestrator.plan.estimate import Estimate
from orchestrator.report.words import wait_words
from orchestrator.timetable.shown_moment import shown_clock
from orchestrator.wording import count


def estimate_text(estimate: Estimate) -> str:
    """Return how long something takes, in rough words: `about 4 min`; `at least 4 min` if not all of it is known."""
    return f"{_about(estimate.unknown > 0)} {wait_words(timedelta(seconds=estimate.seconds))}"


def estimate_with_runs(estimate: Estimate) -> str:
    """Return how long a plan takes, and what the estimate rests on: `about 4 min (from 12 runs)`."""
    unknown = f", without {count(estimate.unknown, 'new step')}" if estimate.unknown else ""
    return f"{estimate_text(estimate)} (from {count(estimate.runs, 'run')}{unknown})"


def estimate_with_end(estimate: Estimate, at: datetime) -> str:
    """Return how long a run takes that starts now, and when it is done: `about 4 min, done by 02:06 CET`.

    Without a time if the duration of a step is unknown.
    """
    done = "" if estimate.unknown else f", done by {minute(at + timedelta(seconds=estimate.seconds))}"
    return f"{estimate_text(estimate)}{done}"


def remaining_text(end: datetime, now: datetime, *, is_at_least: bool) -> str:
    """Return what is left of a run: `about 2 min left, done by 02:06 CET`; a run that is overdue has no known end."""
    if end <= now:
        return "longer than expected"
    done = "" if is_at_least else f", done by {minute(end)}"
    return f"{_about(is_at_least)} {wait_words(end - now)} left{done}"


def minute(at: datetime, zone: str | None = None) -> str:
    """Return the time of day in a zone, or the local one, to the minute; a run is done by then: it is rounded up."""
    if at.second or at.microsecond:
        at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return shown_clock(at, zone)


def _about(is_at_least: bool) -> str:  # noqa: FBT001  # one argument
    return "at least" if is_at_least else "about"
