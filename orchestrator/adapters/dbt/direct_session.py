"""Defines where nodes are executed without dbt, and lists what exists there."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.adapters.contents import Built
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.facts import Content
from orchestrator.ways.generated_sql import GeneratedKind

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.marking import Places

RelationNames = dict[tuple[str, str, str], tuple[str, str]]
"""The relations of a database by their names in lower case: each with its kind, and its name as written."""
_KINDS = {"BASE TABLE": "table", "VIEW": "view"}
_LIST = "select table_catalog, table_schema, table_name, table_type from information_schema.tables"


class DirectCursor(Protocol):
    """A cursor of the database with the settings of dbt's sessions, in no transaction."""

    def execute(self, statement: str, parameters: object = ...) -> Any:  # noqa: ANN401  # the driver's
        """Run a statement."""

    def interrupt(self) -> None:
        """Interrupt the running statement; may be called from any thread."""

    def close(self) -> None:
        """Roll back and close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectSession:
    """What is executed directly, and where."""

    open_cursor: Callable[[], DirectCursor]
    content: Callable[[DirectCursor, Built], Content | None]
    """Returns what a build leaves, inside its transaction."""
    kinds: Mapping[NodeId, GeneratedKind]
    replayable: Collection[NodeId]
    """The nodes for which what dbt sent before may be sent again."""
    ephemeral: Collection[NodeId]
    """The ephemeral models of the run, for which nothing is executed."""
    planned: Collection[NodeId]
    """The nodes of the run, whose schemas are created."""
    places: "Places | None"


def relation_names(open_cursor: Callable[[], DirectCursor], schemas: Iterable[tuple[str, str]]) -> RelationNames:
    """Return the relations that exist, after creating the schemas that do not: database and name of each."""
    cursor = open_cursor()
    try:
        for database, schema in schemas:
            cursor.execute(f'create schema if not exists "{database}"."{schema}"')
        rows = cursor.execute(_LIST).fetchall()
    finally:
        cursor.close()
    return {
        (database.lower(), schema.lower(), name.lower()): (_KINDS.get(kind, kind), name)
        for database, schema, name, kind in rows
    }
