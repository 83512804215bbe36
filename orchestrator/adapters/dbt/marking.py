"""Makes each build leave a marker in the target, in the transaction that makes its data.

The marker is one more post-hook inside the transaction. Only the materialization receives it: neither the node, nor
anything written about the node, nor the project's macros see it. The hook executes its SQL itself at the moment dbt
reads it: a dbt statement would cost five times as much.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from orchestrator.adapters.contents import Built
from orchestrator.adapters.dbt.bridge.access import Execute, before_each_runner, wrap_execution
from orchestrator.adapters.dbt.bridge.releases import makes_pointer
from orchestrator.adapters.dbt.sent_statements import WatchedCursor
from orchestrator.adapters.record_sql import Home, adds_marker
from orchestrator.execution.ports import Request
from orchestrator.execution.recorded import MarkedBatch
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.reuse.facts import TABLE, Content, content_text
from orchestrator.reuse.last_success import Mark

_MARKED = frozenset({"model", "seed", "snapshot"})
_TABLES = frozenset({"table", "incremental", "seed", "snapshot"})
_WRITES_FILES = "external"
"""dbt's own materialization that leaves something outside the transaction.

Its markers are never whole, although dbt writes the file before it commits the view. The commit does not sync the file
to the disk. A plugin stores the table elsewhere only after the commit. A resumed run takes a whole marker for a
finished build and does not check the file, which may have been removed or replaced since. So it builds the model again.
"""


class _Statement(Protocol):
    """Returns the SQL that writes a marker."""

    def __call__(self, content: str | None = None, *, is_atomic: bool = True) -> str:
        """Return the SQL, with the content; `is_atomic`: the marker is in one transaction with the data."""


class Places(Protocol):
    """Where markers can be written."""

    most_rows: int
    """No checksum is recorded for tables with more rows."""

    def make(self, databases: Iterable[str]) -> None:
        """Create the marker tables in these databases where possible; never raises."""

    def home(self, database: str) -> Home:
        """Return where the marker tables are in a database."""

    def is_made(self, database: str | None) -> bool:
        """Return whether the marker tables exist."""

    def note_content(self, node: NodeId, content: Content) -> None:
        """Record what a build leaves if it succeeds; may be called from any thread."""


class Marking:
    """The markers of one dbt session's builds; `places` is None if nothing is marked."""

    def __init__(self, task: Any, adapter: Any, places: Places | None) -> None:  # noqa: ANN401  # dbt's own
        from dbt.adapters.factory import get_adapter_package_names

        self._own_packages = frozenset(get_adapter_package_names(adapter.type()))
        self._connections = adapter.connections
        self._adapter_type = adapter.type()
        self._settings = getattr(adapter.config.credentials, "settings", None) or {}
        self._in_transactions = not getattr(adapter.config.credentials, "disable_transactions", False)
        self._places = places
        self._requests: dict[NodeId, Request] = {}
        self._row_counts: dict[NodeId, int] = {}
        if places is not None:
            before_each_runner(task, self._prepare)

    def prepare(self, nodes: Iterable[Any]) -> None:
        """Create the marker tables in the databases of these nodes; dbt has already created the schemas."""
        if self._places is not None:
            built = (node for node in nodes if node.resource_type in _MARKED and not node.is_ephemeral_model)
            self._places.make(sorted({node.database for node in built if node.database}))

    @contextmanager
    def of(self, node: NodeId, request: Request) -> Iterator[None]:
        """Mark the builds of a node inside the block as the request says."""
        self._requests[node] = request
        try:
            yield
        finally:
            del self._requests[node]

    def take_row_count(self, node: NodeId) -> int | None:
        """Return, once, the row count of the table after the node's last build; None if it was not counted."""
        return self._row_counts.pop(node, None)

    def leave(self, node: Any) -> None:  # noqa: ANN401  # dbt's node
        """Write the marker of a stock view or table in the open transaction of its build, if one was asked for."""
        request, places = self._requests.get(node.unique_id), self._places
        if request is None or request.mark is None or places is None or not places.is_made(node.database):
            return
        home, mark = places.home(node.database), request.mark

        def statement(content: str | None = None, *, is_atomic: bool = True) -> str:
            return adds_marker(home, str(node.relation_name), request, mark, is_whole=is_atomic, content=content)

        kind = node.config.materialized
        built = Built(
            relation=Relation(database=node.database, schema=node.schema, identifier=node.identifier),
            is_table=kind in _TABLES,
            writes_file=False,
            most_rows=places.most_rows,
        )
        content = self._write(statement, built)
        if content is not None:
            if content.count is not None and content.kind == TABLE:
                self._row_counts[node.unique_id] = content.count
            places.note_content(node.unique_id, content)

    def _prepare(self, runner: Any) -> None:  # noqa: ANN401  # dbt's runner
        request = self._requests.get(runner.node.unique_id)
        if request is not None and (mark := request.mark) is not None:
            wrap_execution(runner, lambda execute: self._marked(execute, request, mark, runner))

    def _marked(self, execute: Execute, request: Request, mark: Mark, runner: Any) -> Execute:  # noqa: ANN401  # as above
        places = self._places

        def marked(hook: Any, config: Any, node: Any, values: dict[str, Any], macro: Any, *more: Any) -> Any:  # noqa: ANN401
            if places is not None and places.is_made(node.database):
                home = places.home(node.database)
                own_hooks = values.get("post_hooks") or []
                batch = _batch_of(runner)
                whole = batch is None and not makes_pointer(runner, node)
                is_settled = whole and self._is_settled_by(node, macro, own_hooks)

                def statement(content: str | None = None, *, is_atomic: bool = True) -> str:
                    relation, is_whole = str(node.relation_name), is_settled and is_atomic
                    return adds_marker(home, relation, request, mark, is_whole=is_whole, batch=batch, content=content)

                def write() -> None:
                    # an earlier batch's content would be that of an unfinished table
                    built = self._built(node, macro, places.most_rows) if _is_last(batch, runner) else None
                    content = self._write(statement, built)
                    is_last = all(hook.get("transaction", True) for hook in own_hooks)  # no hook runs after this
                    if is_last and content is not None and content.count is not None and content.kind == TABLE:
                        self._row_counts[node.unique_id] = content.count
                    if content is not None and is_settled:
                        places.note_content(node.unique_id, content)

                # After the project's hooks in the transaction, so that the content includes what they change.
                values["post_hooks"] = [*own_hooks, _Leaving(statement(), write)]
            return execute(hook, config, node, values, macro, *more)

        return marked

    def _write(self, statement: "_Statement", built: Built | None) -> Content | None:
        """Write a marker; return the content that it records."""
        connection = self._connections.get_thread_connection()
        # Check before dbt begins a transaction below: the answer must be about the transaction of the data.
        is_atomic = self._adapter_type != "postgres" or self._is_in_transaction(connection.handle)
        if self._in_transactions and not connection.transaction_open:
            self._connections.begin()
        with self._connections.exception_handler(statement()), self._noted_by(connection.handle):
            content = None if built is None else self._content(connection.handle, built)
            text = None if content is None else content_text(content)
            connection.handle.cursor().execute(statement(text, is_atomic=is_atomic))
        return content

    def _noted_by(self, handle: Any) -> AbstractContextManager[None]:  # noqa: ANN401  # dbt's connection
        """Return the block in which a cursor that is watched takes what it sends for the marker."""
        cursor = handle.cursor() if self._adapter_type == "duckdb" else None
        return cursor.log.marking() if isinstance(cursor, WatchedCursor) else nullcontext()

    @staticmethod
    def _is_in_transaction(handle: Any) -> bool:  # noqa: ANN401  # dbt's connection
        """Return whether a marker written now is in one transaction with the data.

        On PostgreSQL dbt runs a plain `commit` before a hook outside the transaction. dbt still takes the transaction
        that it began for open, so from then on each statement is committed by itself.
        """
        from orchestrator.adapters.postgres.postgres_built import in_transaction

        return in_transaction(handle)

    def _content(self, handle: Any, built: Built) -> Content | None:  # noqa: ANN401  # dbt's connection
        match self._adapter_type:
            case "duckdb":
                from orchestrator.adapters.duckdb.duckdb_built import content_in_duckdb

                return content_in_duckdb(handle.cursor(), built, self._settings)
            case "postgres" if self._in_transactions:
                from orchestrator.adapters.postgres.postgres_built import content_in_postgres

                return content_in_postgres(handle, built)
            case _:
                return None

    def _built(self, node: Any, macro: Any, most_rows: int) -> Built:  # noqa: ANN401  # dbt's node and macro
        is_own = macro.package_name in self._own_packages
        kind = node.config.materialized
        return Built(
            relation=Relation(database=node.database, schema=node.schema, identifier=node.identifier),
            is_table=is_own and kind in _TABLES,
            writes_file=is_own and kind == _WRITES_FILES,
            most_rows=most_rows,
        )

    def _is_settled_by(self, node: Any, macro: Any, own_hooks: list[dict[str, Any]]) -> bool:  # noqa: ANN401
        """Return whether the transaction contains the whole build, so that nothing is left to do after it ends."""
        return (
            # A materialization of the project may commit at any time; a hook outside the transaction comes after it.
            self._in_transactions
            and macro.package_name in self._own_packages
            and node.config.materialized != _WRITES_FILES
            and all(hook.get("transaction", True) for hook in own_hooks)
        )


def _batch_of(runner: Any) -> MarkedBatch | None:  # noqa: ANN401  # dbt's runner
    index = getattr(runner, "batch_idx", None)
    if index is None:
        return None
    planned = runner.batches.values()
    return MarkedBatch(
        start=runner.batches[index][0], first=min(start for start, _ in planned), end=max(end for _, end in planned)
    )


def _is_last(batch: MarkedBatch | None, runner: Any) -> bool:  # noqa: ANN401  # as above
    """Return whether the build is complete after this batch: dbt runs the last batch after all others."""
    return batch is None or batch.start == max(start for start, _ in runner.batches.values())


class _Leaving(dict[str, object]):
    """A hook that executes itself when dbt's `run_hooks` reads its SQL; to a project's own macro it is plain SQL."""

    def __init__(self, text: str, write: Callable[[], None]) -> None:
        # dbt renders the SQL of a hook as a template, so a brace in a name or value must be protected.
        super().__init__(sql="{% raw %}" + text + "{% endraw %}" if "{" in text else text, transaction=True)
        self._write = write

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  # a dict's
        """Write the marker when dbt reads the SQL of the hook, and return empty SQL."""
        # dbt's `run_hooks` calls `get` for the SQL once, when the hook is due, and sends no statement if it is empty.
        if key != "sql":
            return super().get(key, default)
        self._write()
        return ""
