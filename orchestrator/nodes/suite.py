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


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReading:
    """What a suite reads besides the relation it validates."""

    nodes: tuple[NodeId, ...] = ()
    not_understood: tuple[str, ...] = ()
    calls: frozenset[str] = frozenset()
    """The functions that its queries call. A function stored in the database may replace a known one."""
    digest: str = ""
    """The digest of the suite's file."""


def suite_id(name: str) -> NodeId:
    """Return the node id of a suite."""
    return NodeId(f"expectation.{name}")
