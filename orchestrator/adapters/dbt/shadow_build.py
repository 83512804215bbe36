"""Has dbt build a shadow copy of a node in another schema, without changing the session.

The node is copied. The copy is compiled under the node's own name, so that its compiled code is the same, and only then
moved to the other schema: the materialization and everything in its configuration then use that schema.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from orchestrator.adapters.dbt.bridge.access import build_copy
from orchestrator.adapters.dbt.second_attempt import forget_compiled
from orchestrator.errors import WarehouseError


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowBuild:
    """The result of a shadow build."""

    message: str
    """The error message; empty if the build succeeded."""
    code: str | None
    """The node's compiled code."""


def build_shadow(task: Any, original: Any, adapter: Any, manifest: Any, schema: str) -> ShadowBuild:  # noqa: ANN401  # dbt's own
    """Build a copy of a node in an existing schema; never raises for an error of the node."""
    from dbt.artifacts.schemas.results import RunStatus

    node = deepcopy(original)
    forget_compiled(node)
    node.config.grants = {}  # no other user needs to read the shadow build
    runner = task.get_runner(node)
    compile_it = runner.compile

    def compile_and_move(_manifest: Any) -> Any:  # noqa: ANN401  # dbt's node
        if node.resource_type == "model":
            runner.compiler.compile_node(node, manifest, {}, write=False)
        else:
            compile_it(manifest)
        node.schema = schema
        # Tell the cache that the schema is empty. Otherwise dbt would list its relations, which opens a transaction;
        # the table of a Python model is made on another cursor and would not be visible in that transaction.
        adapter.cache.add_schema(node.database, schema)
        node.relation_name = adapter.Relation.create_from(runner.config, node).render()
        return node

    build_copy(runner, node, compile_and_move)
    try:
        result = task.call_runner(runner)
    finally:
        adapter.cache.drop_schema(node.database, schema)
    broke = result.status != RunStatus.Success
    code = getattr(node, "compiled_code", None)
    return ShadowBuild(message=str(result.message or result.status) if broke else "", code=code or None)


@contextmanager
def asking(adapter: Any, name: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:  # noqa: ANN401  # as above
    """Query the warehouse on the thread's own connection, which is interrupted with the step; raises WarehouseError."""
    from dbt_common.exceptions import DbtBaseException

    connections = adapter.connections

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with connections.exception_handler(statement):
            connection = connections.get_thread_connection()
            if not connection.transaction_open:
                connections.begin()  # dbt ends it with the use of the connection, so that no lock remains
            cursor = connection.handle.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]

    try:
        with adapter.connection_named(name):
            yield ask
    except DbtBaseException as error:
        raise WarehouseError(str(error)) from error
