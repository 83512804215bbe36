"""What the orchestrator knows of dbt's nodes, as values read from a manifest."""

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
    """`depends_on.nodes`, in the manifest's order."""
    relation: Relation | None = None
    database: str | None = None
    schema: str = ""
    """Where dbt would put it: every node that dbt runs has a schema, also one that leaves no relation."""
    materialized: str | None = None
    severity: str | None = None
    """Of data tests: `error` or `warn`, in lower case."""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    version: str | None = None
    is_empty: bool = False
    """A file without SQL: dbt never builds it, whatever is selected."""
    meta: Mapping[str, object] = field(default_factory=dict)
    definition: Definition = field(default_factory=Definition)

    @property
    def is_ephemeral(self) -> bool:
        """Whether it is compiled into its consumers and never built."""
        return self.materialized == "ephemeral"


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtSource:
    """A table that something else writes and dbt reads."""

    unique_id: NodeId
    name: str
    source_name: str
    package: str
    path: str
    relation: Relation
    has_freshness: bool
    """Whether `warn_after` or `error_after` is set (a null criterion switches freshness off)."""
    has_loaded_at: bool
    """Whether dbt can ask the warehouse: `loaded_at_field` or `loaded_at_query` is set."""
    has_freshness_filter: bool = False
    """Whether dbt looks at some of its rows only when it asks for the newest one."""
    warn_after_seconds: float | None = None
    error_after_seconds: float | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, object] = field(default_factory=dict)
    reading: Plain = field(default_factory=dict)
    """What decides which rows its readers see: where it is, and what an adapter is told of it."""
    external: str = ""
    """What stands for it in SQL where dbt-duckdb reads files: `'orders.csv'`, or a call; empty if it is a table."""


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
        """Return what a node reads through ref() and source(), also inside ephemeral models, and its own relation."""
        for one in self._read_through(node):
            known = self.sources.get(one) or self.nodes.get(one)
            if known is not None and known.relation is not None:
                yield known.relation

    def files_read(self, node: DbtNode) -> Mapping[str, Relation]:
        """Return the files that a node reads through source(), as its SQL has them, each with the source's relation."""
        found = (self.sources[one] for one in self._read_through(node) if one in self.sources)
        return {source.external: source.relation for source in found if source.external}

    def functions_called(self, node: DbtNode) -> Mapping[str, tuple[Relation, ...]]:
        """Return the functions that a node calls through function(), also inside one another, by lower-case name.

        Each with the relations that it reads through ref() and source().
        """
        found: dict[str, tuple[Relation, ...]] = {}
        waiting = [*self._read_through(node)]
        for one in waiting:  # grows while it is walked
            function = self.nodes.get(one)
            if function is not None and function.resource_type is ResourceType.FUNCTION and one != node.unique_id:
                named = str(function.definition.config.get("alias") or function.name)
                found[named.lower()] = tuple(self.read_by_refs(function))
                waiting += [parent for parent in function.parents if parent not in waiting]
        return found

    def _read_through(self, node: DbtNode) -> Iterator[NodeId]:
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
