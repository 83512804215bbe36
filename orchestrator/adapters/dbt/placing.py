"""Moves the nodes of a parsed project to the schemas of a placement, in dbt's manifest in memory.

dbt has saved its parse by then, so later commands without a prefix find it unchanged. Everything that dbt does with a
node afterwards uses its schema: ref(), {{ this }}, tests, hooks, the schemas that it creates, its relation cache, and
the artifacts. No macro of the project is called for it, so a project's own generate_schema_name works alike.
"""

from collections.abc import Collection, Iterator
from typing import Any

from orchestrator.adapters.dbt.bridge.access import keep_unmodified
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.prefix import Placement

_ELSEWHERE = ("plugin", "glue_register")
"""Options of external models of dbt-duckdb that also write something outside of the database, under one name."""


def place_nodes(manifest: Any, config: Any, placement: Placement) -> dict[NodeId, str]:  # noqa: ANN401  # dbt's own
    """Move every node that dbt writes; return the nodes that cannot be moved, each with the reason.

    The schema of the target is moved too: SQL that names `target.schema` means the place where the project builds.
    """
    unmoved: dict[NodeId, str] = {}
    config.credentials.schema = placement.schema(config.credentials.schema)
    for node in _written(manifest):
        node.schema = placement.schema(node.schema)
        # Ephemeral models have no relation, nor do tests that store nothing.
        if getattr(node, "relation_name", None):
            node.relation_name = _rendered(config, node)
        if getattr(node, "resource_type", None) == "model" and node.config.materialized == "external":
            reason = _move_file(node, config, placement)
            unmoved |= {node.unique_id: reason} if reason else {}
    for model in manifest.semantic_models.values():
        _follow(model, manifest.nodes.get(next(iter(model.depends_on.nodes), "")))
    # Templates read `graph` from this copy, which was made before the move.
    manifest.build_flat_graph()
    return unmoved


def target_schema(adapter: Any, placement: Placement) -> frozenset[Any]:  # noqa: ANN401  # as above
    """Return the moved schema of the target, which must be created: hooks use it, even if no node is in it."""
    credentials = adapter.config.credentials
    relation = adapter.Relation.create(database=credentials.database, schema=credentials.schema)
    return frozenset({relation}) if placement.prefix else frozenset()


def place_sources(manifest: Any, config: Any, placement: Placement, sources: Collection[NodeId]) -> None:  # noqa: ANN401  # dbt's own
    """Let dbt read these sources from prefixed schemas."""
    for source in (manifest.sources[one] for one in sources):
        declared, source.schema = source.schema, placement.schema(source.schema)
        keep_unmodified(source, declared)
        source.relation_name = _rendered(config, source)
    manifest.build_flat_graph()


def _written(manifest: Any) -> Iterator[Any]:  # noqa: ANN401  # as above
    """Yield the nodes of this project and its packages; those that a plugin adds from other projects are only read."""
    for section in (manifest.nodes, manifest.unit_tests, manifest.functions):
        yield from (node for node in section.values() if not getattr(node, "is_external_node", False) and node.schema)


def _rendered(config: Any, node: Any) -> str:  # noqa: ANN401  # as above
    """Return the relation of a node or source as dbt's parser writes it."""
    from dbt.adapters.factory import get_adapter

    return str(get_adapter(config).Relation.create_from(config, node))


def _follow(model: Any, node: Any) -> None:  # noqa: ANN401  # as above
    """Let a semantic model refer to the moved relation of its model."""
    if model.node_relation is not None and node is not None:
        model.node_relation.schema_name = node.schema
        model.node_relation.relation_name = node.relation_name


def _move_file(node: Any, config: Any, placement: Placement) -> str:  # noqa: ANN401  # as above
    """Add the prefix to the file or folder of an external model; return why it cannot be added."""
    for option in _ELSEWHERE:
        if node.config.get(option):
            return f"its option {option} writes outside of the database"
    location = node.config.get("location")
    if location is None:
        is_folder = (node.config.get("options") or {}).get("partition_by") is not None
        suffix = "" if is_folder else f".{node.config.get('format') or 'parquet'}"
        location = f"{getattr(config.credentials, 'external_root', '.')}/{node.alias}{suffix}"
    folder, slash, name = str(location).rstrip("/").rpartition("/")
    # A template is rendered only when the model runs, so a prefix can be put only before literal text.
    if name.startswith("{") or folder.count("{") != folder.count("}"):
        return f"the name of its file is not known before it runs: location='{location}'"
    node.config["location"] = f"{folder}{slash}{placement.prefix}{name}"
    return ""
