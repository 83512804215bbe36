"""What defines the result of a dbt node: its code, its configuration, and the macros it may call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.identity import NodeId

Plain = Mapping[str, object]
"""JSON as the manifest has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The part of a node's manifest entry from which its result follows."""

    language: str = "sql"
    raw_code: str = ""
    checksum: str = ""
    """Of seeds: dbt's hash of the content; empty for a file that dbt does not hash (it is larger than 1 MiB)."""
    file: str = ""
    """Of seeds: the file, absolute."""
    config: Plain = field(default_factory=dict)
    """Every key of dbt's, and those that the user made up, rendered as dbt rendered them."""
    columns: Plain = field(default_factory=dict)
    constraints: tuple[object, ...] = ()
    """Of the whole relation; those of columns stand with the columns."""
    description: str = ""
    properties: str = ""
    """The YAML file that describes it, relative to the root of its package."""
    arguments: Plain = field(default_factory=dict)
    """Of a generic test: its name and arguments; of a unit test: given, expect, overrides; of a function: its own."""
    macros: tuple[NodeId, ...] = ()
    """`depends_on.macros`: those that were called when dbt parsed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One macro of the project, of a package or of dbt itself."""

    unique_id: NodeId
    name: str
    package: str
    path: str
    code: str
    macros: tuple[NodeId, ...] = ()
    """The macros that dbt finds in its text."""
