"""What a node is to its children: one half says how it is defined, the other what data it holds.

A view need not be made anew because rows changed, only because a definition did: its own, or one above it. So the
two are told apart. Both halves are digests and stand one behind the other.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.value import Fingerprint, PartGroup, Parts

_HALF = 32
_DATA_OF = "parent:"
_SOURCE = "parent:source."
COLUMNS_OF = "columns:"
"""Begins the part of the columns that a parent of a view has."""
IDS_OF = "ids:"
"""Begins the part of the columns that dlt adds to a loaded table."""


class Nature(StrEnum):
    """How what a node leaves follows from its code and from what it reads."""

    SEES_THROUGH = "sees_through"  # holds no rows: shows what its parents hold
    FOLLOWS = "follows"  # made whole each time: the same inputs give the same rows
    GATHERS = "gathers"  # adds to what it was: each build may make it another


_FOLLOW = frozenset({ResourceType.TEST, ResourceType.SEED, ResourceType.FUNCTION})


def nature_of(node: DbtNode) -> Nature:
    """Say of which nature a node is; a materialization that nobody knows may gather."""
    if node.resource_type is ResourceType.UNIT_TEST or node.materialized in {"view", "ephemeral"}:
        return Nature.SEES_THROUGH
    if node.resource_type in _FOLLOW or node.materialized == "table":
        return Nature.FOLLOWS
    return Nature.GATHERS


def identity(definition: str, data: str) -> str:
    """Put the halves together."""
    return definition + data


def definition_of(known: str) -> str:
    """Give the half that says how a node is defined."""
    return known[:_HALF]


def definition_digest(fingerprint: Fingerprint) -> str:
    """Return the digest of the fingerprint without what it says of the data of its parents."""
    return as_definition(fingerprint).digest


def as_definition(fingerprint: Fingerprint) -> Fingerprint:
    """Return the fingerprint without what it says of the data of its parents."""
    own = own_of(fingerprint.built)
    kept = {
        name: part[:_HALF] if name.startswith(_DATA_OF) else part
        for name, part in own.items()
        if not name.startswith((_SOURCE, IDS_OF))
    }
    return replace(fingerprint, built=Parts(kept, groups_of(fingerprint.built)))


def data_parts(fingerprint: Fingerprint) -> dict[str, str]:
    """Return the parts that say what the parents hold.

    The ids that dlt gives to rows count only for a statement that may read them.
    """
    sees_ids = fingerprint.statement is None or fingerprint.statement.sees_all_columns
    kinds = (_DATA_OF, IDS_OF) if sees_ids else (_DATA_OF,)
    return {name: part for name, part in own_of(fingerprint.built).items() if name.startswith(kinds)}


def seen_through(definition: str, data: Mapping[str, str]) -> str:
    """Return the identity of what shows its parents: another one as soon as one of them is."""
    return identity(definition, digest_of([definition, dict(data)]))


def columns_in(fingerprint: Fingerprint) -> list[NodeId]:
    """Return the nodes and sources whose columns are part of a view's fingerprint."""
    return [NodeId(name.removeprefix(COLUMNS_OF)) for name in own_of(fingerprint.built) if name.startswith(COLUMNS_OF)]


def own_of(parts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parts that a fingerprint does not share."""
    return parts.own if isinstance(parts, Parts) else parts


def groups_of(parts: Mapping[str, str]) -> tuple[PartGroup, ...]:
    """Return the groups of parts that a fingerprint shares with others."""
    return parts.groups if isinstance(parts, Parts) else ()


def with_built(fingerprint: Fingerprint, parts: Mapping[str, str]) -> Fingerprint:
    """Return the fingerprint with more parts of its build, in the place of those with the same names."""
    if not parts:
        return fingerprint
    own = {**own_of(fingerprint.built), **parts}
    return replace(fingerprint, built=Parts(own, groups_of(fingerprint.built)))
