"""The identity of a node's result, as its children see it: one half for its definition, the other for its data.

The halves are separate because a view need not be rebuilt when rows change, only when its own definition or that of
an ancestor changes. Each half is a digest, and the identity is both in a row.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.value import Fingerprint, PartGroup, Parts

_HALF = 32  # hexadecimal digits of a digest: 16 bytes
_DATA_OF = "parent:"
_SOURCE = "parent:source."
COLUMNS_OF = "columns:"
"""The prefix of the part for the columns of a view's parent."""
IDS_OF = "ids:"
"""The prefix of the part for the columns that dlt adds to a loaded table."""


class Nature(StrEnum):
    """How the result of a node depends on its code and its inputs."""

    SEES_THROUGH = "sees_through"  # stores no rows: shows those of its parents
    FOLLOWS = "follows"  # rebuilt in full each time: the same inputs give the same rows
    GATHERS = "gathers"  # adds to its existing rows: each build may change the result


_FOLLOW = frozenset({ResourceType.TEST, ResourceType.SEED, ResourceType.FUNCTION})


def nature_of(node: DbtNode) -> Nature:
    """Return the nature of a node. An unknown materialization is assumed to add to its existing rows."""
    # A unit test brings its own rows, so those of its model's parents do not matter.
    if node.resource_type is ResourceType.UNIT_TEST or node.materialized in {"view", "ephemeral"}:
        return Nature.SEES_THROUGH
    if node.resource_type in _FOLLOW or node.materialized == "table":
        return Nature.FOLLOWS
    return Nature.GATHERS


def identity(definition: str, data: str) -> str:
    """Return the identity made of both halves."""
    return definition + data


def definition_of(known: str) -> str:
    """Return the half of an identity that covers the definition."""
    return known[:_HALF]


def definition_digest(fingerprint: Fingerprint) -> str:
    """Return the digest of the fingerprint without the data of its parents."""
    return as_definition(fingerprint).digest


def as_definition(fingerprint: Fingerprint) -> Fingerprint:
    """Return the fingerprint without the data of its parents."""
    own = own_of(fingerprint.built)
    kept = {
        name: part[:_HALF] if name.startswith(_DATA_OF) else part  # of a parent, its definition
        for name, part in own.items()
        if not name.startswith((_SOURCE, IDS_OF))
    }
    return replace(fingerprint, built=Parts(kept, groups_of(fingerprint.built)))


def data_parts(fingerprint: Fingerprint) -> dict[str, str]:
    """Return the parts for the data of the parents.

    The ids that dlt adds to rows count only for a statement that may read them.
    """
    sees_ids = fingerprint.statement is None or fingerprint.statement.sees_all_columns
    kinds = (_DATA_OF, IDS_OF) if sees_ids else (_DATA_OF,)
    return {name: part for name, part in own_of(fingerprint.built).items() if name.startswith(kinds)}


def seen_through(definition: str, data: Mapping[str, str]) -> str:
    """Return the identity of a node that shows its parents. It changes whenever the identity of a parent does."""
    return identity(definition, digest_of([definition, dict(data)]))


def columns_in(fingerprint: Fingerprint) -> list[NodeId]:
    """Return the nodes and sources whose columns are part of a view's fingerprint."""
    return [NodeId(name.removeprefix(COLUMNS_OF)) for name in own_of(fingerprint.built) if name.startswith(COLUMNS_OF)]


def own_of(parts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parts that belong to one fingerprint only."""
    return parts.own if isinstance(parts, Parts) else parts


def groups_of(parts: Mapping[str, str]) -> tuple[PartGroup, ...]:
    """Return the groups of parts that a fingerprint shares with others."""
    return parts.groups if isinstance(parts, Parts) else ()


def with_built(fingerprint: Fingerprint, parts: Mapping[str, str]) -> Fingerprint:
    """Return the fingerprint with `parts` added to `built`; they replace parts with the same names."""
    if not parts:
        return fingerprint
    own = {**own_of(fingerprint.built), **parts}
    return replace(fingerprint, built=Parts(own, groups_of(fingerprint.built)))
