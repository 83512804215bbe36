"""Keeps what dbt logs for each node while it runs, for nodes that do not succeed."""

from collections import deque
from collections.abc import Callable
from typing import Any

from orchestrator.nodes.identity import NodeId

_MOST_LINES = 500
_MOST_CHARACTERS = 16_000


class NodeLog:
    """The last log lines of each running node, including debug messages and statements; may be used from any thread.

    `mask` removes the secrets from a text.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._lines: dict[str, deque[tuple[str, str, str]]] = {}

    def begin(self, node: NodeId) -> None:
        """Start to keep the log of a node."""
        self._lines[node] = deque(maxlen=_MOST_LINES)

    def hear(self, node: str, info: Any) -> None:  # noqa: ANN401  # the head of a dbt event
        """Keep one message if its node is running."""
        lines = self._lines.get(node)
        if lines is not None:
            lines.append((f"{info.ts.ToDatetime():%H:%M:%S.%f}", info.level, info.msg))

    def take(self, node: NodeId) -> str:
        """Return the end of a node's log since it began, without secrets, and forget it."""
        lines = self._lines.pop(node, ())
        text = "\n".join(f"{at} {level:<5} {message.strip()}" for at, level, message in lines)
        return self._mask(text)[-_MOST_CHARACTERS:]
