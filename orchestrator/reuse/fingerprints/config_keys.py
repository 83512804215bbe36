"""Lists the keys of dbt's configuration that are not part of a fingerprint, and why. docs/reuse.md has the same tables.

Every key, even an unknown one, is part of the fingerprint unless it is listed here with a reason.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from orchestrator.reuse.fingerprints.digest import digest_of

INSIDE = {
    "materialized": "a view, a table or something else",
    "incremental_strategy": "how new rows meet old ones",
    "unique_key": "how new rows meet old ones",
    "on_schema_change": "how new rows meet old ones",
    "incremental_predicates": "how new rows meet old ones",
    "predicates": "how new rows meet old ones",
    "merge_update_columns": "how new rows meet old ones",
    "merge_exclude_columns": "how new rows meet old ones",
    "merge_clauses": "how new rows meet old ones",
    "full_refresh": "whether a full refresh applies to it",
    "batch_size": "which rows a batch takes",
    "lookback": "which rows a batch takes",
    "begin": "which rows a batch takes",
    "event_time": "which rows a batch or a sample takes",
    "concurrent_batches": "a batch may read what the one before it wrote",
    "strategy": "what a snapshot takes for a change",
    "updated_at": "what a snapshot takes for a change",
    "check_cols": "what a snapshot takes for a change",
    "hard_deletes": "what a snapshot does with rows that are gone",
    "invalidate_hard_deletes": "what a snapshot does with rows that are gone",
    "snapshot_meta_column_names": "the columns that a snapshot adds",
    "snapshot_table_column_names": "the columns that a snapshot adds",
    "dbt_valid_to_current": "the columns that a snapshot adds",
    "target_schema": "where a snapshot is",
    "target_database": "where a snapshot is",
    "on_configuration_change": "what becomes of a materialized view",
    "quoting": "which relation a name means",
    "column_types": "how a seed's file is read",
    "delimiter": "how a seed's file is read, or an external file written",
    "quote_columns": "how a seed's file is read",
    "fast": "how a seed's file is read",
    "grants": "who may read the result",
    "packages": "what Python code runs with",
    "runtime_version": "what Python code runs with",
    "entry_point": "what Python code runs with",
    "submission_method": "where Python code runs",
    "type": "what sort of function it is",
    "volatility": "what sort of function it is",
    "sql_header": "SQL that runs before the statement",
    "latest_version_pointer": "whether a view is made besides",
    "snowflake": "what sort of function it is",
    "indexes": "how the database keeps it",
    "unlogged": "how the database keeps it",
    "partitioned_by": "how the database keeps it",
    "partition_by": "how the database keeps it",
    "sorted_by": "how the database keeps it",
    "sort_by": "how the database keeps it",
    "location": "which file is written, and how",
    "format": "which file is written, and how",
    "options": "which file is written, and how",
    "partition_columns": "which file is written, and how",
    "parquet_read_options": "how the written file is read again",
    "csv_read_options": "how the written file is read again",
    "json_read_options": "how the written file is read again",
    "plugin": "what else receives the rows, or delivers them",
    "plugin_config": "what else receives the rows, or delivers them",
    "overrides": "what else receives the rows, or delivers them",
    "glue_register": "what else receives the rows, or delivers them",
    "glue_database": "what else receives the rows, or delivers them",
    "temp_schema_name": "where intermediate tables are, which code may read",
    "where": "which rows a test counts",
    "limit": "which rows a test counts",
    "fail_calc": "which rows a test counts",
    "severity": "what a test says of the count",
    "warn_if": "what a test says of the count",
    "error_if": "what a test says of the count",
    "store_failures": "whether a test keeps its rows",
    "store_failures_as": "whether a test keeps its rows",
    "expected_rows": "what a unit test expects",
    "expected_sql": "what a unit test expects",
}
"""The keys of dbt and its adapters that are known to affect a result. Keys on no list are treated the same way."""

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
"""Keys that a part with another name covers."""

OUTSIDE = {
    "enabled": "a disabled node does not exist",
    "tags": "only selection reads them",
    "group": "who may refer to a node, and who owns it",
    "access": "who may refer to a node",
    "docs": "how the documentation shows a node",
    "static_analysis": "another engine of dbt reads it",
    "freshness": "when a result is reused, not what it is",
    "state": "when a result is reused, not what it is",
    "on_error": "what runs after an error of the node, not what it leaves",
}
"""Keys that do not affect results, with the reason. A text that reads the node's own entry still sees them."""

OUTSIDE_OURS = {
    "repeats": "how often a step is tried",
    "time_limit": "how long a step may take",
    "volatile": "whether a result is reused, not what it is",
    "deterministic": "whether a result is reused, not what it is",
    "freshness_policy": "when a result is reused, not what it is",
    "pool": "when a step starts",
    "priority": "when a step starts",
}
"""Keys of `meta.elt` that do not affect results, with the reason."""

_UNSET: dict[str, object] = {
    **dict.fromkeys(("batch_size", "begin", "check_cols", "concurrent_batches", "dbt_valid_to_current", "entry_point")),
    **dict.fromkeys(("event_time", "expected_sql", "full_refresh", "incremental_strategy", "limit", "quote_columns")),
    **dict.fromkeys(("runtime_version", "store_failures", "store_failures_as", "strategy", "target_database")),
    **dict.fromkeys(("target_schema", "unique_key", "updated_at", "volatility", "where")),
    "sql_header": None,
    "latest_version_pointer": {"alias": None, "enabled": None},
    "snowflake": {"quote_args": True},
    "column_types": {},
    "expected_rows": [],
    "grants": {},
    "packages": [],
    "quoting": {},
}
"""The values of dbt's own keys when they are not set. Any other key is present only if it was set, even to null."""


def set_keys(config: Mapping[str, object]) -> dict[str, object]:
    """Return the keys that are set. Which other keys dbt writes into a node depends on its release."""
    return {key: value for key, value in config.items() if not _is_unset(key, value)}


def _is_unset(key: str, value: object) -> bool:
    """Return whether this is one of the keys that dbt writes into every node, with the value that means unset."""
    return key in _UNSET and value == _UNSET[key]


def config_parts(config: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield a part for each key that affects the result and is set."""
    for key, value in config.items():
        if key in OUTSIDE or key in ELSEWHERE or _is_unset(key, value):
            continue
        if isinstance(value, str):
            # dbt ignores the case of a severity. Most values are short texts that many nodes share, so their digests
            # are kept.
            yield f"config:{key}", _text_digest(value.lower() if key == "severity" else value)
        else:
            yield f"config:{key}", digest_of([value])
    ours = {key: value for key, value in _ours(config).items() if key not in OUTSIDE_OURS}
    if ours:
        yield "config:meta.elt", digest_of(ours)


def hooks_of(config: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    """Return the hooks of a node with their key, in the order in which they run."""
    found = []
    for key in ("pre-hook", "pre_hook", "post-hook", "post_hook"):  # dbt accepts both spellings
        hooks = config.get(key)
        found += [(key.replace("_", "-"), hook) for hook in _listed(hooks)]
    return tuple(found)


def declared_volatile(config: Mapping[str, object]) -> bool | None:
    """Return the value of `meta.elt.volatile`; None if it is not set."""
    declared = _ours(config).get("volatile")
    return declared if isinstance(declared, bool) else None


def declared_deterministic(config: Mapping[str, object]) -> bool:
    """Return whether `meta.elt.deterministic` declares a node deterministic although it is not understood."""
    return _ours(config).get("deterministic") is True


def _ours(config: Mapping[str, object]) -> Mapping[str, object]:
    meta = config.get("meta")
    ours = meta.get("elt") if isinstance(meta, Mapping) else None
    return ours if isinstance(ours, Mapping) else {}


def _listed(hooks: object) -> list[object]:
    match hooks:
        case None | "":
            return []
        case list() | tuple():
            return list(hooks)
        case _:
            return [hooks]


@lru_cache(maxsize=4096)
def _text_digest(value: str) -> str:
    return digest_of([value])
