"""Uses private names of dbt, and replaces functions of single objects of dbt; no other module does either.

dbt is imported inside the functions, because `elt --help` must not import it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from orchestrator.adapters.dbt.bridge.needed import NEEDED_ON, TOOLS
from orchestrator.adapters.probe import require_attributes

Execute = Callable[..., Any]
"""Runs the materialization of a node: hook context, config, node, values for Jinja, macro; since 1.12 the manifest."""


def share_environment() -> None:
    """Let dbt read the environment: in its invocation, and under both prefixes of its engine variables.

    As dbt's preflight does. The invocation's own constructor would take the variables before they are copied.
    """
    from dbt.cli import requires
    from dbt_common.clients.system import get_env
    from dbt_common.context import get_invocation_context

    environment = get_env()
    requires._cross_propagate_engine_env_vars(environment)
    get_invocation_context()._env = environment


def enter_invocation(context: Any) -> None:  # noqa: ANN401  # dbt's InvocationContext
    """Set dbt's invocation for the calling thread: a new thread does not have dbt's context variables."""
    from dbt_common.context import _INVOCATION_CONTEXT_VAR

    _INVOCATION_CONTEXT_VAR.set(context)


def set_flag(flags: Any, name: str, value: object) -> None:  # noqa: ANN401  # dbt's Flags
    """Set one of dbt's flags, which are frozen."""
    object.__setattr__(flags, name, value)


def close_environment() -> None:
    """Close dbt-duckdb's database, if one is open, and forget it.

    dbt-duckdb looks the open database up by the credentials as written. A second project whose profile names the same
    relative path would be built in the first project's file, and that file would stay locked for other processes.
    Raises UnsupportedVersionError: this also runs before a session knows its adapter, and after other code ran dbt.
    """
    # Not imported here: if dbt-duckdb was never imported, it has opened nothing.
    module = sys.modules.get("dbt.adapters.duckdb.connections")
    if module is None:
        return
    require_attributes(NEEDED_ON["duckdb"], *TOOLS)
    connections = module.DuckDBConnectionManager
    with connections._LOCK:  # dbt-duckdb drops the environment without closing it
        environment, connections._ENV = connections._ENV, None
    if environment is not None:
        with suppress(Exception):  # an abandoned thread may still run a query on it
            environment.close()


def begin_at(moment: datetime) -> None:
    """Let dbt's open invocation have begun at this moment: the time when the command began, if dbt was opened later."""
    import dbt.tracking
    import dbt_common.invocation

    dbt_common.invocation._INVOCATION_STARTED_AT = moment.astimezone(UTC).replace(tzinfo=None)
    user = dbt.tracking.active_user
    user.run_started_at = moment.astimezone(user.run_started_at.tzinfo)


def builtin_plugins() -> frozenset[str]:
    """Return the names of the plugins that are part of dbt-duckdb."""
    from dbt.adapters.duckdb.plugins import BasePlugin

    return frozenset(BasePlugin._BUILTIN)


def deferred_manifest(task: Any) -> Any:  # noqa: ANN401  # dbt's task and Manifest
    """Return the manifest that `--defer` uses, or None."""
    return task._get_deferred_manifest()


def list_only(task: Any, nodes: Iterable[Any]) -> None:  # noqa: ANN401  # dbt's ListTask and nodes
    """Make dbt's formatters write these nodes, which are already selected."""
    task._iterate_selected_nodes = lambda: iter(nodes)


def skip_search_for_cycles(linker: Any) -> None:  # noqa: ANN401  # dbt's Linker
    """Leave out dbt's search for a cycle: it visits shared ancestors many times, seconds with thousands of nodes."""
    linker.find_cycles = lambda: None


def before_each_runner(task: Any, prepare: Callable[[Any], None]) -> None:  # noqa: ANN401  # dbt's task
    """Call `prepare` with each runner that the task is about to call.

    This includes the runners of batches: dbt's microbatch runner calls them through the task.
    """
    call = task.call_runner

    def call_prepared(runner: Any, *more: Any) -> Any:  # noqa: ANN401  # dbt's runner and RunResult
        prepare(runner)
        return call(runner, *more)

    task.call_runner = call_prepared


def before_handling(runner: Any, note: Callable[[Exception], None]) -> None:  # noqa: ANN401  # dbt's runner
    """Call `note` with an exception that the runner is about to turn into a result, which keeps only its text."""
    handle = runner.handle_exception

    def handle_noted(error: Exception, context: Any) -> Any:  # noqa: ANN401  # dbt's context, and its message
        note(error)
        return handle(error, context)

    runner.handle_exception = handle_noted


def keep_unmodified(source: Any, declared: str) -> None:  # noqa: ANN401  # dbt's source definition
    """Let `state:modified` compare the declared schema, as dbt does for nodes: a moved source is not modified."""
    compares = source.same_database_representation

    def same(other: Any) -> bool:  # noqa: ANN401  # dbt's source
        return bool(compares(replace(other, schema=source.schema) if other.schema == declared else other))

    source.same_database_representation = same


def wrap_execution(runner: Any, wrap: Callable[[Execute], Execute]) -> None:  # noqa: ANN401  # dbt's runner
    """Wrap what runs the materialization of a model, seed, snapshot or batch; other runners have none."""
    from dbt.task.run import ModelRunner

    if isinstance(runner, ModelRunner):
        runner._execute_model = wrap(runner._execute_model)


@contextmanager
def watched_cursor(handle: Any, watch: Callable[[Any], Any]) -> Iterator[None]:  # noqa: ANN401  # dbt-duckdb's connection
    """Let dbt-duckdb's connection use what `watch` makes of its cursor, inside the block."""
    cursor = handle._cursor
    handle._cursor = watch(cursor)
    try:
        yield
    finally:
        handle._cursor = cursor


def replace_execution(runner: Any, execute: Callable[[Any, Any, Callable[[Any, Any], Any]], Any]) -> None:  # noqa: ANN401
    """Execute the node of a runner with `execute` instead of dbt's materialization.

    `execute` gets the compiled node, the manifest, and what dbt would call. For a data test, that returns no result.
    """
    name = "execute_data_test" if runner.node.resource_type == "test" else "execute"
    by_dbt = getattr(runner, name)
    setattr(runner, name, lambda node, manifest: execute(node, manifest, by_dbt))


def wrap_failed_batch(runner: Any, keep: Callable[[Any, BaseException], None]) -> bool:  # noqa: ANN401  # dbt's runner
    """Call `keep` with the batch and its exception, which dbt drops; return whether the runner is that of a batch.

    dbt builds the result of an erroring batch in its `except` block, so there the exception is still the current one.
    """
    from dbt.task.run import MicrobatchBatchRunner

    if not isinstance(runner, MicrobatchBatchRunner):
        return False
    build = runner._build_failed_run_batch_result

    def build_and_keep(model: Any, batch: Any, *elapsed: float) -> Any:  # noqa: ANN401  # dbt's own types
        error = sys.exception()
        if error is not None:
            keep(batch, error)
        return build(model, batch, *elapsed)

    runner._build_failed_run_batch_result = build_and_keep
    return True


def build_copy(runner: Any, node: Any, compile_node: Callable[[Any], Any]) -> None:  # noqa: ANN401  # dbt's own
    """Make a runner build a copy of a node: compile it with `compile_node`, and write no compiled or run files."""
    node.write_node = lambda *_: None
    runner.compile = compile_node
