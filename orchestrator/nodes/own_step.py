"""Defines the steps of one's own as nodes of the graph: what each one does, what it follows, and what it fills."""

from dataclasses import dataclass

from orchestrator.nodes.identity import NodeId

OWN_STEP = "step"
"""The selection method of these nodes, and the kind in their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCall:
    """Runs a program, without a shell."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCall:
    """Calls a Python function without arguments."""

    module: str
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Asks again and again until what a call started has ended."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    status_field: str
    success: tuple[str, ...]
    failure: tuple[str, ...] = ()
    every_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """Sends an HTTP request, and perhaps awaits the end of what it started."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    """A JSON text."""
    statuses: tuple[int, ...] = ()
    """The statuses of success; empty for any from 200 to 299."""
    poll: Poll | None = None


OwnCall = CommandCall | PythonCall | HttpCall
"""What a step does. References such as `${NAME}` are as written: a recorded plan contains no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNode:
    """A step of elt.yml as a node of the graph."""

    unique_id: NodeId
    name: str
    call: OwnCall
    env: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    follows: tuple[NodeId, ...] = ()
    feeds: tuple[NodeId, ...] = ()
    """The dbt sources that it fills."""
    path: str
    line: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which users may call it, the most specific last."""
        return (self.name, own_step_name(self.name), self.unique_id)


def own_step_id(name: str) -> NodeId:
    """Return the node id of a step."""
    return NodeId(f"{OWN_STEP}.{name}")


def own_step_name(name: str) -> str:
    """Return the name of a step as it is shown, and as every command accepts it."""
    return f"{OWN_STEP}:{name}"
