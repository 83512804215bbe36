"""Keeps the record of notifications: what happened, the open causes, and the outbox."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, update

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.notifications.happening import Happening, HappeningKind, happening_from_json, happening_to_json
from orchestrator.notifications.notification_ledger import (
    LetterKind,
    Notification,
    NotificationLedger,
    NotificationState,
    OpenCause,
    Settlement,
)
from orchestrator.notifications.trouble import CauseKey
from orchestrator.scheduling.claims import RecordedTime
from orchestrator.store.database import have_alone
from orchestrator.store.json_text import plain
from orchestrator.store.notification_tables import causes, happenings, outbox
from orchestrator.store.prepared import Values
from orchestrator.store.schedule_rows import time_from
from orchestrator.store.tables import runs, schedule_times

_KEPT = timedelta(days=90)
_notification_fields = tuple(
    one.name for one in fields(Notification) if one.name not in {"number", "kind", "causes", "state"}
)
_cause_fields = tuple(one.name for one in fields(OpenCause) if one.name != "key")


class SqlNotificationRecord:
    """The record of notifications in a database. It can be used from any thread."""

    def __init__(self, connected: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._connected = connected

    def note(self, project: str, happening: Happening) -> None:
        """Record that something happened, of which nothing is decided yet."""
        row = {"project": project, "kind": happening.kind.value, "run_id": happening.run_id, "at": happening.at}
        with self._connected() as connection, connection.begin():
            connection.execute(insert(happenings), {**row, "body": happening_to_json(happening)})

    def happenings(self, project: str) -> Sequence[tuple[int, Happening]]:
        """Return what was noted and not settled, in its order, with its numbers."""
        asked = select(happenings.c.number, happenings.c.body).where(_is_unsettled(project))
        with self._connected() as connection, connection.begin():
            found = connection.execute(asked.order_by(happenings.c.number)).all()
        return [(row.number, happening_from_json(row.body)) for row in found]

    def happening_of(self, project: str, run_id: str) -> Happening | None:
        """Return what was last noted of a run."""
        is_it = (happenings.c.project == project) & (happenings.c.run_id == run_id)
        asked = select(happenings.c.body).where(is_it).order_by(happenings.c.number.desc()).limit(1)
        with self._connected() as connection, connection.begin():
            body = connection.execute(asked).scalar()
        return None if body is None else happening_from_json(body)

    def is_noted(self, project: str, happening: Happening) -> bool:
        """Return whether something of the same kind and subject was noted of the same time of a schedule."""
        is_it = (happenings.c.project == project) & (happenings.c.kind == happening.kind.value)
        with self._connected() as connection, connection.begin():
            found = [
                happening_from_json(body)
                for body in connection.execute(select(happenings.c.body).where(is_it)).scalars()
            ]
        wanted = (happening.schedule, happening.logical_time, happening.subject)
        return any((one.schedule, one.logical_time, one.subject) == wanted for one in found)

    def settle(
        self, project: str, number: int | None, decide: Callable[[NotificationLedger], Settlement], *, now: datetime
    ) -> Settlement | None:
        """Decide what follows from a happening, and record it; None if another process has settled it."""
        with self._connected() as connection:
            # The lock covers the reading and the decision: two processes must not both find that nothing was sent.
            have_alone(connection)
            if number is not None:
                own = (happenings.c.number == number) & _is_unsettled(project)
                if not connection.execute(update(happenings).where(own).values(settled_at=now)).rowcount:
                    connection.rollback()
                    return None
                _forget_old(connection, project, now - _KEPT)
            made = decide(_read_ledger(connection, project))
            _write(connection, project, made)
            connection.commit()
        return made

    def ledger(self, project: str) -> NotificationLedger:
        """Return the open causes and the notifications about them."""
        with self._connected() as connection, connection.begin():
            return _read_ledger(connection, project)

    def put(self, project: str, notification: Notification) -> None:
        """Add one notification to the outbox."""
        with self._connected() as connection, connection.begin():
            connection.execute(insert(outbox), _notification_values(project, notification))

    def claim(self, project: str, *, now: datetime, until: datetime) -> Sequence[Notification]:
        """Return the notifications that are due, in their order, and reserve them for this process for a while."""
        with self._connected() as connection:
            have_alone(connection)
            asked = select(outbox).where(_is_due(project, now)).order_by(outbox.c.number)
            found = [_notification(row) for row in connection.execute(asked)]
            numbers = [notification.number for notification in found]
            connection.execute(update(outbox).where(outbox.c.number.in_(numbers)).values(claimed_until=until))
            connection.commit()
        return found

    def update(self, project: str, notification: Notification) -> None:
        """Record how a notification was sent or not."""
        is_own = (outbox.c.project == project) & (outbox.c.number == notification.number)
        with self._connected() as connection, connection.begin():
            connection.execute(update(outbox).where(is_own).values(**_notification_values(project, notification)))

    def is_waiting(self, project: str, now: datetime) -> bool:
        """Return whether something noted is not settled, or a notification is due."""
        asked = select(or_(exists().where(_is_unsettled(project)), exists().where(_is_due(project, now))))
        with self._connected() as connection, connection.begin():
            return bool(connection.execute(asked).scalar_one())

    def next_due(self, project: str) -> datetime | None:
        """Return when the next waiting notification may be sent; None if none waits."""
        is_waiting = (outbox.c.project == project) & (outbox.c.state == NotificationState.WAITING.value)
        asked = select(outbox.c.due_at, outbox.c.claimed_until).where(is_waiting)
        with self._connected() as connection, connection.begin():
            times = [max(due, claimed or due) for due, claimed in connection.execute(asked)]
        return min(times, default=None)

    def causes(self, project: str) -> Sequence[OpenCause]:
        """Return all causes that are recorded, also those that have recovered."""
        asked = select(causes).where(causes.c.project == project).order_by(causes.c.first_at)
        with self._connected() as connection, connection.begin():
            return [_cause(row) for row in connection.execute(asked)]

    def messages(self, project: str, *, limit: int) -> Sequence[Notification]:
        """Return the newest notifications that are no pings, newest first."""
        return self._newest(project, outbox.c.kind != LetterKind.PING.value, limit)

    def pings(self, project: str, *, limit: int) -> Sequence[Notification]:
        """Return the newest pings, newest first."""
        return self._newest(project, outbox.c.kind == LetterKind.PING.value, limit)

    def _newest(self, project: str, are_wanted: ColumnElement[bool], limit: int) -> Sequence[Notification]:
        asked = select(outbox).where(outbox.c.project == project, are_wanted)
        with self._connected() as connection, connection.begin():
            found = connection.execute(asked.order_by(outbox.c.number.desc()).limit(limit))
            return [_notification(row) for row in found]

    def unended_runs(self, project: str) -> Sequence[str]:
        """Return the ids of the runs that have no end and whose loss was not noted since they were last alive."""
        noted = exists().where(
            happenings.c.kind.in_([HappeningKind.LOST.value, HappeningKind.ENDED.value]),
            happenings.c.run_id == runs.c.run_id,
            happenings.c.at >= runs.c.heartbeat_at,
        )
        of_another = exists().where(schedule_times.c.run_id == runs.c.run_id, schedule_times.c.project != project)
        asked = select(runs.c.run_id).where(runs.c.status.is_(None), ~noted, ~of_another).order_by(runs.c.started_at)
        with self._connected() as connection, connection.begin():
            return list(connection.execute(asked).scalars())

    def time_of_run(self, project: str, run_id: str) -> RecordedTime | None:
        """Return the time of a schedule that a run belongs to: it names the run, or has the same process."""
        times, same = schedule_times.c, runs.c
        is_process = and_(
            times.host == same.host,
            times.process == same.process,
            times.process_started_at == same.process_started_at,
            times.claimed_at <= same.started_at,
        )
        asked = (
            select(schedule_times)
            .join(runs, runs.c.run_id == run_id)
            .where(times.project == project, or_(times.run_id == run_id, is_process))
            .order_by(times.claimed_at.desc())
            .limit(1)
        )
        with self._connected() as connection, connection.begin():
            row = connection.execute(asked).first()
        return None if row is None else time_from(row)


def _is_unsettled(project: str) -> ColumnElement[bool]:
    return (happenings.c.project == project) & happenings.c.settled_at.is_(None)


def _is_due(project: str, now: datetime) -> ColumnElement[bool]:
    is_free = or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now)
    is_waiting = outbox.c.state == NotificationState.WAITING.value
    return and_(outbox.c.project == project, is_waiting, outbox.c.due_at <= now, is_free)


def _read_ledger(connection: Connection, project: str) -> NotificationLedger:
    asked = select(causes).where(causes.c.project == project, causes.c.resolved_at.is_(None))
    found = {row.cause_id: _cause(row) for row in connection.execute(asked.order_by(causes.c.first_at))}
    if not found:
        return NotificationLedger()
    first = min(cause.first_at for cause in found.values())
    since = select(outbox).where(outbox.c.project == project, outbox.c.made_at >= first)
    about = tuple(_notification(row) for row in connection.execute(since.order_by(outbox.c.number)))
    return NotificationLedger(open=found, notifications=tuple(one for one in about if found.keys() & set(one.causes)))


def _write(connection: Connection, project: str, made: Settlement) -> None:
    for cause in made.causes:
        is_it = (causes.c.project == project) & (causes.c.cause_id == cause.key.id)
        connection.execute(delete(causes).where(is_it))
        connection.execute(insert(causes), _cause_values(project, cause))
    for notification in made.notifications:
        connection.execute(insert(outbox), _notification_values(project, notification))
    if made.withdrawn:
        is_it = (outbox.c.project == project) & outbox.c.number.in_(made.withdrawn)
        connection.execute(update(outbox).where(is_it).values(state=NotificationState.WITHDRAWN.value))


def _forget_old(connection: Connection, project: str, before: datetime) -> None:
    """Delete what was settled, sent and resolved long ago."""
    oldest = select(func.min(causes.c.first_at)).where(causes.c.project == project, causes.c.resolved_at.is_(None))
    kept_from = min(before, connection.execute(oldest).scalar() or before)
    is_over = outbox.c.state != NotificationState.WAITING.value
    connection.execute(delete(happenings).where(happenings.c.project == project, happenings.c.settled_at < before))
    connection.execute(delete(causes).where(causes.c.project == project, causes.c.resolved_at < before))
    connection.execute(delete(outbox).where(outbox.c.project == project, is_over, outbox.c.made_at < kept_from))


def _cause(row: Row[Any]) -> OpenCause:
    key = CauseKey(target=row.target_identity, place=row.place, step=row.step_id, event=NotifyEvent(row.event))
    return OpenCause(key=key, **{name: getattr(row, name) for name in _cause_fields})


def _cause_values(project: str, cause: OpenCause) -> Values:
    key = cause.key
    identity = {"target_identity": key.target, "place": key.place, "step_id": key.step, "event": key.event.value}
    own = {name: _plain(getattr(cause, name)) for name in _cause_fields}
    return {"project": project, "cause_id": key.id, **identity, **own}


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        number=row.number,
        kind=LetterKind(row.kind),
        causes=tuple(row.causes),
        state=NotificationState(row.state),
        **{name: getattr(row, name) for name in _notification_fields},
    )


def _notification_values(project: str, notification: Notification) -> Values:
    own = {name: _plain(getattr(notification, name)) for name in _notification_fields}
    kinds = {"kind": notification.kind.value, "causes": list(notification.causes), "state": notification.state.value}
    return {"project": project, **kinds, **own}


def _plain(value: object) -> object:
    """Return a value without the characters in a text that a database cannot store."""
    return plain(value) if isinstance(value, str) else value
