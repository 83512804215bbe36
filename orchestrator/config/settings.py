"""Defines the settings as one frozen value, made from elt.yml, the environment and the location of files.

Each setting names its key in elt.yml and the reader of its value, so a new setting is one more field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator.config.maintenance_settings import MaintenanceWindow
from orchestrator.config.node_wishes import OnNoData
from orchestrator.config.notification_settings import NO_NOTIFICATIONS, NotificationSettings
from orchestrator.config.readers import (
    duration,
    limit,
    list_of,
    one_of,
    portion,
    positive,
    positive_or_none,
    storage_release,
    text,
    times,
    truth,
)
from orchestrator.config.repeat_settings import LimitWish, RepeatWish
from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.config.sections import at, listed, named
from orchestrator.config.step_settings import StepSettings

EVERY_MODULE = "*"
"""The name under which `ingestion.python` has the interpreter of all modules that it does not name."""


def _empty() -> MappingProxyType[str, Any]:
    return MappingProxyType({})


class OnRunStart(StrEnum):
    """When dbt's on-run-start hooks run."""

    BESIDE_INGEST = "beside_ingest"
    AFTER_INGEST = "after_ingest"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataWish:
    """The same for one dbt source, or for what one load feeds."""

    then: OnNoData
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageVersion:
    """The release of DuckDB that must be able to read the database files that are created."""

    release: str
    """`v1.5.0`, or `latest`: that of the installed DuckDB."""
    place: str = field(default="elt.yml", compare=False)
    """The file and the line that set it."""


class OnBusy(StrEnum):
    """What a run does while another one works in the same target."""

    WAIT = "wait"
    REFUSE = "refuse"


class OnOpen(StrEnum):
    """What happens downstream of a load that is excluded because it failed run after run."""

    USE_EXISTING = "use_existing"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """When a load that fails run after run is excluded."""

    after: int = field(default=0, metadata=at("circuit_breaker.after", times))
    """Consecutive runs; 0 for never."""
    try_again_after: timedelta = field(
        default=timedelta(hours=1), metadata=at("circuit_breaker.try_again_after", duration)
    )
    below: OnOpen = field(default=OnOpen.USE_EXISTING, metadata=at("circuit_breaker.below", one_of(OnOpen)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLimits:
    """How much is read to find out whether tables still hold what was built."""

    rows: int = field(default=10_000_000, metadata=at("content.rows", positive))
    """Tables with more rows are not read."""
    time: timedelta = field(default=timedelta(seconds=30), metadata=at("content.time", duration))
    """How long a run may read tables before it decides what to reuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one project; every path is absolute."""

    project_root: Path
    """The folder of elt.yml; without one, the dbt project or the folder above that contains its ingestion folder."""
    dbt_project_dir: Path = field(metadata=at("dbt_project", text))
    elt_yml: Path | None = None
    dbt_command: str = field(default="", metadata=at("dbt.command", text))
    """The program of dbt 2.x; empty for dbt 1.x, which is a library."""
    ingestion_folder: Path | None = field(default=None, metadata=at("ingestion.folder", text))
    ingestion_threads: int = field(default=2, metadata=at("ingestion.threads", positive))
    ingestion_pythons: Mapping[str, Path] = field(default_factory=_empty, metadata=at("ingestion.python", text))
    """The Python that runs an ingestion module, by the module's name, or `*` for all others; else it is elt's own."""
    ingestion_schemas: Mapping[str, str] = field(default_factory=_empty, metadata=at("ingestion.schemas.*", text))
    """The schema of a dlt source, if it is not that of the dbt source with the same name."""
    refresh_every: Mapping[str, LimitWish] = field(
        default_factory=_empty, metadata=at("ingestion.refresh_every", limit)
    )
    """How old the last successful load may be so that it is not repeated, by the name of a load, or `*` for all."""
    expectations_folder: Path | None = field(default=None, metadata=at("expectations.folder", text))
    pools: Mapping[str, int] = field(default_factory=_empty, metadata=at("pools.*", positive))
    """How many steps of each pool may run at once; nodes name their pool in `meta.elt.pool`."""
    on_run_start: OnRunStart = field(default=OnRunStart.BESIDE_INGEST, metadata=at("on_run_start", one_of(OnRunStart)))
    on_no_data: OnNoData = field(default=OnNoData.CONTINUE, metadata=at("on_no_data", one_of(OnNoData)))
    on_no_data_of: Mapping[str, NoDataWish] = field(default_factory=_empty)
    """The same by the name of a dbt source, of one of its tables, or of a load."""
    lock_timeout: timedelta = field(default=timedelta(seconds=60), metadata=at("lock_timeout", duration))
    """How long to wait for another process that holds the database file."""
    repeats: Mapping[str, RepeatWish] = field(default_factory=_empty, metadata=at("repeats.*", times))
    """Settings for further attempts, by kind of step (`ingest`, `dbt`, `checks`) or by a node's name or id."""
    time_limits: Mapping[str, LimitWish] = field(default_factory=_empty, metadata=at("time_limits.*", limit))
    """The same for the time limit of an attempt, and of the whole `run`."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    on_busy: OnBusy = field(default=OnBusy.WAIT, metadata=at("on_busy", one_of(OnBusy)))
    state_in_target: bool = field(default=True, metadata=at("state_in_target", truth))
    """Whether the target itself also records what was built in it."""
    content: ContentLimits = ContentLimits()
    store: str = field(default=".elt/history.db", metadata=at("store", text))
    """Where runs are recorded: a file below the project's root, or the URL of a PostgreSQL database."""
    keep_runs: int = field(default=2_000, metadata=at("keep_runs", positive_or_none))
    """How many of the newest runs the record keeps; 0 for all."""
    protected_targets: tuple[str, ...] = field(default=(), metadata=at("protected_targets", list_of(text)))
    """The targets in which nothing is emptied, rebuilt or deleted without consent."""
    publish_copy: Mapping[str, Path] = field(default_factory=_empty, metadata=at("publish_copy.*", text))
    """For each target, where a green run puts a copy of the database for readers."""
    storage_version: StorageVersion | None = field(default=None, metadata=at("storage_version", storage_release))
    """The storage format of DuckDB files that are created; without it, DuckDB's own default."""
    verify_reuse: float = field(default=0.0, metadata=at("verify_reuse", portion))
    """The share of reused tables that a run rebuilds as copies and compares."""
    schedules: Mapping[str, ScheduleSettings] = field(
        default_factory=_empty, metadata=named("schedules", ScheduleSettings)
    )
    """When the project runs on its own, by name."""
    maintenance: tuple[MaintenanceWindow, ...] = field(default=(), metadata=listed("maintenance", MaintenanceWindow))
    """When schedules do not start."""
    notifications: NotificationSettings = NO_NOTIFICATIONS
    steps: Mapping[str, StepSettings] = field(default_factory=_empty, metadata=named("steps", StepSettings))
    """The steps of one's own before dbt sources or after nodes, by name."""
