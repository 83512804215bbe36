"""Defines the port of dbt: what elt asks of an open dbt project, whichever dbt it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orchestrator.adapters.dbt.dbt_project import DbtProject
from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.adapters.dbt.running_dbt import DbtRunStart, RunningDbt
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.recorded import LeftBatches, MarkedBatch
from orchestrator.execution.routes import Route
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.nodes.prefix import Placement
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings
from orchestrator.reuse.last_success import Marker
from orchestrator.selection.node_selector import NodeSelector


class DbtDriver(Protocol):
    """A dbt project that is opened for one command line of dbt."""

    @property
    def routes(self) -> Sequence[Route]:
        """How the steps of a run are divided among the tools: how many dbt gets in one call."""

    @property
    def reuses(self) -> bool:
        """Whether elt knows what results depend on, so that it can reuse them."""

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of what is no Python package, by name, for the record of runs."""

    @property
    def continues_after_errors(self) -> bool:
        """Whether `on_error: continue` of a model lets its children run after an error of the model."""

    @property
    def flags(self) -> DbtFlags:
        """What the command line, the environment and the project set."""

    @property
    def unmoved(self) -> Mapping[NodeId, str]:
        """The nodes that a run with a schema prefix cannot build, each with the reason."""

    @property
    def selector(self) -> NodeSelector:
        """dbt's selector of the parsed project."""

    @property
    def docs_address(self) -> tuple[Path, str, int, bool]:
        """The folder of the docs site, the host and port to serve it at, and whether to open a browser."""

    def open(self, args: tuple[str, ...], run_vars: Mapping[str, str] = ...) -> Target:
        """Read options, profile and project for dbt's command line; parses nothing yet."""

    def close(self) -> None:
        """Release what is open; idempotent."""

    def threads_of(self, target: Target) -> int:
        """Return how many calls of dbt may run at once."""

    def credentials(self) -> dict[str, Any]:
        """Return the active target's connection; contains secrets, so never show it."""

    def parse(self, placement: Placement = ...) -> ParsedManifest:
        """Parse the project with its nodes where they are placed, and return the manifest that dbt wrote."""

    def move_sources(self, placement: Placement, sources: Collection[NodeId]) -> None:
        """Read these dbt sources from prefixed schemas."""

    def manifest_json(self) -> bytes:
        """Return the JSON of the manifest that dbt wrote last; empty before the parse."""

    def refusals(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """Yield what keeps dbt from running a plan, each with a hint."""

    def notes(self, plan: Plan) -> tuple[str, ...]:
        """Return what a reader of the plan should know about how this dbt runs it."""

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return the relations that `--defer` may read in place of nodes; empty without it."""

    def surroundings(self) -> DbtSurroundings:
        """Return what can change results besides the nodes; contains secrets until they are hashed."""

    def list_lines(self, nodes: Collection[NodeId], output: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return nodes in the output format of `dbt ls`."""

    def compiled_code(self, node: NodeId) -> str | None:
        """Return the code that a node compiles to now; None if it cannot be compiled."""

    def compiled_variants(self, node: NodeId) -> tuple[str, ...]:
        """Return each text that a node may have been compiled to."""

    def attach(self) -> None:
        """Open dbt's first connection, which attaches the databases that the profile names."""

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the first row of a query on the target; raises WarehouseError."""

    def begin_run(self, start: DbtRunStart) -> RunningDbt:
        """Return what runs the steps of a plan."""

    def library(self) -> DbtProject:
        """Return dbt as a library, for what only that can do; raises DbtLimitError if it is a program."""

    def found_outcome(self, marker: Marker, started_at: datetime | None) -> Outcome:
        """Return the outcome of a build that was committed but not recorded, from its marker."""

    def left_by_markers(self, node: NodeId, markers: Collection[MarkedBatch]) -> LeftBatches | None:
        """Return the batches of an interrupted microbatch model, as done or not according to the markers."""
