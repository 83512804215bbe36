"""Calls dbt's node runners for one node at a time, from any thread of the run.

Uses a BuildTask for runners, hooks, schemas, relation cache and deferral; the run loop queues, limits and halts.
"""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

from orchestrator.adapters.dbt.batches import BatchLog
from orchestrator.adapters.dbt.bridge.access import enter_invocation
from orchestrator.adapters.dbt.bridge.releases import build_task
from orchestrator.adapters.dbt.error_location import RaisedErrors
from orchestrator.adapters.dbt.generated_runs import GeneratedRuns
from orchestrator.adapters.dbt.interrupting import QueryInterrupts, close_connections
from orchestrator.adapters.dbt.left_batches import as_dbt_results
from orchestrator.adapters.dbt.marking import Marking, Places
from orchestrator.adapters.dbt.node_outcomes import recalled_result
from orchestrator.adapters.dbt.placing import target_schema
from orchestrator.adapters.dbt.python_errors import exit_message
from orchestrator.adapters.dbt.row_counts import row_count
from orchestrator.adapters.dbt.second_attempt import forget_compiled, keep_done_batches, look_again
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.adapters.dbt.shadow_build import ShadowBuild, build_shadow
from orchestrator.adapters.lost_race import lost_race
from orchestrator.execution.recorded import LeftBatches
from orchestrator.nodes.identity import NodeId
from orchestrator.ways.generated_sql import NOTHING_GENERATED, GeneratedKind

_NONE: Mapping[NodeId, str] = MappingProxyType({})
_PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds before each new attempt to create schemas that another run creates too


class NodeRuns:
    """Runs single nodes, hooks and freshness checks of an open, parsed session."""

    def __init__(
        self,
        session: DbtSession,
        planned: Collection[NodeId],
        added: Collection[NodeId],
        places: Places | None = None,
        generated: Mapping[NodeId, GeneratedKind] = NOTHING_GENERATED,
        replayable: Collection[NodeId] = (),
    ) -> None:
        self._session = session
        self._planned = frozenset(planned)
        self._added = frozenset(added)
        self._task = build_task(session, self._planned)
        self._task.graph = None
        self.log = session.node_log
        self.batches = BatchLog(self._task)
        self.raised = RaisedErrors(session.project_dir)
        self.marking = Marking(self._task, self.adapter, places)
        self.generated = GeneratedRuns(self._task, self.adapter, self.marking, generated, replayable)
        # Microbatch runners look here how busy the run is before they send batches to the pool.
        self._task.job_queue = SimpleNamespace(in_progress=set(), in_progress_microbatch=set())
        self._interrupts = QueryInterrupts(session.credentials)
        self._prepared, self._refusal = False, ""
        self._halted_at_start = False
        self._results: dict[NodeId, Any] = {}  # the latest result of each node
        self._left: dict[NodeId, LeftBatches] = {}  # for microbatch models of a resumed run: the remaining batches
        self._lock = threading.Lock()
        self._batch_pool: Any = None

    @property
    def adapter(self) -> Any:  # noqa: ANN401  # dbt's adapter
        """The session's adapter."""
        from dbt.adapters.factory import get_adapter

        return get_adapter(self._session.config)

    def enter_thread(self) -> None:
        """Set dbt's invocation state, which dbt keeps per thread, for the calling thread."""
        enter_invocation(self._session.invocation_context)

    def prepare(self, *, again: bool = False) -> str:
        """Create schemas, fill the relation cache and resolve deferral, once, before the first node.

        Returns the error of the warehouse, the same for every caller; empty on success. `again`: repeat what failed.
        """
        with self._lock:  # steps that start together wait for the first one
            if not self._prepared or (again and self._refusal):
                self._prepared, self._refusal = True, ""
                try:
                    self._prepare()
                except Exception as error:  # noqa: BLE001  # a driver may raise any exception
                    self._refusal = f"dbt could not prepare the target {self._session.config.target_name}: {error}"
            return self._refusal

    def _prepare(self) -> None:
        from dbt import selected_resources
        from dbt.task import group_lookup

        task, adapter, manifest = self._task, self.adapter, self._session.manifest
        selected_resources.set_selected_resources(self._named_to_macros())
        task.num_nodes = len(self._planned)
        self._keep_full_refresh_to_the_named()
        with adapter.connection_named("master"):
            task.defer_to_manifest()
            required = task.get_model_schemas(adapter, self._planned) | target_schema(adapter, self._session.placement)
            self._create_schemas(required)
            self.marking.prepare(manifest.nodes[node] for node in self._planned if node in manifest.nodes)
            task.populate_adapter_cache(adapter, required)
            group_lookup.init(manifest, self._planned)

    def _create_schemas(self, required: Any) -> None:  # noqa: ANN401  # dbt's own
        """Create the schemas; if another run creates one of them at the same time, list them and try again."""
        for pause in _PAUSES:
            try:
                self._task.create_schemas(self.adapter, required)
            except Exception as error:
                if not lost_race(error):
                    raise
                time.sleep(pause)
            else:
                return
        self._task.create_schemas(self.adapter, required)

    def _named_to_macros(self) -> frozenset[NodeId]:
        """Return what dbt calls `selected_resources`: in a build it does not contain the unit tests."""
        left_out = self._session.manifest.unit_tests if self._session.flags.WHICH == "build" else ()
        return self._planned - frozenset(left_out)

    def _keep_full_refresh_to_the_named(self) -> None:
        """Exclude the nodes that the planner added from `--full-refresh`."""
        if not getattr(self._session.flags, "FULL_REFRESH", False):
            return
        for unique_id in self._added:
            node = self._session.manifest.nodes.get(unique_id)
            if node is not None and getattr(node.config, "full_refresh", None) is None:
                node.config.full_refresh = False  # dbt prefers the config to its flag

    def run_node(self, unique_id: NodeId) -> Any:  # noqa: ANN401  # dbt's RunResult
        """Have dbt's own runner compile and execute one node; never raises for an error of the node."""
        from dbt.task.run import MicrobatchModelRunner

        node = self._session.manifest.expect(unique_id)
        if unique_id in self._results and (refusal := self._make_ready(node)) is not None:
            return refusal
        if unique_id in self._left and not self._refreshes(node):
            node.previous_batch_results = as_dbt_results(self._left.pop(unique_id))
        self.batches.begin(unique_id)
        runner = self.generated.of(self.raised.of(self._task.get_runner(node)))
        if isinstance(runner, MicrobatchModelRunner):
            runner.set_parent_task(self._task)  # it runs each batch through the task
            runner.set_pool(self._pool())
        (in_progress := self._task.job_queue.in_progress).add(unique_id)
        try:
            result = self._task.call_runner(runner)
        except SystemExit as error:  # a Python model may call sys.exit()
            result = self.lost_result(unique_id, exit_message(error))
        finally:
            in_progress.discard(unique_id)
        self._keep(node, result)
        self.generated.note_ephemeral(node, result)
        return result

    def row_count(self, result: Any) -> int | None:  # noqa: ANN401  # dbt's RunResult
        """Return the row count of the node's table after its last build; None if it is not known."""
        counted = self.marking.take_row_count(result.node.unique_id)
        return row_count(self.adapter, result) if counted is None else counted

    def run_shadow(self, unique_id: NodeId, schema: str) -> ShadowBuild:
        """Have dbt make a shadow build in another schema; the existing relation and the results do not change."""
        manifest = self._session.manifest
        return build_shadow(self._task, manifest.expect(unique_id), self.adapter, manifest, schema)

    def note_error(self, unique_id: NodeId, message: str) -> Any:  # noqa: ANN401  # dbt's RunResult
        """Record and return an error result for a node that dbt did not run; on-run-end hooks see it."""
        result = self.lost_result(unique_id, message)
        self._keep(self._session.manifest.expect(unique_id), result)
        return result

    def take_up(self, batches: Mapping[NodeId, LeftBatches]) -> None:
        """Make microbatch models run only the remaining batches; with a full refresh they run all of them."""
        self._left.update(batches)

    def recall(self, recorded: Iterable[Mapping[str, Any]]) -> None:
        """Restore results, given as run_results.json entries, in a resumed run; on-run-end hooks see them."""
        for record in recorded:
            node = self._session.manifest.nodes.get(record["unique_id"]) or self._session.manifest.unit_tests.get(
                record["unique_id"]
            )
            if node is not None:
                self._task.node_results.append(recalled_result(node, record))

    def _make_ready(self, node: Any) -> Any:  # noqa: ANN401  # dbt's node, and its RunResult
        """Make a node ready for another attempt; return an error result if the warehouse refuses."""
        forget_compiled(node)
        keep_done_batches(node, self._results[node.unique_id], full_refresh=self._refreshes(node))
        try:
            look_again(self.adapter, node)
        except Exception as error:  # noqa: BLE001  # a driver may raise any exception
            return self.note_error(node.unique_id, str(error))
        return None

    def _refreshes(self, node: Any) -> bool:  # noqa: ANN401  # dbt's node
        refresh = getattr(node.config, "full_refresh", None)
        return bool(getattr(self._session.flags, "FULL_REFRESH", False) if refresh is None else refresh)

    def _keep(self, node: Any, result: Any) -> None:  # noqa: ANN401  # dbt's own
        """Keep the result for on-run-end hooks, instead of that of an earlier attempt."""
        if hasattr(node, "previous_batch_results"):
            node.previous_batch_results = None
        before = self._results.get(node.unique_id)
        self._results[node.unique_id] = result
        if node.is_ephemeral_model:  # dbt has no result for it
            return
        with self._lock:
            results = self._task.node_results
            results[:] = [*(each for each in results if each is not before), result]

    def run_freshness(self, unique_id: NodeId) -> Any:  # noqa: ANN401  # dbt's freshness result
        """Have dbt query how old a source's rows are."""
        from dbt.task.freshness import FreshnessRunner

        source = self._session.manifest.sources[unique_id]
        result = self._task.call_runner(FreshnessRunner(self._session.config, self.adapter, source, 1, 1))
        if self._session.flags.WHICH == "freshness":  # on-run-end hooks see it in `results` only in this command
            self._task.node_results.append(result)
        return result

    def run_hooks(self, when: str, skipped: Iterable[NodeId] = (), lost: Mapping[NodeId, str] = _NONE) -> list[Any]:
        """Run the on-run-start or on-run-end hooks in dbt's order and return their results.

        In an on-run-end hook, `results` includes the nodes that did not run (`skipped`) or were given up (`lost`).
        """
        from dbt.artifacts.schemas.results import RunStatus
        from dbt.node_types import RunHookType

        task, adapter, before = self._task, self.adapter, len(self._task.node_results)
        if when == "start":
            with adapter.connection_named("master"):
                status = task.safe_run_hooks(adapter, RunHookType.Start, {})
            stops = bool(self._session.flags.skip_nodes_if_on_run_start_fails)
            self._halted_at_start = stops and status != RunStatus.Success
        else:
            known = {result.node.unique_id for result in task.node_results}
            task.node_results.extend(self.skipped_result(unique_id) for unique_id in skipped if unique_id not in known)
            task.node_results.extend(self.lost_result(node, why) for node, why in lost.items() if node not in known)
            before = len(task.node_results)
            # As in dbt, which has no `results` if an on-run-start hook prevented every node from running.
            task.after_run(adapter, [] if self._halted_at_start else task.node_results)
        return list(task.node_results[before:])

    def attempt_hooks(
        self, when: str, skipped: Iterable[NodeId] = (), lost: Mapping[NodeId, str] = _NONE
    ) -> tuple[list[Any], str]:
        """Run hooks as `run_hooks` does, and return also what a hook's macro raised; empty if none did."""
        before = len(self._task.node_results)
        try:
            return self.run_hooks(when, skipped, lost), ""
        except Exception as error:  # noqa: BLE001  # a macro may raise any exception
            operations = [one for one in self._task.node_results[before:] if one.node.resource_type == "operation"]
            return operations, self.raised.message_of(error)

    def skipped_result(self, unique_id: NodeId) -> Any:  # noqa: ANN401  # dbt's RunResult
        """Return the result that dbt records for a skipped node: it has a message only with `--fail-fast`."""
        from dbt.artifacts.schemas.results import RunStatus
        from dbt.artifacts.schemas.run import RunResult

        why = "Skipping due to fail_fast" if self._session.flags.FAIL_FAST else None
        return RunResult.from_node(self._session.manifest.expect(unique_id), RunStatus.Skipped, why)

    def lost_result(self, unique_id: NodeId, message: str) -> Any:  # noqa: ANN401  # dbt's RunResult
        """Return an error result for a node that was given up and has no result of its own."""
        from dbt.artifacts.schemas.results import RunStatus
        from dbt.artifacts.schemas.run import RunResult

        return RunResult.from_node(self._session.manifest.expect(unique_id), RunStatus.Error, message)

    def forget_schemas(self, schemas: Iterable[tuple[str | None, str]]) -> None:
        """Make dbt list again the relations of schemas that something other than dbt wrote to."""
        for database, schema in schemas:
            self.adapter.cache.drop_schema(database or self._session.config.credentials.database, schema)

    def interrupt(self, threads: Collection[int], nodes: Collection[NodeId]) -> None:
        """Interrupt what runs on these threads for these nodes, and prevent their remaining batches from starting."""
        self.enter_thread()
        self.batches.halt(nodes)
        if self.adapter.is_cancelable():
            self._interrupts.cancel(self.adapter, threads, nodes)

    def close(self) -> None:
        """End the batch pool and release the connections; a query that still runs is abandoned."""
        if self._batch_pool is not None:
            self._batch_pool.close()
            self._batch_pool.terminate()
        close_connections(self.adapter)

    def _pool(self) -> Any:  # noqa: ANN401  # dbt's thread pool
        from dbt.graph.thread_pool import DbtThreadPool

        with self._lock:
            if self._batch_pool is None:  # only microbatch models need it
                self._batch_pool = DbtThreadPool(max(1, self._session.config.threads), self.enter_thread, [])
            return self._batch_pool
