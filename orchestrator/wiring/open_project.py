"""Opens a project: starts the adapters that read it, in the right order.

The dlt sources are discovered in a child process while dbt starts and parses. elt opens a database file before dbt
does, with dbt's own configuration, so that both use one instance.
"""

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.dbt.bridge.releases import load_env_file
from orchestrator.adapters.dbt_driver import DbtDriver
from orchestrator.adapters.dlt.discovery import Discovery
from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.adapters.duckdb.lock import Holder
from orchestrator.adapters.reading_cache import ReadingCache
from orchestrator.adapters.record_sql import own_tables
from orchestrator.adapters.target_record import SqlTargetRecord
from orchestrator.config.settings import Settings
from orchestrator.errors import WarehouseLockedError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Limits
from orchestrator.graph.build import Graph
from orchestrator.masking import Masker, masked_errors
from orchestrator.nodes.manifest import manifest_from
from orchestrator.nodes.prefix import Placement, require_distinct
from orchestrator.nodes.target import Target
from orchestrator.plan.scheduled_vars import vars_of
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import LockedDatabase
from orchestrator.reuse.fingerprints.text_readings import TextReadings
from orchestrator.selection.bind_steps import with_own_steps
from orchestrator.timetable.scheduled_time import DataInterval, ScheduledTime
from orchestrator.ways.way import Ways
from orchestrator.wiring.dbt_choice import KeptUse, dbt_of, kept_answers, kept_folder
from orchestrator.wiring.log_files import own_log
from orchestrator.wiring.project_graph import graph_of, masked_discovery, start_discovery
from orchestrator.wiring.target_markers import target_record
from orchestrator.wiring.warehouse import ChildWarehouse, open_empty, open_shared


@dataclass(slots=True, kw_only=True)
class OpenProject:
    """A project's snapshot, and the tools that are open for it; valid inside the `open_project` context."""

    snapshot: ProjectSnapshot
    dbt: DbtDriver
    inbox: Inbox
    lock_timeout: float
    host: IngestionHost | None = None
    masker: Masker
    resources: ExitStack
    hear: Callable[[Noticed], None]
    """Called at once with notices that explain why the caller has to wait."""
    only_reads: bool = False
    """Whether the command runs nothing, and can answer without a database file that another process holds."""
    interval: DataInterval | None = None
    """The data interval of a scheduled run."""
    readings: TextReadings = field(default_factory=TextReadings)
    """The readings of templates, with those that earlier commands kept."""
    _warehouse: ChildWarehouse | None = field(default=None)
    _locked_for_long: WarehouseLockedError | None = field(default=None)
    locked: LockedDatabase | None = None
    """The result of `locked_database`, once it was called."""

    @property
    def settings(self) -> Settings:
        """The settings of the project."""
        return self.snapshot.settings

    @property
    def target(self) -> Target:
        """dbt's target."""
        return self.snapshot.target

    @property
    def graph(self) -> Graph:
        """The graph of the project, with its manifest."""
        return self.snapshot.graph

    def ways(self, *, plain: bool) -> Ways:
        """Return which nodes are executed with generated statements: none if dbt is to execute all of them."""
        flags = self.snapshot.flags
        return Ways(
            self.graph.manifest,
            self.target,
            stores_failures=flags.store_failures,
            refreshes=flags.full_refresh,
            plain=plain,
            readings=self.readings,
        )

    @property
    def database(self) -> str:
        """The database as people read it, with the schemas of a run that is placed elsewhere."""
        return f"{self.target.description}{self.graph.placement.words}"

    def locked_database(self) -> LockedDatabase | None:
        """Return the process that has locked the database, for a command that only reads; None if it is free."""
        # The lock shows only when the file is opened. A command that runs waits for it instead, up to its limit.
        can_be_locked = self.only_reads and self.target.is_file and self.target.is_shared and self.target.is_there
        if can_be_locked and self._warehouse is None and self.locked is None:
            try:
                self.warehouse()
            except WarehouseLockedError as error:
                command = self.masker.text(error.command)
                self.locked = LockedDatabase(database=self.target.description, pid=error.pid, command=command)
        return self.locked

    def warehouse(self) -> ChildWarehouse:
        """Open the database alongside dbt, once; raises WarehouseError if it cannot be opened or shared."""
        if self._locked_for_long is not None:  # a caller may have continued without it; no command waits twice
            raise self._locked_for_long
        if self._warehouse is None:
            try:
                self._warehouse = open_shared(
                    self.target,
                    self.dbt.credentials,
                    storage=self.settings.storage_version,
                    lock_timeout=self.lock_timeout,
                    on_wait=self._tell_of_wait,
                )
            except WarehouseLockedError as error:
                self._locked_for_long = error
                raise
            self.resources.callback(self._warehouse.close)
        return self._warehouse

    def relations(self) -> frozenset[tuple[str, str]] | None:
        """Return every table and view except elt's own, as lower-case (schema, name); None if only dbt can see them."""
        if not self.target.is_shared:
            return None
        return self.warehouse().relations() - own_tables(self.graph.placement) if self.target.is_there else frozenset()

    def result_settings(self) -> Mapping[str, str]:
        """Return the database's settings that change results, also of a database file that does not exist yet."""
        if self.target.is_there:
            return self.warehouse().result_settings()
        with closing(open_empty(self.target, self.dbt.credentials)) as database:
            return database.result_settings()

    def record(self) -> SqlTargetRecord | None:
        """Return the target's own record of what was built in it; None if it keeps none."""
        return target_record(
            self.snapshot,
            warehouse=self.warehouse,
            attach=self.dbt.attach,
            tell=lambda message: self.inbox.post(NoticeKind.WARNING, message),
        )

    def limits(self) -> Limits:
        """Return how many steps of each lane and pool may run at once: dbt's threads, and the settings."""
        settings = self.settings
        return Limits(dbt=self.dbt.threads_of(self.target), ingest=settings.ingestion_threads, pools=settings.pools)

    def parallel(self) -> Limits:
        """Return how many steps of each lane work at once, for estimates: one call of dbt may work on several nodes."""
        return replace(self.limits(), dbt=self.target.threads)

    def _tell_of_wait(self, holder: Holder) -> None:
        message = f"up to {self.lock_timeout:g} s for {self.target.path}, which is locked by {holder}"
        self.hear(Noticed(at=datetime.now(UTC), kind=NoticeKind.WAITING, message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtCall:
    """One command line of dbt, and the time of a schedule whose data interval its vars hold."""

    words: tuple[str, ...]
    scheduled: ScheduledTime | None = None
    kept: KeptUse = KeptUse.NONE
    """What the command does with the answers of dbt that are kept."""


@contextmanager
def open_project(
    settings: Settings,
    call: DbtCall,
    inbox: Inbox,
    *,
    needs_ingestion: bool | None,
    placement: Placement,
    lock_timeout: float | None = None,
    only_reads: bool = False,
    hear: Callable[[Noticed], None] = lambda _notice: None,
) -> Iterator[OpenProject]:
    """Open the project for one dbt command line; on exit, close everything in reverse order.

    `needs_ingestion` says whether mistakes in the ingestion modules are errors; with None, the modules are not read.
    """

    def hear_dbt(kind: str, message: str, node: str) -> None:
        inbox.post(NoticeKind(kind), message, step_id=StepId(node) if node else None)

    load_env_file(settings.dbt_project_dir)  # first of all, so that child processes have its variables too
    masker = inbox.masker
    _learn_secrets(masker, settings)  # before anything is logged
    with masked_errors(masker), ExitStack() as resources:
        resources.enter_context(own_log(settings, masker))
        host, found = start_discovery(settings, resources, masker) if needs_ingestion is not None else (None, None)
        answers = None
        if call.kept is not KeptUse.NONE:
            answers = kept_answers(settings, masker, is_read=call.kept is KeptUse.READ)
        dbt = resources.enter_context(closing(dbt_of(settings, hear_dbt, masker.text, answers)))
        target = dbt.open(call.words, vars_of(call.scheduled))
        masker.learn_named({**dbt.credentials(), "vars": dict(dbt.flags.vars)})  # dbt has rendered them now
        parsed = dbt.parse(placement)
        manifest = manifest_from(parsed.document, parsed.path, continues=dbt.continues_after_errors)
        require_distinct(placement, manifest)
        discovery = masked_discovery(found.result(), masker) if found else Discovery()  # the child ran meanwhile
        graph, readings, moved = graph_of(settings, manifest, discovery, placement, needed=bool(needs_ingestion))
        graph = with_own_steps(graph, settings, dbt.selector)
        if moved:
            dbt.move_sources(placement, moved)  # which sources are fed is known only after the match
        _freeze(resources)
        yield OpenProject(
            snapshot=ProjectSnapshot(
                settings=settings,
                target=target,
                flags=dbt.flags,
                graph=graph,
                suites=readings,
                kept_types=dbt.selector.kept_types(),
            ),
            dbt=dbt,
            inbox=inbox,
            lock_timeout=_patience(settings, lock_timeout, only_reads=only_reads),
            host=host,
            masker=masker,
            resources=resources,
            hear=lambda notice: hear(replace(notice, message=masker.text(notice.message))),
            only_reads=only_reads,
            interval=call.scheduled.interval if call.scheduled else None,
            readings=_kept_readings(settings, masker, resources),
        )


def _freeze(resources: ExitStack) -> None:
    """Spare what was read of the project from garbage collections until it is closed: it lives as long."""
    gc.freeze()
    resources.callback(gc.unfreeze)


def _kept_readings(settings: Settings, masker: Masker, resources: ExitStack) -> TextReadings:
    """Return the readings of templates that are kept; new ones are kept when the project is closed."""
    cache = ReadingCache(kept_folder(settings), masker.knows_any_in)
    readings = cache.load()
    resources.callback(cache.save, readings)
    return readings


def _learn_secrets(masker: Masker, settings: Settings) -> None:
    masker.learn_named(os.environ)
    for folder in (settings.ingestion_folder, settings.project_root, Path.home()):
        if folder is not None:
            masker.learn_file(folder / ".dlt" / "secrets.toml")


def _patience(settings: Settings, asked: float | None, *, only_reads: bool) -> float:
    """Return how many seconds to wait for a locked database; a command that only reads waits only if asked to."""
    if asked is not None:
        return asked
    return 0 if only_reads else settings.lock_timeout.total_seconds()  # a plan without the database is better than none
