"""Defines the port to the record of schedules. A store raises StoreError when it cannot be read or written."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from orchestrator.execution.ports import RunStore
from orchestrator.scheduling.claims import RecordedSchedule, RecordedTime, TimeKey

NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


class ScheduleReader(Protocol):
    """Reads the record of the schedules of all projects that share a store. It raises NothingRecordedError."""

    def schedules(self, project: str) -> Mapping[str, RecordedSchedule]:
        """Return what is recorded of the schedules of a project, by name."""

    def latest_times(
        self, project: str, schedules: Collection[str], *, limit: int
    ) -> Mapping[str, tuple[RecordedTime, ...]]:
        """Return the last recorded times of each of some schedules, latest first, with one query for all of them."""


class ScheduleRecord(ScheduleReader, Protocol):
    """The record of the schedules of all projects that share a store."""

    def see(self, project: str, definitions: Mapping[str, str], *, at: datetime) -> Mapping[str, RecordedSchedule]:
        """Record which schedules exist, with their definitions, and return all that is recorded of them.

        A schedule that is new, or has another definition than before, begins at `at`. A pause does not end if a
        schedule is gone and comes back.
        """

    def pause(self, project: str, schedule: str, *, at: datetime, by: str) -> bool:
        """Pause a schedule; return False if it is paused already."""

    def unpause(self, project: str, schedule: str, *, at: datetime) -> bool:
        """End a pause; return False if there is none. Times before `at` are not due any more."""

    def times(
        self, project: str, schedule: str, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[RecordedTime, ...]:
        """Return the recorded times of a schedule, latest first; `since` is the earliest logical time."""

    def time(self, key: TimeKey) -> RecordedTime | None:
        """Return one time, if it is recorded."""

    def open_times(self, project: str) -> tuple[RecordedTime, ...]:
        """Return the times that are running, or are to be started again, of all schedules, earliest first."""

    def claim(
        self,
        time: RecordedTime,
        *,
        instead_of: RecordedTime | None = None,
        versions: Mapping[str, str] = NO_VERSIONS,
    ) -> bool:
        """Record a time, and return whether that was done, in one transaction.

        It is not done if the time is recorded already, unless it is recorded exactly as `instead_of` was read.
        `versions` are those of the files or the table that started it.
        """

    def versions(self, project: str) -> Mapping[str, Mapping[str, str]]:
        """Return the versions of files and tables that were seen, by schedule; none of one before its first look."""

    def note_versions(self, project: str, schedule: str, versions: Mapping[str, str]) -> None:
        """Record versions without starting anything, and that there was a look."""

    def table_version(self, step: str, target: str | None) -> str | None:
        """Return what identifies the present rows of a node, by its name or id, in a target or in any.

        None if no run has written them. It changes when a run has built or loaded the node with another result.
        """

    def skip(self, times: Sequence[RecordedTime]) -> None:
        """Record skipped times in one transaction, except those that are recorded already."""

    def update(self, time: RecordedTime) -> bool:
        """Record how a time goes on or ended; return False if another process has claimed it since."""

    def time_of_run(self, run_id: str) -> RecordedTime | None:
        """Return the time that a process has claimed to run with this id; None if there is none."""

    def beat(self, time: RecordedTime, *, at: datetime) -> bool:
        """Record a heartbeat of the process that has claimed a time; from any thread, never raises.

        Return False if the time is no longer claimed by it.
        """

    def forget(self, key: TimeKey) -> bool:
        """Delete a time that a user had skipped; return whether it was there."""


class ProjectStore(RunStore, Protocol):
    """The store of a project: the record of its runs and of its schedules."""

    def schedule_record(self) -> ScheduleRecord:
        """Return the record of schedules."""

    def schedule_reader(self) -> ScheduleReader:
        """Return the record of schedules for reading: it neither creates nor changes anything."""

    def is_empty(self) -> bool:
        """Return whether nothing was ever recorded; nothing is created."""

    def files(self) -> tuple[Path, ...]:
        """Return the files that change when something is recorded; none if the store is on a server."""
