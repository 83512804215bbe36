"""Defines dbt's nodes as values read from a manifest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.definition import Definition, Macro, Plain
from orchestrator.nodes.identity import NodeId, Relation, ResourceType


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtNode:
    """One node of the manifest: a model, seed, snapshot, test, exposure, hook and so on."""

    unique_id: NodeId
    name: str
    resource_type: ResourceType
    package: str
    path: str
    """The file that defines it, relative to the root of its package."""
    parents: tuple[NodeId, ...] = ()
    """`depends_on.nodes`, in the order of the manifest."""
    placed: Relation | None = None
    """What it leaves in the warehouse, where this run does; the relation that the project declares is not kept."""
    relation_name: str | None = None
    """The name of `placed` as dbt writes it in SQL."""
    database: str | None = None
    schema: str = ""
    """The schema that dbt assigns; every node that dbt runs has one, even without a relation."""
    materialized: str | None = None
    severity: str | None = None
    """Of data tests: `error` or `warn`, in lower case."""
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """The names and addresses of its owners: its own, else those of its group."""
    version: str | None = None
    is_latest_version: bool = False
    """Of versioned models: whether `ref()` without a version means this one."""
    is_empty: bool = False
    """Whether the file has no SQL: dbt never builds such a node, even if it is selected."""
    continues_on_error: bool = False
    """Of models: whether the children run although the model itself ended with an error (`on_error: continue`)."""
    meta: Mapping[str, object] = field(default_factory=dict)
    definition: Definition = field(default_factory=Definition)

    @property
    def is_ephemeral(self) -> bool:
        """Whether the node is compiled into its children and never built."""
        return self.materialized == "ephemeral"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtSource:
    """A table that dbt reads and something else writes."""

    unique_id: NodeId
    name: str
    source_name: str
    package: str
    path: str
    placed: Relation
    """Where this run reads it."""
    has_freshness: bool
    """Whether `warn_after` or `error_after` is set (a null criterion switches freshness off)."""
    has_loaded_at: bool
    """Whether dbt can query the age of its rows: `loaded_at_field` or `loaded_at_query` is set."""
    has_freshness_filter: bool = False
    """Whether dbt looks for the newest row among a part of its rows only."""
    warn_after_seconds: float | None = None
    error_after_seconds: float | None = None
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    meta: Mapping[str, object] = field(default_factory=dict)
    reading: Plain = field(default_factory=dict)
    """What decides which rows its readers see: its location, and the options of the adapter."""
    external: str = ""
    """Its SQL where dbt-duckdb reads files: `'orders.csv'`, or a function call; empty if it is a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest.json as values: every enabled node by its id."""

    project_name: str
    adapter_type: str
    dbt_version: str
    nodes: Mapping[NodeId, DbtNode]
    """Models, seeds, snapshots, functions, data and unit tests, analyses, hooks, exposures, metrics, …"""
    sources: Mapping[NodeId, DbtSource]
    macros: Mapping[NodeId, Macro] = field(default_factory=dict)

    def read_by_refs(self, node: DbtNode) -> Iterator[Relation]:
        """Yield the relations that a node reads with ref() and source(), also in ephemeral models, and its own."""
        for one in self.read_through(node):
            known = self.sources.get(one) or self.nodes.get(one)
            if known is not None and known.placed is not None:
                yield known.placed

    def files_read(self, node: DbtNode) -> Mapping[str, Relation]:
        """Return the files that a node reads with source(), as written in its SQL, and the relation of each source."""
        found = (self.sources[one] for one in self.read_through(node) if one in self.sources)
        return {source.external: source.placed for source in found if source.external}

    def functions_called(self, node: DbtNode) -> Mapping[str, tuple[Relation, ...]]:
        """Return the functions that a node calls with function(), directly or in other functions, by lower-case name.

        Each is returned with the relations that it reads with ref() and source().
        """
        found: dict[str, tuple[Relation, ...]] = {}
        waiting = [*self.read_through(node)]
        for one in waiting:  # the list grows while it is read
            function = self.nodes.get(one)
            if function is not None and function.resource_type is ResourceType.FUNCTION and one != node.unique_id:
                named = str(function.definition.config.get("alias") or function.name)
                found[named.lower()] = tuple(self.read_by_refs(function))
                waiting += [parent for parent in function.parents if parent not in waiting]
        return found

    def read_through(self, node: DbtNode) -> Iterator[NodeId]:
        """Yield the nodes and sources that a node names, also in ephemeral models, and itself."""
        stack, seen = [node.unique_id], set[NodeId]()
        while stack:
            one = stack.pop()
            if one in seen:
                continue
            seen.add(one)
            yield one
            dbt = self.nodes.get(one)
            if dbt is not None and (dbt.is_ephemeral or one == node.unique_id):
                stack += dbt.parents
