"""Defines an expectation suite as a value."""

from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A great-expectations suite read from JSON: its name, its file, and its number of expectations."""

    unique_id: NodeId
    name: str
    path: str
    """The JSON file, relative to the project root."""
    expectations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSuite:
    """A suite and the node whose relation it validates."""

    suite: Suite
    node: NodeId
    reads: tuple[NodeId, ...] = ()
    """The other nodes and dbt sources whose relations it reads."""


def suite_id(name: str) -> NodeId:
    """Return the node id of a suite."""
    return NodeId(f"expectation.{name}")
