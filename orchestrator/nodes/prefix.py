"""Defines where a run works: its placement, which maps the relations that a project declares to those that it uses."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from orchestrator.errors import UsageError
from orchestrator.nodes.dbt_nodes import DbtSource, Manifest
from orchestrator.nodes.dlt import DltSource, IngestNode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType

_PREFIX = re.compile(r"[a-z0-9_]{1,30}")
_LONGEST = {"postgres": 63}
"""The longest name of a schema, in bytes, by adapter; others have no limit that matters."""
_MAY_LOAD = frozenset({"run", "test", "freshness", "plan", "explain"})
"""The verbs that take --ingest."""
_AROUND = frozenset({ResourceType.OPERATION})
"""Hooks write to the schema of the target, if to any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The schemas of a run: what it writes is in schemas with this prefix. Without a prefix, nothing is moved."""

    prefix: str = ""
    loads: bool = False
    """Whether the run also loads into prefixed datasets, and reads the dbt sources that its loads feed from there."""

    def __post_init__(self) -> None:
        """Raise UsageError if no database accepts the prefix as the beginning of a name."""
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise UsageError(
                f"The schema prefix '{self.prefix}' is not valid.",
                hint="Use at most 30 lower-case letters, digits and underscores, for example: --schema-prefix pr_7_",
            )
        if self.prefix.startswith("pg_"):
            raise UsageError(
                f"The schema prefix {self.prefix} begins with pg_, which PostgreSQL keeps for its own schemas.",
                hint="For example: --schema-prefix pr_7_",
            )

    def schema(self, declared: str) -> str:
        """Return the schema to use for a schema that the project writes to."""
        return f"{self.prefix}{declared}"

    def relation(self, declared: Relation) -> Relation:
        """Return the relation to use for a relation that the project writes."""
        return replace(declared, schema=self.schema(declared.schema)) if self.prefix else declared

    def place(self, place: str) -> str:
        """Return the place of a step that has no relation of its own: two prefixes never share a record."""
        return f"{place} for {self.prefix}" if self.prefix and place else place

    def command(self, words: str) -> str:
        """Return a command of elt that works in the same schemas: `elt test --schema-prefix pr_7_`."""
        if not self.prefix:
            return words
        loads = " --ingest" if self.loads and words.split()[1] in _MAY_LOAD else ""
        return f"{words} --schema-prefix {self.prefix}{loads}"

    @property
    def words(self) -> str:
        """Describe the schemas of the run after the name of its database; empty if nothing is moved."""
        return f", schemas {self.prefix}*" if self.prefix else ""


def placed_loads(
    placement: Placement, sources: Collection[DltSource], nodes: Collection[IngestNode]
) -> tuple[tuple[DltSource, ...], tuple[IngestNode, ...]]:
    """Return dlt sources and their resources, loading into prefixed datasets, with working folders of their own.

    If the run does not load, they are returned unchanged: what is known of earlier loads is then that of production.
    """
    if not placement.prefix or not placement.loads:
        return tuple(sources), tuple(nodes)
    moved = [
        replace(
            node,
            dataset=placement.schema(node.dataset),
            placed=None if node.placed is None else placement.relation(node.placed),
        )
        for node in nodes
    ]
    datasets = {node.source: node.dataset for node in moved}
    return tuple(
        replace(source, dataset=datasets.get(source.name, source.dataset), working_dir=None) for source in sources
    ), tuple(moved)


def with_moved(manifest: Manifest, placement: Placement, moved: Collection[NodeId]) -> Manifest:
    """Return the manifest with these dbt sources read from prefixed datasets."""
    read = {one: _moved(manifest.sources[one], placement) for one in moved}
    return replace(manifest, sources={**manifest.sources, **read})


def _moved(source: DbtSource, placement: Placement) -> DbtSource:
    relation = placement.relation(source.placed)
    return replace(source, placed=relation, reading={**source.reading, "relation": str(relation)})


def require_distinct(placement: Placement, manifest: Manifest) -> None:
    """Raise UsageError if a schema of the placed manifest is too long, or also has a use without the prefix."""
    if not placement.prefix:
        return
    written = [node for node in manifest.nodes.values() if node.placed is not None or node.resource_type in _AROUND]
    moved = [node for node in written if node.path and node.schema]
    others = {node.schema.lower() for node in written if not node.path}
    declared = {node.schema.removeprefix(placement.prefix).lower() for node in moved}
    used = {source.placed.schema.lower() for source in manifest.sources.values()} | others | declared
    longest = _LONGEST.get(manifest.adapter_type)
    for node in moved:
        if longest is not None and len(node.schema.encode()) > longest:
            raise UsageError(
                f"With the schema prefix {placement.prefix}, the schema of {node.name} ({node.path}) is {node.schema}:"
                f" names may have at most {longest} bytes in this database.",
                hint="Choose a shorter prefix.",
            )
        if node.schema.lower() in used:
            raise UsageError(
                f"With the schema prefix {placement.prefix}, {node.name} ({node.path}) would be in the schema"
                f" {node.schema}, which the project also uses without a prefix.",
                hint="Choose another prefix.",
            )
