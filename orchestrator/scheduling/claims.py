"""Defines what the store records of schedules: their times, how each of them ended, and what is paused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from orchestrator.execution.recorded import Process
from orchestrator.timetable.scheduled_time import DataInterval

_INTERRUPTED = 130  # the exit code of a run that was interrupted


class TimeState(StrEnum):
    """The state of one time of a schedule."""

    PENDING = "pending"
    """Something other than the clock has started it, and no process has claimed it yet."""
    RUNNING = "running"
    """A process has claimed it: it waits for its conditions, or its run is in progress."""
    ENDED = "ended"
    """It has an exit code."""
    SKIPPED = "skipped"
    """It does not run: a user said so, a maintenance window covers it, it was missed, or the target was busy."""


class SkipCause(StrEnum):
    """Why a time does not run."""

    USER = "user"
    MAINTENANCE = "maintenance"
    MISSED = "missed"
    """Nothing started it in time, and `catchup` does not make up for it."""
    BUSY = "busy"
    """Another run worked in the target, and `on_busy` is `skip`."""
    CONDITION = "condition"
    """A condition of `wait_for` did not come true, and it says `skip`."""


class PutOff(StrEnum):
    """Why a time that ended is started again without using up a retry or a resume."""

    STOPPED = "stopped"
    """Its process was asked to end."""
    NO_ROOM = "no_room"
    """A disk was full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeKey:
    """Identifies one time of one schedule of one project."""

    project: str
    """The name in dbt_project.yml."""
    schedule: str
    logical_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTime:
    """One time of a schedule, as the store records it."""

    key: TimeKey
    interval: DataInterval
    state: TimeState
    cause: SkipCause | None = None
    """Set for a time that is skipped."""
    put_off: PutOff | None = None
    """Set for a time that ended and was put off."""
    note: str = ""
    """The reason in words."""
    exit_code: int | None = None
    run_id: str | None = None
    """The last run that was started for it; None if none was."""
    starts: int = 0
    """How often a run was started, resumed or retried for it; not again after a time that was put off."""
    again_at: datetime | None = None
    """When it is started again, because it did not succeed and the schedule has retries left."""
    claimed_at: datetime
    beaten_at: datetime
    """The last heartbeat of the process that has claimed it."""
    ended_at: datetime | None = None
    process: Process


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSchedule:
    """What the store records of one schedule."""

    schedule: str
    since: datetime
    """When it was first seen with its present times. Earlier times are not due."""
    definition: str
    """The cron expressions and the zone that it was last seen with."""
    paused_at: datetime | None = None
    paused_by: str = ""


GONE = ""
"""The definition of a schedule that elt.yml does not have any more."""


def seen_schedules(
    known: Mapping[str, RecordedSchedule], definitions: Mapping[str, str], *, at: datetime
) -> Mapping[str, RecordedSchedule]:
    """Return what is known of the schedules of a project when it is seen: a new or changed one begins at `at`.

    What is known of a schedule that has no definition now is not returned.
    """
    seen = {}
    for name, definition in definitions.items():
        before = known.get(name) or RecordedSchedule(schedule=name, since=at, definition=GONE)
        seen[name] = before if before.definition == definition else replace(before, since=at, definition=definition)
    return seen


def stopped(time: RecordedTime, *, at: datetime) -> RecordedTime:
    """Return a time whose process ended because it was asked to: the next look resumes it."""
    return _put_off(time, PutOff.STOPPED, "its process was asked to end", at=at, again_at=at)


def out_of_room(time: RecordedTime, *, at: datetime, again_at: datetime) -> RecordedTime:
    """Return a time whose run could not begin or go on, because a disk was full: it is started again until it can."""
    return _put_off(time, PutOff.NO_ROOM, "a disk was full", at=at, again_at=again_at)


def _put_off(time: RecordedTime, why: PutOff, note: str, *, at: datetime, again_at: datetime) -> RecordedTime:
    return replace(
        time,
        state=TimeState.ENDED,
        exit_code=_INTERRUPTED,
        ended_at=time.ended_at or at,
        again_at=again_at,
        note=note,
        put_off=why,
    )


def was_put_off(time: RecordedTime) -> bool:
    """Return whether a time ended for a reason that uses up no retry and no resume."""
    return time.state is TimeState.ENDED and time.put_off is not None


def cancelled(time: RecordedTime, *, at: datetime, by: Process) -> RecordedTime:
    """Return a time that a user cancelled before its run began; `elt schedule skip --undo` makes it due again."""
    note = f"cancelled by {by.user}@{by.host}"
    return replace(
        time,
        state=TimeState.SKIPPED,
        cause=SkipCause.USER,
        note=note,
        run_id=None,
        claimed_at=at,
        ended_at=at,
        process=by,
    )


def was_cancelled(time: RecordedTime) -> bool:
    """Return whether a user cancelled or skipped a time."""
    return time.state is TimeState.SKIPPED and time.cause is SkipCause.USER


def next_claim(found: RecordedTime | None) -> tuple[int, str]:
    """Return the `starts` and the `note` with which a time is claimed that was recorded as `found`."""
    if found is None:
        return 1, ""
    if was_put_off(found):
        return found.starts, f"started again: {found.note}"
    return found.starts + 1, ""


def was_uninterrupted(time: RecordedTime) -> bool:
    """Return whether a time has run from its first start to its end without an interruption."""
    return time.starts == 1 and not time.note


def was_interrupted(time: RecordedTime) -> bool:
    """Return whether the run of a time was cut off, so that it is resumed and not retried; its process is not alive."""
    return time.state is TimeState.RUNNING or time.exit_code == _INTERRUPTED
