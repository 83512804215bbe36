"""Interrupts the queries of single steps on dbt's connections; the queries of other steps go on."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
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


class QueryInterrupts:
    """Interrupts queries; called again and again while they go on."""

    def __init__(self, credentials: Callable[[], Mapping[str, Any]]) -> None:
        self._credentials = credentials
        self._requests: dict[int, threading.Thread] = {}  # by the number of the connection

    def cancel(self, adapter: Any, threads: Collection[int], nodes: Collection[NodeId]) -> None:  # noqa: ANN401  # dbt's
        """Interrupt the queries on the connections of these threads, and those of these nodes' batches on others."""
        for thread, connection in _open_connections(adapter.connections):
            if thread in threads or connection.name in nodes:
                with suppress(Exception):  # another thread may have closed it in the meantime
                    self._end_query(adapter.connections, connection)

    def _end_query(self, manager: Any, connection: Any) -> None:  # noqa: ANN401  # dbt's own
        match manager.TYPE:
            case "postgres":
                self._cancel_at_server(connection.handle)
            case "duckdb":
                # as dbt does, but without the two lines that dbt would log at each repetition
                connection.handle.cursor().interrupt()
            case _:
                manager.cancel(connection)

    def _cancel_at_server(self, handle: Any) -> None:  # noqa: ANN401  # psycopg2's connection
        """Cancel the query on a separate connection (dbt's own way ends the whole session), without waiting for it."""
        request = self._requests.get(id(handle))
        if request is None or not request.is_alive():
            request = threading.Thread(target=self._cancel, args=[handle.info.backend_pid], daemon=True)
            self._requests[id(handle)] = request
            request.start()

    def _cancel(self, pid: int) -> None:
        from orchestrator.adapters.postgres.connection import cancel_query
        from orchestrator.adapters.postgres.login import Login

        with suppress(Exception):  # it is asked again, or the query is abandoned
            cancel_query(Login.of(self._credentials()), pid)


def cancel_abandoned(adapter: Any) -> None:  # noqa: ANN401  # dbt's adapter
    """Interrupt what other threads still run on a DuckDB database that is to be closed: DuckDB 1 waits for its end."""
    if adapter.connections.TYPE == "duckdb":
        for _, connection in _open_connections(adapter.connections):
            with suppress(Exception):  # another thread may have closed it in the meantime
                connection.handle.cursor().interrupt()


def end_busy_sessions(adapter: Any) -> None:  # noqa: ANN401  # dbt's adapter
    """Leave the queries of abandoned steps on PostgreSQL: closing their connections would wait for them."""
    if adapter.connections.TYPE != "postgres":
        return
    from orchestrator.adapters.postgres.connection import end_if_busy

    for _, connection in _open_connections(adapter.connections):
        with suppress(Exception):  # as above
            end_if_busy(connection.handle)


def close_connections(adapter: Any) -> None:  # noqa: ANN401  # dbt's adapter
    """Close all connections, without waiting for what other threads still run on them."""
    cancel_abandoned(adapter)
    end_busy_sessions(adapter)
    adapter.cleanup_connections()


def _open_connections(manager: Any) -> list[tuple[int, Any]]:  # noqa: ANN401  # dbt's own
    """Return the open connections of other threads, each with its thread."""
    own = threading.get_ident()
    with manager.lock:
        every = [(thread, connection) for (_, thread), connection in manager.thread_connections.items()]
    return [
        (thread, connection)
        for thread, connection in every
        if thread != own and connection.state == "open" and connection.handle is not None
    ]
