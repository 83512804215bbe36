"""Defines dlt sources and resources as values. They can be serialized to JSON."""

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId, Relation

_PREFIXES = ("ingest:", "ingest.")
"""The prefixes that a name of a load may have: the selection method, and the kind in an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DltResource:
    """One dlt resource, as found by discovery."""

    name: str
    table: str | None
    """The normalized name of the table that it writes; None if the table depends on the row."""
    write_disposition: str
    incremental: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DltSource:
    """What one load step runs: a dlt pipeline of the user, or a source or resource of an ingestion module."""

    name: str
    """The name of the dlt source (or single resource), or of the pipeline if a user's pipeline has several sources."""
    module: str
    """The file that defines it, relative to the project root."""
    attribute: str
    """The name in the module: of a source, a resource, or the user's pipeline object."""
    pipeline: str
    """The name of the dlt pipeline: the user's, or the fixed name that elt gives to this source."""
    dataset: str | None
    """The schema that the user's pipeline loads into; None if it follows from the dbt source of the same name."""
    working_dir: str | None
    """The pipelines folder of the user's pipeline; None for a source without one, which uses elt's own folder."""
    destination: str | None = None
    """The destination of the user's pipeline, as dlt writes its type; None if it has none."""
    resources: tuple[DltResource, ...]
    """Empty if they cannot be listed without a query to the source system: the source is then one node."""
    problem: str = ""
    """What will prevent the load (missing credentials); empty if no problem is known."""
    hint: str = ""
    """How to solve the problem."""


def resource_id(source: str, resource: str) -> NodeId:
    """Return the node id of one dlt resource."""
    return NodeId(f"ingest.{source}.{resource}")


def source_id(source: str) -> NodeId:
    """Return the node id of a dlt source that is a single node, because its resources cannot be listed."""
    return NodeId(f"ingest.{source}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestNode:
    """A dlt resource as a node of the graph, with the relation it writes."""

    unique_id: NodeId
    source: str
    resource: str | None
    """None for a source whose resources cannot be listed: the node represents all of them."""
    pipeline: str
    dataset: str
    placed: Relation | None
    """None if the table is not known before the first load."""
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the node, without a prefix."""
        return names_of_load(self.source, self.pipeline, () if self.resource is None else (self.resource,))


def load_name(source: str, resource: str | None = None) -> str:
    """Return the name of a load, or of one of its resources, as it is shown and as every command accepts it."""
    return f"ingest:{source}" if resource is None else f"ingest:{source}.{resource}"


def names_of_load(source: str, pipeline: str, resources: Collection[str]) -> tuple[str, ...]:
    """Return the names of a load of these resources, without a prefix, the most specific last."""
    of_resources = [name for resource in resources for name in (resource, f"{source}.{resource}")]
    return (source, pipeline, *of_resources, f"{pipeline}.{source}")


def without_prefix(word: str) -> str:
    """Return the name of a load without `ingest:` or `ingest.`; any other word is returned unchanged."""
    prefix = next((prefix for prefix in _PREFIXES if word.startswith(prefix)), "")
    return word.removeprefix(prefix)


def spellings(name: str) -> tuple[str, ...]:
    """Return the name of a load in every form that a user may write."""
    return (name, *(f"{prefix}{name}" for prefix in _PREFIXES))


def is_called(word: str, names: Collection[str]) -> bool:
    """Return whether a word is one of the names of a load, with or without a prefix."""
    return word in names or without_prefix(word) in names
