"""Defines the settings as one frozen value, made from elt.yml, the environment and the location of files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from orchestrator.config.repeats import LimitWish, RepeatWish

EVERY_MODULE = "*"
"""The name under which `ingestion.python` has the interpreter of all modules that it does not name."""


class OnRunStart(StrEnum):
    """When dbt's on-run-start hooks run."""

    BESIDE_INGEST = "beside_ingest"
    AFTER_INGEST = "after_ingest"


class OnNoData(StrEnum):
    """What happens downstream of a load that brought no new rows."""

    CONTINUE = "continue"
    SKIP = "skip"


class OnBusy(StrEnum):
    """What a run does while another one works in the same target."""

    WAIT = "wait"
    REFUSE = "refuse"


class OnOpen(StrEnum):
    """What happens downstream of a load that is excluded because it failed run after run."""

    USE_WHAT_STANDS = "use_what_stands"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """When a load that fails run after run is excluded."""

    after: int = 0
    """Consecutive runs; 0 for never."""
    try_again_after: timedelta = timedelta(hours=1)
    below: OnOpen = OnOpen.USE_WHAT_STANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLimits:
    """How much is read to find out whether tables still hold what was built."""

    rows: int = 10_000_000
    """Tables with more rows are not read."""
    time: timedelta = timedelta(seconds=30)
    """How long a run may read tables before it decides what to reuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one project; every path is absolute."""

    project_root: Path
    """The folder of elt.yml; without one, the dbt project or the folder above that contains its ingestion folder."""
    dbt_project_dir: Path
    elt_yml: Path | None = None
    ingestion_folder: Path | None = None
    ingestion_threads: int = 2
    ingestion_pythons: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    """The Python that runs an ingestion module, by the module's name, or `*` for all others; else it is elt's own."""
    ingestion_schemas: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The schema of a dlt source, if it is not that of the dbt source with the same name."""
    expectations_folder: Path | None = None
    on_run_start: OnRunStart = OnRunStart.BESIDE_INGEST
    on_no_data: OnNoData = OnNoData.CONTINUE
    lock_timeout: timedelta = timedelta(seconds=60)
    """How long to wait for another process that holds the database file."""
    repeats: Mapping[str, RepeatWish] = field(default_factory=lambda: MappingProxyType({}))
    """Settings for further attempts, by kind of step (`ingest`, `dbt`, `checks`) or by a node's name or id."""
    time_limits: Mapping[str, LimitWish] = field(default_factory=lambda: MappingProxyType({}))
    """The same for the time limit of an attempt, and of the whole `run`."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    on_busy: OnBusy = OnBusy.WAIT
    protected_targets: tuple[str, ...] = ()
    """The targets in which nothing is emptied, rebuilt or deleted without consent."""
    state_in_target: bool = True
    """Whether the target itself also records what was built in it."""
    content: ContentLimits = ContentLimits()
    verify_reuse: float = 0.0
    """The share of reused tables that a run rebuilds as copies and compares."""
    publish_copy: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    """For each target, where a green run puts a copy of the database for readers."""
    store: str = ".elt/history.db"
    """Where runs are recorded: a file below the project's root, or the URL of a PostgreSQL database."""
    keep_runs: int = 2_000
    """How many of the newest runs the record keeps; 0 for all."""
