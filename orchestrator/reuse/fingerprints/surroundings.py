"""What a fingerprint takes from outside the manifest; given by the caller, so that making one is pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import NodeId

EVERYTHING = "*"
"""Asked for in the place of a variable's name: the whole environment."""


def _unset(name: str) -> str:
    return f"no {name}"


def _unread(node: DbtNode) -> str:
    return f"no content of {node.definition.file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The world around a project, as far as it affects results."""

    vars: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By package: each var that its nodes see, with its value."""
    environment: Callable[[str], str] = _unset
    """Gives the digest of an environment variable's value, never the value; of all of them for `*`."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of dbt, its adapter and the database."""
    target: Mapping[str, object] = field(default_factory=dict)
    """What `target` shows to Jinja, secrets aside."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """What else changes results: the project's order of dispatch, `--empty`, `--sample`, …; nothing when not set."""
    seed_content: Callable[[DbtNode], str] = _unread
    """Gives the digest of a seed's file that dbt did not hash."""
    data_versions: Mapping[NodeId, str] = field(default_factory=dict)
    """By dbt source: the version of its rows; one that is not there is unknown."""
