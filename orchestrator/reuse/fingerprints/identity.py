"""What a node is to its children: one half says how it is defined, the other what data it holds.

A view need not be made anew because rows changed, only because a definition did: its own, or one above it. So the
two are told apart. Both halves are digests and stand one behind the other.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import ResourceType
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.value import Fingerprint

_HALF = 32
_DATA_OF = "parent:"
_SOURCE = "parent:source."


class Nature(StrEnum):
    """How what a node leaves follows from its code and from what it reads."""

    SEES_THROUGH = "sees_through"  # holds no rows: shows what its parents hold
    FOLLOWS = "follows"  # made whole each time: the same inputs give the same rows
    GATHERS = "gathers"  # adds to what it was: each build may make it another


def nature_of(node: DbtNode) -> Nature:
    """Say of which nature a node is; a materialization that nobody knows may gather."""
    if node.resource_type is ResourceType.UNIT_TEST or node.materialized in {"view", "ephemeral"}:
        return Nature.SEES_THROUGH
    if node.resource_type in {ResourceType.TEST, ResourceType.SEED} or node.materialized == "table":
        return Nature.FOLLOWS
    return Nature.GATHERS


def identity(definition: str, data: str) -> str:
    """Put the halves together."""
    return definition + data


def definition_of(known: str) -> str:
    """Give the half that says how a node is defined."""
    return known[:_HALF]


def definition_digest(fingerprint: Fingerprint) -> str:
    """Hash the fingerprint without what it says of the data of its parents."""
    return as_definition(fingerprint).digest


def as_definition(fingerprint: Fingerprint) -> Fingerprint:
    """Give the fingerprint without what it says of the data of its parents."""
    kept = {
        name: part[:_HALF] if name.startswith(_DATA_OF) else part
        for name, part in fingerprint.built.items()
        if not name.startswith(_SOURCE)
    }
    return replace(fingerprint, built=kept)


def data_parts(built: Mapping[str, str]) -> dict[str, str]:
    """Give the parts that say what the parents hold."""
    return {name: part for name, part in built.items() if name.startswith(_DATA_OF)}


def seen_through(definition: str, data: Mapping[str, str]) -> str:
    """Give the identity of what shows its parents: another as soon as one of them is."""
    return identity(definition, digest_of([definition, dict(data)]))
