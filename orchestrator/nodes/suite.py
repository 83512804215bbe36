"""Defines an expectation suite as a value."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.errors import SuiteError
from orchestrator.nodes.identity import NodeId

_FORM = (
    "A suite is a JSON object with a name and a list of expectations, each with a type and kwargs, as "
    "great-expectations 1.x writes it. Fix the file, or move files that are not suites to another folder."
)
_NAME = (
    "A suite has the name of a model, seed or snapshot (`orders`, `orders.v2`), of one in a package "
    "(`package.orders`), or of a dbt source's table (`raw.orders`). Change \"name\" in the suite's file."
)


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


def suite_error(malformed: Sequence[str], unbound: Sequence[str] = ()) -> SuiteError:
    """Return one error for all mistakes in suites: those in the form of files, and names that stand for no node."""
    hint = "\n".join([*([_FORM] if malformed else []), *([_NAME] if unbound else [])])
    mistakes = [*malformed, *unbound]
    if len(mistakes) == 1:
        return SuiteError(f"{'An expectation suite is malformed. ' if malformed else ''}{mistakes[0]}", hint=hint)
    listed = [f"{len(mistakes)} mistakes in expectation suites:", *(f"  {each}" for each in mistakes)]
    return SuiteError("\n".join(listed), hint=hint)
