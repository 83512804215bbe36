"""What the orchestrator knows of dlt pipelines, sources and resources, as values that survive JSON."""

from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId, Relation


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
