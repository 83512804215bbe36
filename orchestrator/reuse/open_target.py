"""Defines what reuse asks of an open project and of its database, as ports."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from orchestrator.config.settings import Settings
from orchestrator.graph.build import Graph
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.nodes.target import Target
from orchestrator.plan.snapshot import ProjectSnapshot
from orchestrator.plan.step import StepId
from orchestrator.reuse.facts import Budget, Content, LockedDatabase, StoredFunction
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings
from orchestrator.reuse.fingerprints.text_readings import TextReadings
from orchestrator.reuse.last_success import Marker


class Warehouse(Protocol):
    """What a run needs from any database; methods raise WarehouseError if the database cannot answer."""

    def relations(self) -> frozenset[tuple[str, str]]:
        """Return every table and view as lower-case (schema, name)."""

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement, commit its changes, and return its rows."""

    def last_load_age(self, relation: Relation, now: datetime) -> float | None:
        """Return the age in seconds of the last completed dlt load with rows in the table, or None."""

    def contents(
        self,
        relations: Collection[Relation],
        budget: Budget,
        *,
        definitions_only: bool = False,
        rows_of_views: Collection[Relation] = (),
    ) -> Mapping[Relation, Content]:
        """Return what each existing relation holds now, as far as the budget allows.

        The rows of views and of foreign tables are read only if `rows_of_views` names them. With `definitions_only`,
        only the catalog is read.
        """

    def stored_functions(self) -> Mapping[str, StoredFunction]:
        """Return the functions and macros that users or extensions created, by lower-case name."""

    def files_digest(self, names: Collection[str], seconds: float) -> str:
        """Return the digest of the names and bytes of all files that match; raises WarehouseError after `seconds`."""

    def result_settings(self) -> Mapping[str, str]:
        """Return the settings of a dbt session that can change the results of its statements."""

    def attached(self) -> Mapping[str, str]:
        """Return the attached databases by name, each with its type and path."""

    def close(self) -> None:
        """Close the connection to the database."""


class TargetRecord(Protocol):
    """What the target itself records of the builds in it."""

    def markers(self, relations: Mapping[StepId, Relation]) -> Mapping[StepId, Marker]:
        """Return the marker of each relation that has one."""


class OpenDbt(Protocol):
    """What dbt is asked about an open project."""

    def surroundings(self) -> DbtSurroundings:
        """Return what can change results besides the nodes; contains secrets until they are hashed."""

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return the relations that `--defer` may read in place of nodes; empty without it."""

    def compiled_code(self, node: NodeId) -> str | None:
        """Return what a node compiles to now; None if it cannot be compiled."""

    def compiled_variants(self, node: NodeId) -> tuple[str, ...]:
        """Return each text that a node may have been compiled to, with and without a full refresh."""


class OpenTarget(Protocol):
    """A project that is open: its snapshot, and what has to be asked of dbt and of the database."""

    @property
    def snapshot(self) -> ProjectSnapshot:
        """What is known of the project without asking anything."""

    @property
    def settings(self) -> Settings:
        """The settings of the snapshot."""

    @property
    def target(self) -> Target:
        """The target of the snapshot."""

    @property
    def graph(self) -> Graph:
        """The graph of the snapshot."""

    @property
    def readings(self) -> TextReadings:
        """The readings of templates, with those that earlier commands kept."""

    def warehouse(self) -> Warehouse:
        """Return the database, open; raises WarehouseError if it cannot be opened or shared."""

    def locked_database(self) -> LockedDatabase | None:
        """Return the process that has locked the database, for a command that only reads; None if it is free."""

    def relations(self) -> frozenset[tuple[str, str]] | None:
        """Return every table and view except elt's own, as lower-case (schema, name); None if only dbt can see them."""

    def result_settings(self) -> Mapping[str, str]:
        """Return the database's settings that change results, also of a database file that does not exist yet."""

    def record(self) -> TargetRecord | None:
        """Return the target's own record of what was built in it; None if it keeps none."""

    @property
    def dbt(self) -> OpenDbt:
        """dbt, with the project open."""
