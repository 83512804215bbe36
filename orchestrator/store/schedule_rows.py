"""Keeps the record of schedules: one row per schedule, and one per time of it that was claimed or skipped."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import StoreError
from orchestrator.execution.recorded import Process
from orchestrator.plan.status import Status
from orchestrator.scheduling.claims import (
    GONE,
    PutOff,
    RecordedSchedule,
    RecordedTime,
    SkipCause,
    TimeKey,
    TimeState,
    seen_schedules,
)
from orchestrator.scheduling.schedule_ports import NO_VERSIONS
from orchestrator.store.database import have_alone
from orchestrator.store.prepared import Values
from orchestrator.store.tables import fingerprints, runs, schedule_times, schedule_versions, schedules, steps
from orchestrator.timetable.scheduled_time import DataInterval

_times = schedule_times.c
_WRITING = ("ingest", "seed", "model", "snapshot")
_same = ("note", "exit_code", "run_id", "starts", "again_at", "claimed_at", "beaten_at", "ended_at")


class SqlScheduleRecord:
    """The record of schedules in a database. It can be used from any thread."""

    def __init__(self, connected: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._connected = connected

    def schedules(self, project: str) -> Mapping[str, RecordedSchedule]:
        """Return what is recorded of the schedules of a project, by name."""
        with self._connected() as connection, connection.begin():
            return _read_schedules(connection, project)

    def see(self, project: str, definitions: Mapping[str, str], *, at: datetime) -> Mapping[str, RecordedSchedule]:
        """Record which schedules exist; a new or changed one begins at `at`."""
        known = self.schedules(project)
        present = {name: one.definition for name, one in known.items() if one.definition != GONE}
        if present == dict(definitions):
            return known
        with self._connected() as connection:
            have_alone(connection)
            known = _read_schedules(connection, project)
            for name in known.keys() - definitions.keys():
                # Kept, because elt.yml may be empty for a moment: a pause must not end so.
                connection.execute(update(schedules).where(_is_schedule(project, name)).values(definition=GONE))
            for name, one in seen_schedules(known, definitions, at=at).items():
                if one == known.get(name):
                    continue
                # What was seen for other files or another table says nothing of these.
                connection.execute(delete(schedule_versions).where(_is_version(project, name)))
                connection.execute(delete(schedules).where(_is_schedule(project, name)))
                connection.execute(insert(schedules), {"project": project, **asdict(one)})
            seen = _read_schedules(connection, project)
            connection.commit()
        return seen

    def pause(self, project: str, schedule: str, *, at: datetime, by: str) -> bool:
        """Pause a schedule; return False if it is paused already."""
        with self._connected() as connection, connection.begin():
            running = _is_schedule(project, schedule) & schedules.c.paused_at.is_(None)
            changed = update(schedules).where(running).values(paused_at=at, paused_by=by)
            return bool(connection.execute(changed).rowcount)

    def unpause(self, project: str, schedule: str, *, at: datetime) -> bool:
        """End a pause; return False if there is none. Times before `at` are not due any more."""
        with self._connected() as connection, connection.begin():
            paused = _is_schedule(project, schedule) & schedules.c.paused_at.is_not(None)
            changed = update(schedules).where(paused).values(paused_at=None, paused_by="", since=at)
            return bool(connection.execute(changed).rowcount)

    def times(
        self, project: str, schedule: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RecordedTime, ...]:
        """Return the recorded times of a schedule, latest first; `since` is the earliest logical time."""
        asked = select(schedule_times).where(_times.project == project, _times.schedule == schedule)
        if since is not None:
            asked = asked.where(_times.logical_time >= since)
        with self._connected() as connection, connection.begin():
            return tuple(map(time_from, connection.execute(asked.order_by(_times.logical_time.desc()).limit(limit))))

    def latest_times(
        self, project: str, schedules: Collection[str], *, limit: int
    ) -> Mapping[str, tuple[RecordedTime, ...]]:
        """Return the last recorded times of each of some schedules, latest first, with one query for all of them."""
        rank = func.row_number().over(partition_by=_times.schedule, order_by=_times.logical_time.desc())
        own = (_times.project == project) & _times.schedule.in_(schedules)
        ranked = select(schedule_times, rank.label("rank")).where(own).subquery()
        asked = select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.schedule, ranked.c.rank)
        with self._connected() as connection, connection.begin():
            rows = connection.execute(asked)
            return {name: tuple(map(time_from, some)) for name, some in groupby(rows, lambda row: row.schedule)}

    def time(self, key: TimeKey) -> RecordedTime | None:
        """Return one time, if it is recorded."""
        with self._connected() as connection, connection.begin():
            row = connection.execute(select(schedule_times).where(_is_time(key))).one_or_none()
        return None if row is None else time_from(row)

    def open_times(self, project: str) -> tuple[RecordedTime, ...]:
        """Return the times that are running, or are to be started again, of all schedules, earliest first."""
        is_open = or_(_times.state == TimeState.RUNNING.value, _times.again_at.is_not(None))
        asked = select(schedule_times).where(_times.project == project, is_open).order_by(_times.logical_time)
        with self._connected() as connection, connection.begin():
            return tuple(map(time_from, connection.execute(asked)))

    def claim(
        self,
        time: RecordedTime,
        *,
        instead_of: RecordedTime | None = None,
        versions: Mapping[str, str] = NO_VERSIONS,
    ) -> bool:
        """Record a time unless it is recorded already; with `instead_of`, only if it is recorded exactly as that."""
        with self._connected() as connection:
            # The lock covers the read and the write: of two processes that start together only one may claim the time.
            have_alone(connection)
            row = connection.execute(select(schedule_times).where(_is_time(time.key))).one_or_none()
            is_free = (None if row is None else time_from(row)) == instead_of
            if is_free:
                connection.execute(delete(schedule_times).where(_is_time(time.key)))
                connection.execute(insert(schedule_times), _values(time))
                _write_versions(connection, time.key.project, time.key.schedule, versions)
                connection.commit()
            else:
                connection.rollback()
        return is_free

    def versions(self, project: str) -> Mapping[str, Mapping[str, str]]:
        """Return the versions of files and tables that were seen, by schedule; none of one before its first look."""
        asked = select(schedule_versions).where(schedule_versions.c.project == project)
        found = defaultdict[str, dict[str, str]](dict)
        with self._connected() as connection, connection.begin():
            for row in connection.execute(asked):
                found[row.schedule] |= {row.name: row.version} if row.name else {}
        return found

    def note_versions(self, project: str, schedule: str, versions: Mapping[str, str]) -> None:
        """Record versions without starting anything, and that there was a look."""
        with self._connected() as connection, connection.begin():
            _write_versions(connection, project, schedule, {**versions, "": "looked"})

    def table_version(self, step: str, target: str | None) -> str | None:
        """Return what identifies the present rows of a node; None if no run has written them."""
        joined = steps.join(runs, runs.c.run_id == steps.c.run_id).outerjoin(
            fingerprints, (fingerprints.c.run_id == steps.c.run_id) & (fingerprints.c.step_id == steps.c.step_id)
        )
        is_node = (steps.c.step_id == step) | (steps.c.name == step)
        wrote = steps.c.kind.in_(_WRITING) & (steps.c.status == Status.SUCCESS.value)
        asked = select(runs.c.run_id, runs.c.selected, fingerprints.c.identity).select_from(joined)
        asked = asked.where(is_node, wrote).order_by(runs.c.started_at.desc())
        if target is not None:
            asked = asked.where(runs.c.target == target)
        with self._connected() as connection, connection.begin():
            for row in connection.execute(asked):
                if not (row.selected or {}).get("schema_prefix"):  # a sandbox has rows of its own
                    return str(row.identity or row.run_id)
        return None

    def skip(self, times: Sequence[RecordedTime]) -> None:
        """Record skipped times in one transaction, except those that are recorded already."""
        if not times:
            return
        first = times[0].key
        moments = [time.key.logical_time for time in times]
        own = (_times.project == first.project) & (_times.schedule == first.schedule)
        asked = select(_times.logical_time).where(own, _times.logical_time.between(min(moments), max(moments)))
        with self._connected() as connection:
            have_alone(connection)
            known = set(connection.execute(asked).scalars())
            rows = [_values(time) for time in times if time.key.logical_time not in known]
            if rows:
                connection.execute(insert(schedule_times), rows)
            connection.commit()

    def update(self, time: RecordedTime) -> bool:
        """Record how a time goes on or ended; return False if another process has claimed it since."""
        with self._connected() as connection, connection.begin():
            changed = update(schedule_times).where(_is_own(time))
            return bool(connection.execute(changed.values(**_values(time))).rowcount)

    def time_of_run(self, run_id: str) -> RecordedTime | None:
        """Return the time that a process has claimed to run with this id; None if there is none."""
        running = (_times.run_id == run_id) & (_times.state == TimeState.RUNNING.value)
        with self._connected() as connection, connection.begin():
            row = connection.execute(select(schedule_times).where(running)).first()
        return None if row is None else time_from(row)

    def beat(self, time: RecordedTime, *, at: datetime) -> bool:
        """Record a heartbeat of the process that has claimed a time; return False if it is no longer claimed by it."""
        with suppress(StoreError, SQLAlchemyError), self._connected() as connection, connection.begin():
            own = update(schedule_times).where(_is_own(time)).values(beaten_at=at)
            return bool(connection.execute(own).rowcount)
        return True

    def forget(self, key: TimeKey) -> bool:
        """Delete a time that a user had skipped; return whether it was there."""
        skipped = (_times.state == TimeState.SKIPPED.value) & (_times.cause == SkipCause.USER.value)
        with self._connected() as connection, connection.begin():
            return bool(connection.execute(delete(schedule_times).where(_is_time(key), skipped)).rowcount)


def _read_schedules(connection: Connection, project: str) -> dict[str, RecordedSchedule]:
    asked = select(schedules).where(schedules.c.project == project).order_by(schedules.c.schedule)
    return {
        row.schedule: RecordedSchedule(
            schedule=row.schedule,
            since=row.since,
            definition=row.definition,
            paused_at=row.paused_at,
            paused_by=row.paused_by,
        )
        for row in connection.execute(asked)
    }


def _is_version(project: str, schedule: str) -> ColumnElement[bool]:
    return (schedule_versions.c.project == project) & (schedule_versions.c.schedule == schedule)


def _write_versions(connection: Connection, project: str, schedule: str, versions: Mapping[str, str]) -> None:
    for name, version in versions.items():
        connection.execute(
            delete(schedule_versions).where(_is_version(project, schedule), schedule_versions.c.name == name)
        )
        row = {"project": project, "schedule": schedule, "name": name, "version": version}
        connection.execute(insert(schedule_versions), row)


def _is_schedule(project: str, name: str) -> ColumnElement[bool]:
    return (schedules.c.project == project) & (schedules.c.schedule == name)


def _is_time(key: TimeKey) -> ColumnElement[bool]:
    named = (_times.project == key.project) & (_times.schedule == key.schedule)
    return named & (_times.logical_time == key.logical_time)


def _is_own(time: RecordedTime) -> ColumnElement[bool]:
    process = time.process
    own = (_times.host == process.host) & (_times.process == process.pid) & (_times.claimed_at == time.claimed_at)
    return _is_time(time.key) & own


def time_from(row: Row[Any]) -> RecordedTime:
    """Return a time of a schedule from its row."""
    return RecordedTime(
        key=TimeKey(project=row.project, schedule=row.schedule, logical_time=row.logical_time),
        interval=DataInterval(start=row.interval_start, end=row.interval_end),
        state=TimeState(row.state),
        cause=None if row.cause is None else SkipCause(row.cause),
        put_off=None if row.put_off is None else PutOff(row.put_off),
        process=Process(host=row.host, pid=row.process, started_at=row.process_started_at, user=row.user),
        **{name: getattr(row, name) for name in _same},
    )


def _values(time: RecordedTime) -> Values:
    return {
        "project": time.key.project,
        "schedule": time.key.schedule,
        "logical_time": time.key.logical_time,
        "interval_start": time.interval.start,
        "interval_end": time.interval.end,
        "state": time.state.value,
        "cause": None if time.cause is None else time.cause.value,
        "put_off": None if time.put_off is None else time.put_off.value,
        "user": time.process.user,
        "host": time.process.host,
        "process": time.process.pid,
        "process_started_at": time.process.started_at,
        **{name: getattr(time, name) for name in _same},
    }
