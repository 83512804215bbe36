"""Which keys of dbt's configuration are no part of a fingerprint, and why; docs/reuse.md has the same table."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from orchestrator.reuse.fingerprints.digest import digest_of

INSIDE = frozenset(
    {
        *("materialized", "incremental_strategy", "unique_key", "on_schema_change", "on_configuration_change"),
        *("full_refresh", "batch_size", "lookback", "begin", "event_time", "quoting", "column_types", "delimiter"),
        *("quote_columns", "grants", "packages", "indexes", "strategy", "updated_at", "check_cols"),
        *("snapshot_meta_column_names", "dbt_valid_to_current", "target_schema", "target_database"),
        *("severity", "where", "limit", "fail_calc", "warn_if", "error_if", "store_failures", "store_failures_as"),
        *("expected_rows", "expected_sql", "runtime_version", "entry_point", "volatility", "type"),
        "unlogged",
    }
)
"""The keys of dbt and its adapters that are known to affect a result; a key that nobody knows is treated as these."""

ELSEWHERE = {
    "alias": "relation",
    "schema": "relation",
    "database": "relation",
    "pre-hook": "hook",
    "post-hook": "hook",
    "pre_hook": "hook",
    "post_hook": "hook",
    "contract": "contract",
    "persist_docs": "docs",
    "meta": "config:meta.elt",
}
"""Keys that stand in a part of another name."""

OUTSIDE = {
    "enabled": "a node that is disabled is not there",
    "tags": "only selection reads them",
    "group": "who may refer to a node, and who owns it",
    "access": "who may refer to a node",
    "docs": "how the documentation shows a node",
    "static_analysis": "another engine of dbt reads it",
    "freshness": "dbt's paid scheduler reads it",
    "concurrent_batches": "how batches run, not what they leave",
}
"""Keys that affect no result, with the reason."""

_UNSET: tuple[object, ...] = (None, {}, [])


def config_parts(config: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Give a part for each key that affects the result and is set; keys that nobody knows are among them."""
    for key, value in config.items():
        if key in OUTSIDE or key in ELSEWHERE or value in _UNSET:
            continue
        if isinstance(value, str):
            yield f"config:{key}", _text_digest(value.lower() if key == "severity" else value)
        else:
            yield f"config:{key}", digest_of([value])
    ours = config.get("meta")
    if isinstance(ours, Mapping) and ours.get("elt"):
        yield "config:meta.elt", digest_of(ours["elt"])


def hooks_of(config: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    """Give the hooks of a node with their key, in the order in which they run."""
    found = []
    for key in ("pre-hook", "pre_hook", "post-hook", "post_hook"):
        hooks = config.get(key)
        found += [(key.replace("_", "-"), hook) for hook in (hooks if isinstance(hooks, list) else [])]
    return tuple(found)


def declared_volatile(config: Mapping[str, object]) -> bool | None:
    """Give what `meta.elt.volatile` says; None when it says nothing."""
    meta = config.get("meta")
    ours = meta.get("elt") if isinstance(meta, Mapping) else None
    said = ours.get("volatile") if isinstance(ours, Mapping) else None
    return said if isinstance(said, bool) else None


@lru_cache(maxsize=4096)
def _text_digest(value: str) -> str:
    return digest_of([value])
