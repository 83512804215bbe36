"""A dbt project that is open: everything that elt asks of dbt, in values of elt.

No other package sees dbt's session, its flags or its manifest.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.compiling import compile_code, compiled_variants
from orchestrator.adapters.dbt.dbt_surroundings import dbt_surroundings
from orchestrator.adapters.dbt.found_results import found_outcome
from orchestrator.adapters.dbt.invocation import Hear
from orchestrator.adapters.dbt.ledger import DbtLedger
from orchestrator.adapters.dbt.left_batches import left_by_markers
from orchestrator.adapters.dbt.ls_lines import list_lines
from orchestrator.adapters.dbt.manifest_file import ManifestFile
from orchestrator.adapters.dbt.marking import Places
from orchestrator.adapters.dbt.node_runs import NodeRuns
from orchestrator.adapters.dbt.run_vars import NO_VARS
from orchestrator.adapters.dbt.selector import DbtSelector
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.config.settings import StorageVersion
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import LeftBatches, MarkedBatch
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings
from orchestrator.reuse.last_success import Marker

DECLARED = Placement()


class DbtProject:
    """One dbt project, opened for one command line of dbt; only one can be open in a process."""

    def __init__(
        self,
        project_dir: Path,
        hear: Hear = lambda *_: None,
        mask: Callable[[str], str] = lambda text: text,
        storage: StorageVersion | None = None,
    ) -> None:
        """Set the callback for dbt's warnings, and the function that removes secrets from a text that is kept.

        `storage` is the format of DuckDB files that are created.
        """
        self._session = DbtSession(project_dir, hear, mask, storage)

    def open(self, args: tuple[str, ...], run_vars: Mapping[str, str] = NO_VARS) -> Target:
        """Read options, profile and project for dbt's command line `args`; parses nothing yet.

        `run_vars` are vars of this run besides those of the command line, which win.
        """
        return self._session.open(args, run_vars)

    def close(self) -> None:
        """Close dbt's connections and log file; idempotent."""
        self._session.close()

    @cached_property
    def flags(self) -> DbtFlags:
        """What the command line, the environment and the project set."""
        flags = vars(self._session.flags)
        options = flags.get("WARN_ERROR_OPTIONS")

        def is_set(name: str) -> bool:  # each command has only the flags that it takes
            return bool(flags.get(name))

        return DbtFlags(
            profiles_dir=Path(str(flags["PROFILES_DIR"])),
            vars=dict(flags.get("VARS") or {}),
            fail_fast=is_set("FAIL_FAST"),
            full_refresh=is_set("FULL_REFRESH"),
            empty=is_set("EMPTY"),
            sample=str(flags.get("SAMPLE") or ""),
            event_time_start=str(flags.get("EVENT_TIME_START") or ""),
            event_time_end=str(flags.get("EVENT_TIME_END") or ""),
            defer=is_set("DEFER"),
            warns_are_errors=is_set("WARN_ERROR") or (options is not None and options.includes("LogTestResult")),
            skip_nodes_if_on_run_start_fails=is_set("skip_nodes_if_on_run_start_fails"),
            source_freshness_run_project_hooks=is_set("source_freshness_run_project_hooks"),
        )

    @property
    def docs_address(self) -> tuple[Path, str, int, bool]:
        """The folder of the docs site, the host and port to serve it at, and whether to open a browser."""
        flags = self._session.flags
        return self._session.target_path, flags.HOST, flags.PORT, bool(flags.BROWSER)

    def credentials(self) -> dict[str, Any]:
        """Return the active target's connection as its adapter read it; contains secrets, so never show it."""
        return self._session.credentials()

    def parse(self, placement: Placement = DECLARED) -> ManifestFile:
        """Parse the project with its nodes where they are placed, and return the manifest that dbt wrote."""
        return self._session.parse(placement)

    def move_sources(self, placement: Placement, sources: Collection[NodeId]) -> None:
        """Read these dbt sources from prefixed schemas; the manifest is written again."""
        self._session.move_sources(placement, sources)

    def manifest_json(self) -> bytes:
        """Return the JSON of the manifest that dbt wrote last; empty before the parse."""
        written = self._session.manifest_file
        return b"" if written is None else written.read()

    @property
    def unmoved(self) -> Mapping[NodeId, str]:
        """The nodes that a run with a schema prefix cannot build, each with the reason."""
        return self._session.unmoved

    @cached_property
    def selector(self) -> DbtSelector:
        """dbt's selector of the parsed project."""
        return DbtSelector(self._session)

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return the relations that `--defer` may read in place of nodes; empty without it."""
        return self.selector.deferred_relations()

    def surroundings(self) -> DbtSurroundings:
        """Return what can change results besides the nodes; contains secrets until they are hashed."""
        return dbt_surroundings(self._session)

    def list_lines(self, nodes: Collection[NodeId], output: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return nodes in the output format of `dbt ls`."""
        return list_lines(self._session, nodes, output, keys)

    def compiled_code(self, node: NodeId) -> str | None:
        """Return the code that a node compiles to now; None if it cannot be compiled."""
        return compile_code(self._session, node)

    def compiled_variants(self, node: NodeId) -> tuple[str, ...]:
        """Return each text that a node may have been compiled to, with and without a full refresh."""
        return compiled_variants(self._session, node)

    def attach(self) -> None:
        """Open dbt's first connection, which attaches the databases that the profile names; raises WarehouseError."""
        self._session.attach()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the first row of a query on the target, without a parse; raises WarehouseError."""
        return self._session.ask(statement)

    def node_runs(
        self, planned: Collection[NodeId], added: Collection[NodeId] = (), places: Places | None = None
    ) -> NodeRuns:
        """Return what runs single nodes of the project."""
        return NodeRuns(self._session, planned, added, places)

    def ledger(self, runs: NodeRuns) -> DbtLedger:
        """Return what keeps the outcomes of a run for dbt's cache, end hooks and artifacts."""
        return DbtLedger(self._session, runs)

    def found_outcome(self, marker: Marker, started_at: datetime | None) -> Outcome:
        """Return the outcome of a build that was committed but not recorded, from its marker."""
        return found_outcome(self._session, marker, started_at)

    def left_by_markers(self, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
        """Return the batches of an interrupted microbatch model, as done or not according to the markers."""
        return left_by_markers(self._session, node, markers)
