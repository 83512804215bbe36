"""Executes views, tables and data tests with generated statements, in place of dbt's own materializations.

dbt's runner still compiles the node, measures its time, turns errors into messages and makes its result. Here is only
what the materialization would do: the same statements on the same connection, the same file in `target/run`, the same
entry in dbt's cache of relations. Where what exists asks for more, dbt executes the node.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.bridge.access import replace_execution, watched_cursor
from orchestrator.adapters.dbt.kept_code import KeptCode, code_of, put_into
from orchestrator.adapters.dbt.marking import Marking
from orchestrator.adapters.dbt.sent_statements import (
    SentStatements,
    StatementLog,
    Statements,
    WatchedCursor,
)
from orchestrator.nodes.identity import NodeId
from orchestrator.ways.generated_sql import (
    BACKUP,
    KEYS_AND_INDEXES,
    RESPONSE,
    GeneratedKind,
    Key,
    Place,
    count_failures,
    drop,
    existing_kinds,
    replacement,
    replaces_one,
)

_CALLED_BY_A_TEST = ("macro.dbt.get_limit_subquery_sql", "macro.dbt.should_store_failures", "macro.dbt.statement")
"""What dbt adds to the macros of a data test in manifest.json when it executes the test."""

_SUCCEEDED = frozenset({"success", "pass"})
ByDbt = Callable[[Any, Any], Any]
"""Executes a node with dbt's materialization: node and manifest to dbt's result."""


class GeneratedRuns:
    """Executes the nodes of a session for which statements can be generated."""

    def __init__(
        self,
        task: Any,  # noqa: ANN401  # dbt's own
        adapter: Any,  # noqa: ANN401  # dbt's own
        marking: Marking,
        kinds: Mapping[NodeId, GeneratedKind],
        replayable: Collection[NodeId] = (),
    ) -> None:
        """Set the nodes by their kinds; all others are executed by dbt, and what it sends for some is noted."""
        self._replayable = replayable
        self._config = task.config
        self._manifest = task.manifest
        self._adapter = adapter
        self._marking = marking
        self._kinds = kinds
        self._ephemeral: dict[NodeId, KeptCode] = {}
        self.codes: dict[NodeId, KeptCode] = {}
        """The compiled code of the nodes that succeeded here."""

    def note_direct(self, unique_id: NodeId, code: KeptCode) -> None:
        """Take note of a node that was executed without dbt."""
        node = self._manifest.nodes.get(unique_id)
        if node is None:  # a unit test: the manifest has nothing of its execution
            return
        if node.is_ephemeral_model:  # dbt inlines it only as it compiles it itself
            self._ephemeral[unique_id] = code
            return
        put_into(node, code)
        if code.sent is not None or self._kinds.get(unique_id, GeneratedKind.TEST) is not GeneratedKind.TEST:
            self._cache(node)

    def finish(self) -> None:
        """Put the code of ephemeral models that dbt did not compile into the manifest, which is written next."""
        for unique_id, code in self._ephemeral.items():
            if not (node := self._manifest.expect(unique_id)).compiled:
                put_into(node, code)

    def of(self, runner: Any) -> Any:  # noqa: ANN401  # dbt's runner
        """Return the runner of a node, which executes the node here if it is one of these."""
        kind = self._kinds.get(runner.node.unique_id)
        if kind is not None:
            replace_execution(runner, self._test if kind is GeneratedKind.TEST else self._build)
        elif runner.node.unique_id in self._replayable:
            replace_execution(runner, self._by_dbt)
        return runner

    def _by_dbt(self, node: Any, manifest: Any, by_dbt: ByDbt) -> Any:  # noqa: ANN401  # dbt's own
        """Have dbt execute a node, and note what it sends."""
        is_test = node.resource_type == "unit_test"
        existed = () if is_test else self._existed(node)
        log = StatementLog(self._without_comment, commits=not is_test)
        with watched_cursor(self._connection().handle, lambda cursor: WatchedCursor(cursor, log)):
            result = by_dbt(node, manifest)
        statements = log.statements
        if existed is not None and statements is not None and str(result.status) in _SUCCEEDED:
            with suppress(OSError):  # the node is built, so it only is not noted
                self.note(result.node, self._sent(result, statements, existed))
        return result

    def _sent(self, result: Any, statements: Statements, existed: tuple[str | None, ...]) -> SentStatements:  # noqa: ANN401  # dbt's RunResult
        written = result.node.build_path
        return SentStatements(
            statements=statements,
            existed=existed,
            message=result.message,
            response={**result.adapter_response},
            run_text="" if written is None else Path(self._config.project_root, written).read_text("utf-8"),
        )

    def _existed(self, node: Any) -> tuple[str | None, ...] | None:  # noqa: ANN401  # dbt's node
        place = Place(database=node.database, schema=node.schema, identifier=node.alias)
        return existing_kinds(place, self._existing) if place.key[:2] in self._adapter.cache else None

    def _without_comment(self, sql: str) -> str:
        header = self._adapter.connections.query_header
        comment = "" if header is None else (header.comment.query_comment or "").strip()
        return sql.removeprefix(f"/* {comment} */\n").replace(f"\n/* {comment} */", "") if comment else sql

    def _build(self, node: Any, manifest: Any, by_dbt: ByDbt) -> Any:  # noqa: ANN401  # dbt's own
        kind = GeneratedKind(node.config.materialized)
        place = Place(database=node.database, schema=node.schema, identifier=node.alias)
        replaces = self._replaces(kind, place)
        if replaces is None:
            return by_dbt(node, manifest)
        statements = replacement(kind, place, node.compiled_code, replaces=replaces)
        self._write_run_file(node, statements[0])
        self._begin()
        for statement in statements:
            self._execute(statement)
        self._marking.leave(node)
        self._adapter.connections.commit()
        self._execute(drop(kind, place, BACKUP))
        self._cache(node)
        self.note(node)
        return self._success(node)

    def _cache(self, node: Any) -> None:  # noqa: ANN401  # as above
        kind = GeneratedKind.VIEW if node.config.materialized == GeneratedKind.VIEW else GeneratedKind.TABLE
        relation = self._adapter.Relation.create_from(self._config, node, type=str(kind))
        self._adapter.cache_added(relation.incorporate(dbt_created=True))

    def note_ephemeral(self, node: Any, result: Any) -> None:  # noqa: ANN401  # as above
        """Take note of what an ephemeral model was compiled to; dbt executes nothing for it."""
        if node.is_ephemeral_model and str(result.status) == "success":
            self.note(node)

    def note(self, node: Any, sent: SentStatements | None = None) -> None:  # noqa: ANN401  # as above
        """Take note of what a node was compiled to, and of what dbt sent for it."""
        if (code := code_of(node, sent)) is not None:
            self.codes[node.unique_id] = code

    def _replaces(self, kind: GeneratedKind, place: Place) -> bool | None:
        """Return whether a relation of its kind is replaced; None if dbt must decide what to do."""
        cache, (database, schema, _) = self._adapter.cache, place.key
        if (database, schema) not in cache:  # a load wrote to it: dbt lists its relations first
            return None
        replaces = replaces_one(kind, place, self._existing)
        is_keyed = replaces and kind is GeneratedKind.TABLE and self._has_keys_or_indexes(place)
        return None if is_keyed else replaces

    def _existing(self, key: Key) -> tuple[str, str] | None:
        cached = self._adapter.cache.relations.get(key)
        return None if cached is None else (str(cached.inner.type), cached.inner.identifier)

    def _has_keys_or_indexes(self, place: Place) -> bool:
        """Return whether a table has keys or indexes: DuckDB does not rename it, and dbt drops them in order."""
        cursor = self._connection().handle.cursor()
        names = [place.database, place.schema, place.identifier]
        return bool(cursor.execute(KEYS_AND_INDEXES, names).fetchall())

    def _test(self, node: Any, _manifest: Any, _by_dbt: ByDbt) -> Any:  # noqa: ANN401  # dbt's own
        from dbt.task.test import TestResultData

        statement = count_failures(node.compiled_code, warn_if=node.config.warn_if, error_if=node.config.error_if)
        self._write_run_file(node, statement)
        self._begin()  # dbt rolls it back when it releases the connection
        for macro in _CALLED_BY_A_TEST:
            node.depends_on.add_macro(macro)
        [(failures, should_warn, should_error)] = self._execute(statement).fetchall()
        self.note(node)
        return TestResultData(
            failures=failures,
            should_warn=bool(should_warn),
            should_error=bool(should_error),
            adapter_response={**RESPONSE},
        )

    def _write_run_file(self, node: Any, statement: str) -> None:  # noqa: ANN401  # dbt's node
        node.build_path = node.get_target_write_path(self._config.target_path, "run")
        node.write_node(self._config.project_root, node.build_path, statement)

    def _connection(self) -> Any:  # noqa: ANN401  # dbt's connection
        return self._adapter.connections.get_thread_connection()

    def _begin(self) -> None:
        if not self._connection().transaction_open:  # a query of the node's code may have begun one, as in dbt
            self._adapter.connections.begin()

    def _execute(self, statement: str) -> Any:  # noqa: ANN401  # dbt-duckdb's cursor
        connections = self._adapter.connections
        header = connections.query_header
        sql = statement if header is None else header.add(statement)
        with connections.exception_handler(sql):
            return self._connection().handle.cursor().execute(sql)

    @staticmethod
    def _success(node: Any) -> Any:  # noqa: ANN401  # dbt's node and RunResult
        from dbt.artifacts.schemas.results import RunStatus
        from dbt.artifacts.schemas.run import RunResult

        return RunResult(
            node=node,
            status=RunStatus.Success,
            timing=[],
            thread_id=threading.current_thread().name,
            execution_time=0.0,
            message=RESPONSE["_message"],
            adapter_response={**RESPONSE},
            failures=None,
            batch_results=None,
        )
