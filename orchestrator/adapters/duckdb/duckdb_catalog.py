"""Reads the functions, settings and attached databases of a DuckDB instance."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from orchestrator.adapters.sql_words import quoted
from orchestrator.reuse.facts import StoredFunction

FUNCTIONS = """
select lower(function_name), function_type, database_name, schema_name, parameters, macro_definition
from duckdb_functions() where not internal
union all
select lower(type_name), 'type', database_name, schema_name, []::varchar[], null from duckdb_types() where not internal
order by all
"""
"""Python functions count as internal: they come with a plugin of the profile, not with the database."""

SETTINGS = "select name, value from duckdb_settings()"

ATTACHED = """
select database_name, type, path from duckdb_databases()
where not internal and database_name <> current_database() order by 1
"""

_WITHOUT_EFFECT: Mapping[str, str] = {
    "resources: how fast, how much memory and disk, in which order work is done": (
        "allocator_background_threads allocator_bulk_deallocation_flush_threshold allocator_flush_threshold "
        "async_threads block_allocator_memory external_threads max_memory memory_limit max_temp_directory_size "
        "operator_memory_limit pin_threads scheduler_process_partial temp_directory temp_file_encryption threads "
        "worker_threads max_streaming_buffer_size streaming_buffer_size http_client_pool_capacity read_ahead_depth"
    ),
    "how data lie on disk, and when they are written": (
        "auto_checkpoint_skip_wal_threshold checkpoint_on_detach checkpoint_threshold wal_autocheckpoint "
        "wal_autocheckpoint_entries default_block_size disabled_compression_methods enable_fsst_vectors "
        "enable_optimistic_write experimental_metadata_reuse force_column_metadata_reuse force_compression "
        "fsync_mode geometry_minimum_shredding_size initial_column_segment_size max_vacuum_tasks "
        "partitioned_write_flush_threshold partitioned_write_max_open_files storage_block_prefetch "
        "storage_compatibility_version variant_minimum_shredding_size write_buffer_row_group_count "
        "write_buffer_row_group_memory_limit zstd_min_string_length immediate_transaction_mode"
    ),
    "caches of files": (
        "cache_local_files disable_parquet_prefetching enable_external_file_cache enable_http_metadata_cache "
        "external_file_cache_local_max_block_size external_file_cache_remote_max_block_size "
        "external_file_cache_remote_min_block_size external_file_cache_request_sizing external_file_cache_spill "
        "parquet_metadata_cache parquet_prefetch_column_gap prefetch_all_parquet_files "
        "validate_external_file_cache"
    ),
    "where extensions and secrets are, and who may load them; that an extension is loaded shows in what is called": (
        "allow_community_extensions allow_extension_repositories allow_extensions_metadata_mismatch "
        "allow_persistent_secrets allow_unredacted_secrets allow_unsigned_extensions "
        "autoinstall_extension_repository autoinstall_known_extensions autoload_known_extensions "
        "custom_extension_repository default_secret_storage extension_directories extension_directory "
        "extension_repository_directory home_directory secret_directory"
    ),
    "the network and the name of the client": (
        "custom_user_agent duckdb_api http_proxy http_proxy_password http_proxy_username password user username"
    ),
    "logs, profiles, progress and the wording of errors": (
        "catalog_error_max_schemas enable_http_logging enable_logging enable_profiling enable_progress_bar "
        "enable_progress_bar_print enabled_log_types disabled_log_types errors_as_json explain_output "
        "http_logging_output log_query_path logging_level logging_mode logging_storage profile_output "
        "profiling_coverage profiling_mode profiling_output profiling_renderer_settings progress_bar_time "
        "redact_http_logs tracked_metrics show_behavior"
    ),
    "what may be done, and for how long: it fails or it has the same result": (
        "access_mode allowed_configs allowed_directories allowed_paths disabled_filesystems enable_external_access "
        "lock_configuration max_execution_time max_expression_depth"
    ),
    "for tests of DuckDB itself": ("debug_checkpoint_scan_sleep_ms disable_database_invalidation"),
}
"""Settings that do not change results, by the reason. All other settings count, including those of later versions."""
_NO_EFFECT_ON_RESULTS = frozenset(name for names in _WITHOUT_EFFECT.values() for name in names.split())

_SECRET = ("secret", "password", "token", "key_id", "api_key", "credential")


def stored_functions(
    rows: Iterable[Sequence[Any]], binds: Callable[[str], bool] = lambda _call: False
) -> dict[str, StoredFunction]:
    """Convert the answer to FUNCTIONS: all overloads of a name in all schemas and databases are one function.

    `binds` returns whether a call may be valid. A macro that can be called without all of its parameters has defaults.
    The catalog does not show them, so its definition is unknown. If another overload takes the shorter call, DuckDB
    refuses the call as ambiguous, so defaults do not matter.
    """
    rows = list(rows)
    counts: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for name, _, database, schema, parameters, _ in rows:
        counts[database, schema, name].add(len(parameters or ()))
    texts: dict[str, list[str | None]] = defaultdict(list)
    bodies: dict[str, list[str]] = defaultdict(list)
    tables = set()
    for name, kind, database, schema, parameters, definition in rows:
        if kind == "table_macro":
            tables.add(name)
        known = definition is not None and kind in {"macro", "table_macro"}
        if known and parameters and len(parameters) - 1 not in counts[database, schema, name]:
            target = ".".join(quoted(part) for part in (database, schema, name))
            call = f"{target}({', '.join(['null'] * (len(parameters) - 1))})"
            known = not binds(f"from {call}" if kind == "table_macro" else f"select {call}")
        texts[name].append(f"({', '.join(parameters)}) as {definition}" if known else None)
        bodies[name] += [definition] if known else []
    return {
        name: StoredFunction(
            definition=None if None in found else "\n".join(dict.fromkeys(text for text in found if text is not None)),
            is_table=name in tables,
            bodies=() if None in found else tuple(dict.fromkeys(bodies[name])),
        )
        for name, found in texts.items()
    }


def result_settings(
    session: Iterable[tuple[str, Any]], fresh: Iterable[tuple[str, Any]], profile: Mapping[str, Any]
) -> dict[str, str]:
    """Return the settings that can change results.

    Settings that a `fresh` instance lacks belong to extensions. When these are loaded varies, so such settings are
    taken from the `profile`.
    """
    known = {name for name, _ in fresh}
    options = {name.lower(): str(value) for name, value in profile.items()}
    found = {
        name: "" if value is None else str(value)
        for name, value in session
        if name in known and name not in _NO_EFFECT_ON_RESULTS
    }
    lower = {name.lower() for name in known}
    extensions = {
        name: value
        for name, value in options.items()
        if name not in lower and name not in _NO_EFFECT_ON_RESULTS and not any(word in name for word in _SECRET)
    }
    return found | extensions
