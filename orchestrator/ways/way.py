"""Decides which nodes are executed with generated statements, and why the others are left to dbt."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId, node_of
from orchestrator.reuse.fingerprints.stock_macros import is_stock
from orchestrator.ways.generated_sql import GeneratedKind, Place

_MATERIALIZATIONS = {
    GeneratedKind.VIEW: "materialization_view_default",
    GeneratedKind.TABLE: "materialization_table_duckdb",
    GeneratedKind.TEST: "materialization_test_default",
}
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
_EXECUTED = frozenset(
    {
        *(ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT, ResourceType.FUNCTION),
        *(ResourceType.TEST, ResourceType.UNIT_TEST),
    }
)
"""The types of nodes that do something in the database."""
_COUNTS_ROWS = {"fail_calc": "count(*)", "limit": None}


class Ways:
    """Says of each node of a project by whose statements it is executed."""

    def __init__(
        self, manifest: Manifest, target: Target, *, stores_failures: bool = False, plain: bool = False
    ) -> None:
        """Set what decides.

        `stores_failures` says that data tests keep the rows that they find unless they are configured otherwise, and
        `plain` that dbt executes every node.
        """
        self._plain = plain
        self._stores_failures = stores_failures
        self._manifest = manifest
        self._target = target
        self._stock: dict[GeneratedKind, str] = {}

    def generated(self, nodes: Iterable[NodeId]) -> Mapping[NodeId, GeneratedKind]:
        """Return which of the nodes are executed with generated statements, and of what kind they are."""
        found = {}
        for one in nodes:
            node = self._manifest.nodes.get(one)
            if node is not None and (kind := _kind_of(node)) is not None and not self.why_dbt(node):
                found[one] = kind
        return found

    def reasons(self, plan: Plan) -> Mapping[StepId, str]:
        """Return why dbt executes a node, for each step that executes one; empty if its statements are generated."""
        nodes = ((step.id, self._manifest.nodes[node]) for step in plan.steps if (node := node_of(step)) is not None)
        return {
            step: self.why_dbt(node)
            for step, node in nodes
            if node.resource_type in _EXECUTED and not node.is_ephemeral
        }

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
        return self._of_target or self._of_macros(kind) or _of_node(node, kind) or self._of_place(node, kind)

    @cached_property
    def _of_target(self) -> str:
        target = self._target
        if target.adapter != "duckdb" or target.is_for_dbt_alone or not (target.is_file or target.path == ":memory:"):
            return "the target is not a DuckDB file of this process"
        return f"the profile has {target.only_dbt_executes}" if target.only_dbt_executes else ""

    def _of_place(self, node: DbtNode, kind: GeneratedKind) -> str:
        if node.database != self._target.database:
            return f"the database {node.database} is attached"
        if kind is GeneratedKind.TEST:
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


def _kind_of(node: DbtNode) -> GeneratedKind | None:
    if node.resource_type is ResourceType.TEST:
        return GeneratedKind.TEST if node.materialized == "test" else None
    is_model = node.resource_type is ResourceType.MODEL and node.materialized in {
        GeneratedKind.VIEW,
        GeneratedKind.TABLE,
    }
    return GeneratedKind(node.materialized or "") if is_model else None


def _of_node(node: DbtNode, kind: GeneratedKind) -> str:
    """Return what in a node's configuration changes how dbt executes it; empty if nothing does."""
    if node.definition.language != "sql":
        return f"it is written in {node.definition.language}"
    if node.version is not None:
        return "it has versions"
    neutral = _READ_HERE.get(kind, _NEVER_READ)
    for key, value in node.definition.config.items():
        if key in neutral or not value:
            continue
        if key == "contract" and isinstance(value, Mapping) and not value.get("enforced"):
            continue
        if kind is GeneratedKind.TEST and _COUNTS_ROWS.get(key) == value:
            continue
        return f"its configuration has {key}"
    return ""
