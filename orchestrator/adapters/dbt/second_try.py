"""Makes a node that dbt has run before ready to be run again in the same process, as if it had not been.

A process of dbt's runs each node once: a second run finds what the first one left in the node and in the cache.
"""

from typing import Any

_OF_MATERIALIZATIONS = "__dbt"
"""In front of what a materialization adds to the name of a relation that it makes for a while."""


def forget_compiled(node: Any) -> None:  # noqa: ANN401  # dbt's node
    """Let dbt compile the node anew: it would pass over the ephemeral models that it has put in before."""
    if getattr(node, "extra_ctes_injected", False):
        node.extra_ctes_injected = False
        node.extra_ctes = []
        node.compiled = False


def keep_done_batches(node: Any, result: Any, *, full_refresh: bool) -> None:  # noqa: ANN401  # dbt's own
    """Let a microbatch model run the batches that are left, as `dbt retry` does; with a full refresh all of them.

    A full refresh makes the table anew with the first batch, and would drop those that are done.
    """
    batches = getattr(result, "batch_results", None)
    if batches is not None and batches.successful and not full_refresh:
        node.previous_batch_results = batches


def look_again(adapter: Any, node: Any) -> None:  # noqa: ANN401  # dbt's adapter and node
    """Put what stands of the node into the adapter's cache: what was rolled back is still noted there.

    Whatever else is cached is left alone: others are at work with it.
    """
    if not getattr(node, "alias", None) or not getattr(node, "schema", None):
        return
    schema = adapter.Relation.create(database=node.database, schema=node.schema)
    with adapter.connection_named("master"):
        standing = adapter.list_relations_without_caching(schema.without_identifier())
    own = [relation for relation in standing if _belongs(relation.identifier, node.alias)]
    with adapter.cache.lock:
        before = dict(adapter.cache.relations)
        for cached in before.values():
            relation = cached.inner
            if _is_in(relation, node) and _belongs(relation.identifier, node.alias):
                adapter.cache.drop(relation)
        for key, cached in before.items():  # dropping takes with it what is built upon
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
    """Whether a relation is the node's own, or one that its materialization made for a while."""
    name, own = str(identifier or "").lower(), alias.lower()
    return name == own or name.startswith(own + _OF_MATERIALIZATIONS)
