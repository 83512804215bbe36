"""Lets dbt build a node in another schema than its own, without a trace in the session.

The node is copied. The copy is compiled under its own name, so that its code is what it would be, and only then moved:
the materialization, and all that the configuration asks of it, finds another place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from orchestrator.adapters.dbt.second_try import forget_compiled
from orchestrator.errors import WarehouseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What came of a build beside what stands."""

    message: str
    """What broke; empty when the build ended well."""
    code: str | None
    """What the node was compiled to."""


def build_beside(task: Any, original: Any, adapter: Any, manifest: Any, schema: str) -> Beside:  # noqa: ANN401  # dbt's own
    """Build a copy of a node in a schema that is there; never raises for what the node did."""
    from dbt.artifacts.schemas.results import RunStatus

    node = deepcopy(original)
    forget_compiled(node)
    node.write_node = lambda *_: None  # the files of what was compiled and run are those of real builds
    node.config.grants = {}  # nobody else is to see it
    runner = task.get_runner(node)
    compile_it = runner.compile

    def compile_and_move(_manifest: Any) -> Any:  # noqa: ANN401  # dbt's node
        if node.resource_type == "model":
            runner.compiler.compile_node(node, manifest, {}, write=False)
        else:
            compile_it(manifest)
        node.schema = schema
        # The schema is empty: a query for what is in it would open a transaction, in which the table of a Python
        # model, which is made on a cursor of its own, cannot be seen.
        adapter.cache.add_schema(node.database, schema)
        node.relation_name = adapter.Relation.create_from(runner.config, node).render()
        return node

    runner.compile = compile_and_move
    try:
        result = task.call_runner(runner)
    finally:
        adapter.cache.drop_schema(node.database, schema)
    broke = result.status != RunStatus.Success
    code = getattr(node, "compiled_code", None)
    return Beside(message=str(result.message or result.status) if broke else "", code=code or None)


@contextmanager
def asking(adapter: Any, name: str) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:  # noqa: ANN401  # as above
    """Ask the warehouse on the thread's own connection, which is interrupted with the step; raises WarehouseError."""
    from dbt_common.exceptions import DbtBaseException

    connections = adapter.connections

    def ask(statement: str) -> list[tuple[Any, ...]]:
        with connections.exception_handler(statement):
            connection = connections.get_thread_connection()
            if not connection.transaction_open:
                connections.begin()  # so that it is ended with the connection's use, and holds no lock after that
            cursor = connection.handle.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]

    try:
        with adapter.connection_named(name):
            yield ask
    except DbtBaseException as error:
        raise WarehouseError(str(error)) from error
