"""Prepares a node that dbt has already run for another attempt in the same process.

A dbt process normally runs each node once: a second attempt would see what the first one left in the node and in the
cache.
"""

from typing import Any

_OF_MATERIALIZATIONS = "__dbt"
"""Prefix of what a materialization adds to the name of its temporary relations."""


def forget_compiled(node: Any) -> None:  # noqa: ANN401  # dbt's node
    """Make dbt compile the node again; it would otherwise not insert the ephemeral models a second time."""
    if getattr(node, "extra_ctes_injected", False):
        node.extra_ctes_injected = False
        node.extra_ctes = []
        node.compiled = False


def keep_done_batches(node: Any, result: Any, *, full_refresh: bool) -> None:  # noqa: ANN401  # dbt's own
    """Make a microbatch model run only the remaining batches, as `dbt retry` does; with a full refresh all of them.

    A full refresh makes the first batch rebuild the table, which would drop the batches that are done.
    """
    batches = getattr(result, "batch_results", None)
    if batches is not None and batches.successful and not full_refresh:
        node.previous_batch_results = batches


def look_again(adapter: Any, node: Any) -> None:  # noqa: ANN401  # dbt's adapter and node
    """Refresh the node's own entries in the adapter's cache: it still has relations that were rolled back.

    Other entries are not changed, because other threads use them.
    """
    if not getattr(node, "alias", None) or not getattr(node, "schema", None):
        return
    schema = adapter.Relation.create(database=node.database, schema=node.schema)
    with adapter.connection_named("master"):
        last_success = adapter.list_relations_without_caching(schema.without_identifier())
    own = [relation for relation in last_success if _belongs(relation.identifier, node.alias)]
    with adapter.cache.lock:
        # A copy, because `drop` removes entries.
        before = dict(adapter.cache.relations)
        for cached in before.values():
            relation = cached.inner
            if _is_in(relation, node) and _belongs(relation.identifier, node.alias):
                adapter.cache.drop(relation)
        for key, cached in before.items():  # dropping an entry also drops those of its dependents
            if key not in adapter.cache.relations and not (
                _is_in(cached.inner, node) and _belongs(cached.identifier, node.alias)
            ):
                adapter.cache.add(cached.inner)
        for relation in own:
            adapter.cache.add(relation)


def _is_in(relation: Any, node: Any) -> bool:  # noqa: ANN401  # dbt's own
    same_schema = str(relation.schema or "").lower() == str(node.schema).lower()
    return same_schema and str(relation.database or "").lower() in {str(node.database or "").lower(), ""}


def _belongs(identifier: str | None, alias: str) -> bool:
    """Return whether a relation is the node's own, or a temporary one of its materialization."""
    name, own = str(identifier or "").lower(), alias.lower()
    return name == own or name.startswith(own + _OF_MATERIALIZATIONS)
