"""Evaluates selections with dbt's own selector, on the session's manifest."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.adapters.dbt.bridge.access import deferred_manifest
from orchestrator.adapters.dbt.bridge.releases import change_selectors, make_task, node_selector
from orchestrator.adapters.dbt.node_graph import node_graph
from orchestrator.adapters.dbt.project_errors import refused_selection
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.nodes.identity import NodeId, Relation, ResourceType


class DbtSelector:
    """Evaluates selections as the session's own command (build, test, source freshness, list) would."""

    def __init__(self, session: DbtSession) -> None:
        from dbt_common.events.contextvars import task_contextvars

        self._session = session
        with selection_errors():
            self._task = _selection_task(session)
        with task_contextvars(project_root=session.config.project_root):
            self._task.graph = session.translated(lambda: node_graph(self._task))

    def select(self, *, select: tuple[str, ...], exclude: tuple[str, ...], direct: bool = False) -> frozenset[NodeId]:
        """Return what dbt would run for these expressions."""
        spec, selector = self._spec(select, exclude), self._task.get_node_selector()
        if not direct:
            return self._answer(selector, spec, warn=True)
        change_selectors(selector, _without_indirect)
        return self._answer(selector, _without_indirect(spec), warn=False)

    def named(self, *, select: tuple[str, ...], exclude: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that these expressions name themselves."""
        selector = node_selector(self._task)
        change_selectors(selector, _without_indirect)
        return self._answer(selector, _without_indirect(self._spec(select, exclude)), warn=False)

    def kept_types(self) -> frozenset[ResourceType] | None:
        """Return the resource types that the options keep; None if no option limits them."""
        flags = self._session.flags
        if not getattr(flags, "resource_types", ()) and not getattr(flags, "exclude_resource_types", ()):
            return None
        types = self._task.resource_types
        # `resource_types` is a method of dbt's BuildTask and a property of its other tasks.
        return frozenset(ResourceType(kind.value) for kind in (types() if callable(types) else types))

    def matching(self, expressions: tuple[str, ...]) -> frozenset[NodeId]:
        """Return every node of any type that one of the expressions names."""
        from dbt.graph import parse_difference

        if not expressions:
            return frozenset()
        selector = node_selector(self._task)
        change_selectors(selector, _without_indirect)
        with selection_errors():
            spec = _without_indirect(parse_difference(list(expressions), None))
        return self._answer(selector, spec, warn=False)

    def deferred(self) -> frozenset[NodeId]:
        """Return the nodes of the manifest that `--defer` uses."""
        return frozenset(NodeId(unique_id) for unique_id in self._deferred_nodes())

    def deferred_relations(self) -> Mapping[NodeId, Relation]:
        """Return the relations that `--defer` may read in place of nodes."""
        return {
            NodeId(unique_id): Relation(database=node.database, schema=node.schema, identifier=node.alias)
            for unique_id, node in self._deferred_nodes().items()
            if node.is_refable and not node.is_ephemeral_model
        }

    def _deferred_nodes(self) -> Mapping[str, Any]:  # dbt's nodes
        with selection_errors():
            manifest = deferred_manifest(self._task)
        return {} if manifest is None else manifest.nodes

    def _spec(self, select: tuple[str, ...], exclude: tuple[str, ...]) -> Any:  # noqa: ANN401  # dbt's spec
        from dbt.graph import parse_difference

        task = self._task
        with selection_errors():
            named = task.args.selector
            # As in dbt, the default selector applies only if nothing is given.
            if not named and not select and not exclude:
                named = task.config.get_default_selector_name()
            if named:
                return task.config.get_selector(named)
            return parse_difference(list(select) or None, list(exclude) or None)

    @staticmethod
    def _answer(selector: Any, spec: Any, *, warn: bool) -> frozenset[NodeId]:  # noqa: ANN401  # dbt's own
        with selection_errors():
            found: Iterable[str] = selector.get_selected(spec=spec, warn_on_no_nodes=warn)
        return frozenset(NodeId(unique_id) for unique_id in found)


def _selection_task(session: DbtSession) -> Any:  # noqa: ANN401  # one of dbt's tasks
    """Return dbt's task of the command, which determines the resource types."""
    from dbt.task.build import BuildTask
    from dbt.task.freshness import FreshnessTask
    from dbt.task.list import ListTask
    from dbt.task.test import TestTask

    kinds = {"test": TestTask, "freshness": FreshnessTask, "list": ListTask, "ls": ListTask}
    kind = kinds.get(session.flags.WHICH, BuildTask)
    return make_task(kind, session)


def _without_indirect(spec: Any) -> Any:  # noqa: ANN401  # dbt's spec
    """Return a spec that selects only what it names itself, without the tests attached to it."""
    from dbt.graph.selector_spec import IndirectSelection, SelectionCriteria

    if isinstance(spec, SelectionCriteria):
        return replace(spec, indirect_selection=IndirectSelection.Empty)
    return type(spec)(
        components=[_without_indirect(component) for component in spec.components],
        indirect_selection=IndirectSelection.Empty,
        expect_exists=False,
        raw=spec.raw,
    )


class selection_errors:  # noqa: N801  # reads as a statement
    """Translates dbt's selection errors into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        # Not all of them are dbt's own: for a path that cannot be searched Python raises a ValueError.
        if isinstance(error, Exception):
            raise refused_selection(error) from error
