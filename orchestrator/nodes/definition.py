"""Defines what determines the result of a dbt node: its code, its configuration, and the macros it may call."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.identity import NodeId

Plain = Mapping[str, object]
"""JSON as in the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The part of a node's manifest entry that determines its result."""

    language: str = "sql"
    raw_code: str = ""
    checksum: str = ""
    """Of seeds: dbt's hash of the content; empty if dbt does not hash the file, because it is larger than 1 MiB."""
    file: str = ""
    """Of seeds: the absolute path of the file."""
    config: Plain = field(default_factory=dict)
    """All keys, of dbt and of the user, as rendered by dbt."""
    columns: Plain = field(default_factory=dict)
    constraints: tuple[object, ...] = ()
    """Of the whole relation; constraints of a column are part of `columns`."""
    description: str = ""
    properties: str = ""
    """The YAML file that describes it, relative to the root of its package."""
    arguments: Plain = field(default_factory=dict)
    """Of a generic test: name and arguments; of a unit test: given, expect, overrides; of a function: signatures."""
    macros: tuple[NodeId, ...] = ()
    """`depends_on.macros`: the macros that were called when dbt parsed the node."""


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
