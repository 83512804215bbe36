"""Defines node ids, resource types and relations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

NodeId = NewType("NodeId", str)
"""dbt's unique_id, or `ingest.<source>.<resource>`, `expectation.<suite>`, or `step.<name>`."""


class ResourceType(StrEnum):
    """The type of a node: dbt's own types, and three that dbt does not have."""

    MODEL = "model"
    SEED = "seed"
    SNAPSHOT = "snapshot"
    FUNCTION = "function"
    TEST = "test"
    UNIT_TEST = "unit_test"
    SOURCE = "source"
    EXPOSURE = "exposure"
    METRIC = "metric"
    SEMANTIC_MODEL = "semantic_model"
    SAVED_QUERY = "saved_query"
    ANALYSIS = "analysis"
    OPERATION = "operation"  # an on-run-start or on-run-end hook
    INGEST = "ingest"  # a dlt resource
    EXPECTATION = "expectation"  # a great-expectations suite
    STEP = "step"  # a step of elt.yml


NO_OPS = frozenset({ResourceType.EXPOSURE, ResourceType.SAVED_QUERY})
"""The types that dbt runs without building anything; their status is no-op."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or view in the warehouse; the database may be unknown."""

    database: str | None
    schema: str
    identifier: str

    def key(self) -> tuple[str, str]:
        """Return schema and identifier in lower case, because DuckDB and Postgres ignore the case of unquoted names."""
        return (self.schema.lower(), self.identifier.lower())

    def __str__(self) -> str:
        return f"{self.schema}.{self.identifier}"


def short_name(node: NodeId) -> str:
    """Return the name that a user would write: `fct_flights`, `dim_plane.v2`, `bts.flights`, `bts.airports`."""
    kind, _, rest = node.partition(".")
    if kind in {ResourceType.INGEST, ResourceType.EXPECTATION, ResourceType.STEP}:
        return rest
    name = rest.partition(".")[2]  # the rest after the package
    if kind == ResourceType.TEST and "." in name:
        return name.rpartition(".")[0]  # drop the hash that makes the names of generic tests unique
    return name
