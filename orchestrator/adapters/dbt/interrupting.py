"""Interrupts the queries of single steps on dbt's connections; the queries of other steps go on."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.nodes.identity import NodeId
from orchestrator.plan.step import StepId


class Threads:
    """Which thread runs which step now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_step: dict[StepId, int] = {}

    @contextmanager
    def running(self, step_id: StepId) -> Iterator[None]:
        """Record that the calling thread runs a step while the block is executed."""
        with self._lock:
            self._by_step[step_id] = threading.get_ident()
        try:
            yield
        finally:
            with self._lock:
                del self._by_step[step_id]

    def of(self, steps: Collection[StepId]) -> frozenset[int]:
        """Return the threads that run one of the steps."""
        with self._lock:
            return frozenset(thread for step_id, thread in self._by_step.items() if step_id in steps)


def cancel(adapter: Any, threads: Collection[int], nodes: Collection[NodeId]) -> None:  # noqa: ANN401  # dbt's adapter
    """Interrupt the queries on the connections of these threads, and those of these nodes' batches on other threads."""
    _cancel(adapter.connections, lambda thread, name: thread in threads or name in nodes)


def cancel_abandoned(adapter: Any) -> None:  # noqa: ANN401  # dbt's adapter
    """Interrupt what other threads still run on a DuckDB database that is to be closed: DuckDB 1 waits for its end."""
    if adapter.connections.TYPE == "duckdb":
        _cancel(adapter.connections, lambda _thread, _name: True)


def close_connections(adapter: Any) -> None:  # noqa: ANN401  # dbt's adapter
    """Close all connections, after what other threads still run on them was interrupted."""
    cancel_abandoned(adapter)
    adapter.cleanup_connections()


def _cancel(manager: Any, is_meant: Callable[[int, str], bool]) -> None:  # noqa: ANN401  # dbt's own
    own = threading.get_ident()
    with manager.lock:
        found = [
            connection
            for (_process, thread), connection in manager.thread_connections.items()
            if thread != own and is_meant(thread, connection.name)
        ]
    for connection in found:
        if connection.state == "open" and connection.handle is not None:
            with suppress(Exception):  # another thread may have closed it in the meantime
                _end_query(manager, connection)


def _end_query(manager: Any, connection: Any) -> None:  # noqa: ANN401  # dbt's own
    match manager.TYPE:
        case "postgres":
            # sends a cancel request on a separate connection; dbt's own way ends the whole session
            connection.handle.cancel()
        case "duckdb":
            # as dbt does, but without the two lines that dbt would log at each repetition
            connection.handle.cursor().interrupt()
        case _:
            manager.cancel(connection)
