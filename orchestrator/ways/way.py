"""Decides which nodes are executed with generated statements, and why the others are left to dbt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId, node_of
from orchestrator.reuse.fingerprints.macros import MacroIndex
from orchestrator.reuse.fingerprints.stock_macros import is_stock
from orchestrator.reuse.fingerprints.text_readings import TextReadings
from orchestrator.ways.generated_sql import GeneratedKind, Place

_MATERIALIZATIONS: Mapping[str, str] = {
    GeneratedKind.VIEW: "materialization_view_default",
    GeneratedKind.TABLE: "materialization_table_duckdb",
    GeneratedKind.TEST: "materialization_test_default",
    "incremental": "materialization_incremental_duckdb",
    "snapshot": "materialization_snapshot_default",
    "seed": "materialization_seed_default",
    "unit": "materialization_unit_default",
}
_REPLAYED = frozenset({"incremental", "snapshot", "seed", "unit"})
"""The materializations whose statements follow from what they ask the database."""
_DISPATCHED = ("default__", "duckdb__")
_NEVER_READ = frozenset(
    {
        *("enabled", "materialized", "alias", "schema", "database", "tags", "meta", "group", "access", "docs"),
        *("static_analysis", "freshness", "state", "on_error", "packages", "quoting", "column_types", "event_time"),
        *("full_refresh", "on_configuration_change", "on_schema_change", "unique_key", "incremental_strategy"),
        *("batch_size", "lookback", "begin", "concurrent_batches", "latest_version_pointer"),
    }
)
"""Keys of a model that dbt's views and tables do not read, or that show in its names."""
_READ_HERE = {
    GeneratedKind.TEST: frozenset(
        {"severity", "warn_if", "error_if", "where", "enabled", "materialized", "alias", "schema"}
    )
    | {"database", "tags", "meta", "group", "docs", "static_analysis"}
}
"""Keys of a data test that are part of its compiled code or of the generated query, or that do not change it."""
_ASKED_OR_SENT = (
    _NEVER_READ
    | {"incremental_predicates", "predicates", "merge_clauses", "merge_update_columns", "merge_exclude_columns"}
    | {"merge_on_using_columns", "merge_update_condition", "merge_insert_condition", "merge_update_set_expressions"}
    | {"merge_returning_columns", "strategy", "updated_at", "check_cols", "hard_deletes", "invalidate_hard_deletes"}
    | {"target_schema", "target_database", "snapshot_meta_column_names", "dbt_valid_to_current"}
    | {"quote_columns", "delimiter", "fast"}
)
"""Keys of an incremental model, snapshot or seed that show only in the statements that dbt sends."""
_EXECUTED = frozenset(
    {
        *(ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION),
        *(ResourceType.TEST, ResourceType.UNIT_TEST),
    }
)
"""The types of nodes that do something in the database."""
_COUNTS_ROWS = {"fail_calc": "count(*)", "limit": None}


class NodeWay(StrEnum):
    """By whose statements a node is executed."""

    GENERATED = "generated"
    REPLAYED = "replayed"
    """Those that dbt sent in an earlier run, if nothing has changed and the database answers as it did; else dbt's."""
    BY_DBT = "dbt"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOfStep:
    """The way of one step."""

    way: NodeWay
    why_dbt: str = ""
    """Why dbt executes the node; empty if it need not."""


class Ways:
    """Says of each node of a project by whose statements it is executed."""

    def __init__(
        self,
        manifest: Manifest,
        target: Target,
        *,
        stores_failures: bool = False,
        refreshes: bool = False,
        plain: bool = False,
        readings: TextReadings | None = None,
    ) -> None:
        """Set what decides.

        `stores_failures` says that data tests keep the rows that they find unless they are configured otherwise,
        `refreshes` that the command is a full refresh, and `plain` that dbt executes every node. `readings` are those
        of the project's texts.
        """
        self._plain = plain
        self._refreshes = refreshes
        self._readings = readings
        self._stores_failures = stores_failures
        self._manifest = manifest
        self._target = target
        self._stock: dict[GeneratedKind, str] = {}
        self._known: dict[str, bool] = {}

    def generated(self, nodes: Iterable[NodeId]) -> Mapping[NodeId, GeneratedKind]:
        """Return which of the nodes are executed with generated statements, and of what kind they are."""
        found = {}
        for one in nodes:
            node = self._manifest.nodes.get(one)
            if node is not None and (kind := _kind_of(node)) is not None and not self.why_dbt(node):
                found[one] = kind
        return found

    def replayable(self, nodes: Iterable[NodeId]) -> frozenset[NodeId]:
        """Return for which of the nodes dbt's statements can be sent again, if the database answers as before."""
        return frozenset(
            one for one in nodes if (node := self._manifest.nodes.get(one)) is not None and self.is_replayable(node)
        )

    def is_replayable(self, node: DbtNode) -> bool:
        """Return whether what dbt sends for a node follows from its code, its configuration and the answers."""
        kind = _asks_as(node)
        return kind in _REPLAYED and not self._why_not_replayed(node, kind)

    def _why_not_replayed(self, node: DbtNode, kind: str) -> str:
        config = node.definition.config
        if self._plain or self._refreshes:
            return "--plain" if self._plain else "--full-refresh"  # which does not apply to every node alike
        if config.get("incremental_strategy") == "microbatch":
            return "microbatch"
        if not self._is_known(kind):
            return "its materialization is not one that is known"
        if node.resource_type is ResourceType.UNIT_TEST:
            return self._of_target or _of_config(config, _ASKED_OR_SENT) or self._of_hooks
        return self._of_target or _of_code(node) or _of_config(config, _ASKED_OR_SENT) or self._of_place(node)

    def _is_known(self, kind: str) -> bool:
        """Return whether a materialization is dbt's, of a text that is known, and reaches nothing else."""
        found = self._known.get(kind)
        if found is None:
            name = _MATERIALIZATIONS[kind]
            own = [macro for macro in self._manifest.macros.values() if macro.name == name]
            is_own = len(own) == 1 and is_stock(name, own[0].package, own[0].code)
            found = self._known[kind] = is_own and not self._index.materialization(kind)
        return found

    @cached_property
    def _of_hooks(self) -> str:
        """Return what sees the compiled unit tests, which only dbt has."""
        hooks = (one for one in self._manifest.nodes.values() if one.resource_type is ResourceType.OPERATION)
        return "on-run-end hooks see it" if any("on-run-end" in one.tags for one in hooks) else ""

    @cached_property
    def _index(self) -> MacroIndex:
        return MacroIndex(self._manifest, readings=self._readings)

    def of_steps(self, plan: Plan) -> Mapping[StepId, WayOfStep]:
        """Return the way of each step that executes a node."""
        nodes = ((step.id, self._manifest.nodes[node]) for step in plan.steps if (node := node_of(step)) is not None)
        return {
            step: self._way_of(node)
            for step, node in nodes
            if node.resource_type in _EXECUTED and not node.is_ephemeral
        }

    def _way_of(self, node: DbtNode) -> WayOfStep:
        kind, why = _asks_as(node), self.why_dbt(node)
        if kind in _REPLAYED and not self._plain:
            if not (reason := self._why_not_replayed(node, kind)):
                return WayOfStep(way=NodeWay.REPLAYED)
            why = f"{why}: {reason}"
        return WayOfStep(way=NodeWay.BY_DBT if why else NodeWay.GENERATED, why_dbt=why)

    def why_dbt(self, node: DbtNode) -> str:
        """Return why dbt must execute a node; empty if its statements can be generated."""
        kind = _kind_of(node)
        if self._plain:
            return "--plain"
        if kind is None:
            what = node.materialized if node.resource_type is ResourceType.MODEL else node.resource_type
            return str(what).replace("_", " ")
        if (
            kind is GeneratedKind.TEST
            and self._stores_failures
            and node.definition.config.get("store_failures") is not False
        ):
            return "it stores its failures"
        return self._of_target or self._of_macros(kind) or _of_node(node, kind) or self._of_place(node)

    @cached_property
    def _of_target(self) -> str:
        target = self._target
        if target.adapter != "duckdb" or target.is_for_dbt_alone or not (target.is_file or target.path == ":memory:"):
            return "the target is not a DuckDB file of this process"
        return f"the profile has {target.only_dbt_executes}" if target.only_dbt_executes else ""

    def _of_place(self, node: DbtNode) -> str:
        if node.database != self._target.database:
            return f"the database {node.database} is attached"
        if node.resource_type is ResourceType.TEST:
            return ""
        place = node.placed
        if place is None or place.database is None or '"' in f"{place.database}{place.schema}{place.identifier}":
            return "its name needs dbt's quoting"
        plain = Place(database=place.database, schema=place.schema, identifier=place.identifier).beside("")
        return "" if node.relation_name == plain else "its name needs dbt's quoting"

    def _of_macros(self, kind: GeneratedKind) -> str:
        """Return which macro is not one of dbt's whose text is known; empty if all that can run are."""
        found = self._stock.get(kind)
        if found is None:
            found = self._stock[kind] = self._foreign_macro(kind)
        return found

    def _foreign_macro(self, kind: GeneratedKind) -> str:
        macros, name = self._manifest.macros, _MATERIALIZATIONS[kind]
        reached = [macro.unique_id for macro in macros.values() if macro.name == name and is_of_dbt(macro.package)]
        if not reached:
            return f"dbt has no {name}"
        for one in reached:  # grows
            macro = macros[one]
            if not (is_of_dbt(macro.package) and is_stock(macro.name, macro.package, macro.code)):
                return f"the macro {macro.name} is not one that is known"
            reached += [called for called in macro.macros if called in macros and called not in reached]
        names = {_called_as(macros[one].name) for one in reached}
        kinds = tuple(f"materialization_{kind}_{end}" for end in ("default", "duckdb"))
        for macro in macros.values():
            overrides = macro.name in kinds or not names.isdisjoint({macro.name, macro.name.partition("__")[2]})
            if overrides and not is_of_dbt(macro.package):
                return f"the project overrides the macro {macro.name}"
        return ""


def is_of_dbt(package: str) -> bool:
    """Return whether a macro's package is dbt's or that of its adapter for DuckDB."""
    return package in {"dbt", "dbt_duckdb"}


def _called_as(name: str) -> str:
    for prefix in _DISPATCHED:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _asks_as(node: DbtNode) -> str:
    """Return the name of a node's materialization, as dbt calls that of unit tests."""
    return "unit" if node.resource_type is ResourceType.UNIT_TEST else node.materialized or ""


def _kind_of(node: DbtNode) -> GeneratedKind | None:
    if node.resource_type is ResourceType.TEST:
        return GeneratedKind.TEST if node.materialized == "test" else None
    is_model = node.resource_type is ResourceType.MODEL and node.materialized in {
        GeneratedKind.VIEW,
        GeneratedKind.TABLE,
    }
    return GeneratedKind(node.materialized or "") if is_model else None


def _of_node(node: DbtNode, kind: GeneratedKind) -> str:
    """Return what in a node's code or configuration changes how dbt executes it; empty if nothing does."""
    config = node.definition.config
    if kind is GeneratedKind.TEST:
        config = {key: value for key, value in config.items() if key not in _COUNTS_ROWS or _COUNTS_ROWS[key] != value}
    return _of_code(node) or _of_config(config, _READ_HERE.get(kind, _NEVER_READ))


def _of_code(node: DbtNode) -> str:
    if node.definition.language != "sql":
        return f"it is written in {node.definition.language}"
    return "it has versions" if node.version is not None else ""


def _of_config(config: Mapping[str, object], neutral: frozenset[str]) -> str:
    for key, value in config.items():
        is_off = key == "contract" and isinstance(value, Mapping) and not value.get("enforced")
        if value and key not in neutral and not is_off:
            return f"its configuration has {key}"
    return ""
