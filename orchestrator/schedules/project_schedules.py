"""Opens the schedules of a project with their record."""

import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.config.loader import load_settings
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.settings import Settings
from orchestrator.errors import NothingRecordedError, UnknownRunError, UnknownScheduleError
from orchestrator.execution.liveness import is_alive, lives
from orchestrator.notifications.notification_ports import NotifyingStore
from orchestrator.scheduling.claims import RecordedSchedule, RecordedTime, TimeKey, seen_schedules
from orchestrator.scheduling.due import MOST_LOOKED_AT, RecordedTimes, definition_of
from orchestrator.scheduling.schedule_ports import ScheduleReader, ScheduleRecord
from orchestrator.scheduling.scheduled_command import project_name
from orchestrator.timetable.scheduled_time import ScheduledTime
from orchestrator.wiring.project_store import open_store
from orchestrator.wording import did_you_mean, similar


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSchedules:
    """The schedules of a project, and their record."""

    settings: Settings
    project: str
    store: NotifyingStore
    record: ScheduleRecord

    def schedule(self, name: str) -> ScheduleSettings:
        """Return a schedule; raises UnknownScheduleError."""
        return named_schedule(self.settings, name)

    def key(self, time: ScheduledTime) -> TimeKey:
        """Return the key of a time in the record."""
        return TimeKey(project=self.project, schedule=time.schedule, logical_time=time.logical_time)

    def is_recorded(self, run_id: str | None) -> bool:
        """Return whether a run is recorded: one that waits, or could not start, is not."""
        try:
            return run_id is not None and bool(self.store.reader().head(run_id))
        except UnknownRunError:
            return False

    def see(self, now: datetime) -> Mapping[str, RecordedSchedule]:
        """Record which schedules exist, and return what is recorded of them."""
        return self.record.see(self.project, self._definitions(), at=now)

    def recorded(self, seen: Mapping[str, RecordedSchedule], names: Collection[str]) -> Mapping[str, RecordedTimes]:
        """Return what the record says of some schedules, of which `see` returned `seen`."""
        return self._with_times(self.record, seen, names)

    def read(self, now: datetime, names: Collection[str]) -> Mapping[str, RecordedTimes]:
        """Return what the record says of some schedules, for a reader: nothing is created or changed.

        A schedule that no process has looked at yet began at the latest when elt.yml was written.
        """
        reader = self.store.schedule_reader()
        try:
            known = reader.schedules(self.project)
        except NothingRecordedError:
            if not self.store.is_empty():  # it was written by an older elt
                raise
            known = {}
        seen = seen_schedules(known, self._definitions(), at=self._written_at(now))
        if not known:
            return {name: RecordedTimes(schedule=seen[name], times=(), is_seen=False) for name in names}
        found = self._with_times(reader, seen, names)
        return {name: replace(one, is_seen=known.get(name) == seen[name]) for name, one in found.items()}

    def _with_times(
        self, reader: ScheduleReader, seen: Mapping[str, RecordedSchedule], names: Collection[str]
    ) -> Mapping[str, RecordedTimes]:
        upstreams = {name: self.settings.schedules[name].on.schedule or "" for name in names}
        times = reader.latest_times(self.project, {*upstreams.keys(), *upstreams.values()}, limit=MOST_LOOKED_AT)
        return {
            name: RecordedTimes(schedule=seen[name], times=times.get(name, ()), upstream=times.get(upstream, ()))
            for name, upstream in upstreams.items()
        }

    def _definitions(self) -> Mapping[str, str]:
        return {name: definition_of(one) for name, one in self.settings.schedules.items()}

    def _written_at(self, now: datetime) -> datetime:
        elt_yml = self.settings.elt_yml
        return now if elt_yml is None else min(now, datetime.fromtimestamp(elt_yml.stat().st_mtime, UTC))


def named_schedule(settings: Settings, name: str) -> ScheduleSettings:
    """Return a schedule of elt.yml; raises UnknownScheduleError."""
    found = settings.schedules.get(name)
    if found is None:
        hint = did_you_mean(similar(name, settings.schedules)) or "`elt schedule list` lists the schedules."
        raise UnknownScheduleError(f"elt.yml has no schedule {name}.", hint=hint)
    return found


@contextmanager
def opened_schedules(project_dir: Path | None, settings: Settings | None = None) -> Iterator[ProjectSchedules]:
    """Open the schedules of a project; their record is opened when it is used."""
    settings = settings or load_settings(project_dir)
    with closing(open_store(settings)) as store:
        yield ProjectSchedules(
            settings=settings,
            project=project_name(settings.dbt_project_dir),
            store=store,
            record=store.schedule_record(),
        )


def is_alive_now(time: RecordedTime) -> bool:
    """Return whether the process that has claimed a time is alive."""
    return is_alive(time.process, time.beaten_at, now=utc_now(), here=socket.gethostname(), lives=lives)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
