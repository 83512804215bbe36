"""What the orchestrator knows of dlt pipelines, sources and resources, as values that survive JSON."""

from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId, Relation

_PREFIXES = ("ingest:", "ingest.")
"""What may stand before the name of a load: the method of a selection, and the kind in an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DltResource:
    """One dlt resource as discovery lists it."""

    name: str
    table: str | None
    """dlt's normalised name of the table it writes; None when it names its tables row by row."""
    write_disposition: str
    incremental: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DltSource:
    """What one load step runs: a user's dlt pipeline, or a bare source or resource of an ingestion module."""

    name: str
    """The dlt source's (or lone resource's) name; the pipeline's for a user's pipeline with several sources."""
    module: str
    """The file that defines it, relative to the project root."""
    attribute: str
    """The name in the module to call or take: a source, a resource, or the user's pipeline object."""
    pipeline: str
    """The dlt pipeline's name: the user's own, or the name that the orchestrator always gives this source."""
    dataset: str | None
    """The schema the user's own pipeline loads into; None when it follows from the dbt source of the same name."""
    working_dir: str | None
    """The user's own pipelines folder; None for a bare source, whose folder is the orchestrator's."""
    destination: str | None = None
    """The destination that the user's own pipeline names, as dlt writes its type; None when it names none."""
    resources: tuple[DltResource, ...]
    """Empty when they cannot be listed without asking the source system: then it is one node."""
    problem: str = ""
    """What will keep it from loading (credentials are missing); empty when nothing is known."""
    hint: str = ""
    """How to solve the problem."""


def resource_id(source: str, resource: str) -> NodeId:
    """Give the node id of one dlt resource."""
    return NodeId(f"ingest.{source}.{resource}")


def source_id(source: str) -> NodeId:
    """Give the node id of a dlt source that is one node, because its resources cannot be listed."""
    return NodeId(f"ingest.{source}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestNode:
    """A dlt resource as a node of the graph, with the relation it writes."""

    unique_id: NodeId
    source: str
    resource: str | None
    """None for a source whose resources cannot be listed: it stands for all of them."""
    pipeline: str
    dataset: str
    relation: Relation | None
    """None when the table is not known before the first load."""
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        """What the node may be called without a prefix."""
        return names_of_load(self.source, self.pipeline, () if self.resource is None else (self.resource,))


def load_name(source: str, resource: str | None = None) -> str:
    """Return the name of a load, or of one resource of it, that is shown and that every command takes back."""
    return f"ingest:{source}" if resource is None else f"ingest:{source}.{resource}"


def names_of_load(source: str, pipeline: str, resources: Collection[str]) -> tuple[str, ...]:
    """Return what a load of these resources may be called without a prefix, the most telling last."""
    of_resources = [name for resource in resources for name in (resource, f"{source}.{resource}")]
    return (source, pipeline, *of_resources, f"{pipeline}.{source}")


def without_prefix(word: str) -> str:
    """Return a load's name without `ingest:` or `ingest.` before it; any other word as it is."""
    prefix = next((prefix for prefix in _PREFIXES if word.startswith(prefix)), "")
    return word.removeprefix(prefix)


def spellings(name: str) -> tuple[str, ...]:
    """Return a load's name in every way in which a user may write it."""
    return (name, *(f"{prefix}{name}" for prefix in _PREFIXES))


def is_called(word: str, names: Collection[str]) -> bool:
    """Return whether a user's word is one of a load's names, with a prefix or without."""
    return word in names or without_prefix(word) in names
