"""Reads what can change results besides the nodes of an open session: vars, target, flags, settings."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.plugin_code import plugin_code
from orchestrator.adapters.dbt.session import DbtSession
from orchestrator.nodes.dbt_flags import DbtFlags
from orchestrator.reuse.fingerprints.surroundings import DbtSurroundings

CHANGES_EACH_TIME = frozenset(
    {
        "INVOCATION_COMMAND",  # the command as typed, with its selection
    }
)
"""Flags whose value differs from run to run: a text that reads one gives another result each time."""

_LIMITING = ("EMPTY", "SAMPLE", "EVENT_TIME_START", "EVENT_TIME_END", "STORE_FAILURES")

_NO_EFFECT = frozenset(
    {
        *("cache_selected_only", "populate_cache", "introspect"),  # what dbt queries beforehand
        *("debug", "quiet", "print", "printer_width", "use_colors", "use_colors_file", "write_json"),  # output
        *("log_format", "log_format_file", "log_level", "log_level_file", "log_path", "log_cache_events"),
        *("log_file_max_bytes", "record_timing_info", "show_all_deprecations", "send_anonymous_usage_stats"),
        *("partial_parse", "static_parser", "use_experimental_parser", "version_check"),  # how the project is parsed
        *("fail_fast", "indirect_selection", "warn_error", "warn_error_options"),  # what runs, and how it is reported
        *("skip_nodes_if_on_run_start_fails", "source_freshness_run_project_hooks"),
        *("state_modified_compare_more_unrendered_values", "state_modified_compare_vars"),
        *(
            "require_resource_names_without_spaces",
            "require_yaml_configuration_for_mf_time_spines",
        ),  # errors of parsing
        *("require_nested_cumulative_type_params", "validate_macro_args", "require_unique_project_resource_names"),
        *("require_all_warnings_handled_by_warn_error", "require_event_names_in_deprecations"),
        *("enable_grouped_warn_error_parser_logs", "require_source_and_semantic_model_names_without_spaces"),
        "hints_enabled",
    }
)
"""Keys under `flags:` of dbt_project.yml that change no result."""


def dbt_surroundings(session: DbtSession) -> DbtSurroundings:
    """Return the surroundings of the nodes of an open session."""
    plugins = plugin_code(session)
    return DbtSurroundings(
        vars=vars_by_package(session),
        target=shown_target(session),
        flags=readable_flags(),
        started_at=started_at(),
        limits=limiting_flags(session),
        settings=settings_of_all(session),
        connection=connection_settings(session),
        plugin_code=plugins.digest,
        plugins_not_found=plugins.not_found,
        changing_flags=CHANGES_EACH_TIME,
    )


def flags_of(session: DbtSession) -> DbtFlags:
    """Return the options of an open session."""
    flags = vars(session.flags)
    options = flags.get("WARN_ERROR_OPTIONS")

    def is_set(name: str) -> bool:  # each command has only the flags that it takes
        return bool(flags.get(name))

    return DbtFlags(
        profiles_dir=Path(str(flags["PROFILES_DIR"])),
        vars=dict(flags.get("VARS") or {}),
        fail_fast=is_set("FAIL_FAST"),
        full_refresh=is_set("FULL_REFRESH"),
        empty=is_set("EMPTY"),
        sample=str(flags.get("SAMPLE") or ""),
        event_time_start=str(flags.get("EVENT_TIME_START") or ""),
        event_time_end=str(flags.get("EVENT_TIME_END") or ""),
        defer=is_set("DEFER"),
        store_failures=is_set("STORE_FAILURES"),
        warns_are_errors=is_set("WARN_ERROR") or (options is not None and options.includes("LogTestResult")),
        skip_nodes_if_on_run_start_fails=is_set("skip_nodes_if_on_run_start_fails"),
        source_freshness_run_project_hooks=is_set("source_freshness_run_project_hooks"),
    )


def vars_by_package(session: DbtSession) -> dict[str, dict[str, object]]:
    """Return the vars that the nodes of each package see: the command line's, then the project's, then its own."""
    config = session.config
    adapter = config.credentials.type
    found: dict[str, dict[str, object]] = {}
    for name, project in config.load_dependencies().items():
        lookup = _Package(name)
        own, active = project.vars.vars_for(lookup, adapter), config.vars.vars_for(lookup, adapter)
        # Not those that nothing reads: a node that computes the names of vars would otherwise depend on all of them.
        given = {var: value for var, value in config.cli_vars.items() if var not in session.unread_vars}
        found[name] = {**dict(own), **dict(active), **given}
    return found


def shown_target(session: DbtSession) -> dict[str, object]:
    """Return what Jinja's `target` shows of the connection, including the number of threads."""
    return dict(session.config.to_target_dict())


def readable_flags() -> dict[str, str]:
    """Return every flag that a text can read as `flags.NAME`, with its value as text."""
    from dbt.flags import get_flag_obj

    return {name: str(value) for name, value in sorted(vars(get_flag_obj()).items())}


def started_at() -> datetime:
    """Return when dbt's invocation began; the batches of microbatch models end there."""
    from dbt_common.invocation import get_invocation_started_at

    started: datetime = get_invocation_started_at()
    return started


def limiting_flags(session: DbtSession) -> dict[str, str]:
    """Return the flags in use that limit which rows are read, or decide whether tests store their failures."""
    flags: Any = session.flags
    set_ones = {name: getattr(flags, name, None) for name in _LIMITING}
    return {name.lower().replace("_", "-"): str(value) for name, value in set_ones.items() if value}


def settings_of_all(session: DbtSession) -> dict[str, object]:
    """Return the project's settings that can change the results of any node: its dispatch order and its flags."""
    config = session.config
    flags = {name: value for name, value in (config.flags or {}).items() if str(name).lower() not in _NO_EFFECT}
    found = {"dispatch": config.dispatch, "flags": flags}
    return {name: value for name, value in found.items() if value}


def connection_settings(session: DbtSession) -> dict[str, object]:
    """Return the keys of the active target that change results; they include secrets, so hash the values.

    DuckDB's secrets are returned as the SQL that creates them, because the adapter removes type and name from its list.
    """
    credentials = session.config.credentials
    found = dict(session.credentials())
    if credentials.type == "duckdb" and found.get("secrets"):
        found["secrets"] = credentials.secrets_sql()
    ignored = _IDENTITY | _CONNECTING.get(credentials.type, frozenset())
    return {name: _without_tokens(value) for name, value in found.items() if name not in ignored and _is_set(value)}


_IDENTITY = frozenset(
    {
        *(
            "type",
            "path",
            "host",
            "port",
            "database",
            "dbname",
            "schema",
        ),  # what identifies the target; relations name the rest
        *("threads", "retries"),  # how dbt uses it
        *("password", "pass", "token", "motherduck_token"),  # how dbt logs in
    }
)
_CONNECTING = {
    "duckdb": frozenset({"keep_open"}),
    "postgres": frozenset(
        {
            *("connect_timeout", "keepalives_idle", "application_name"),
            *("sslmode", "sslcert", "sslkey", "sslrootcert"),  # how the connection is secured
        }
    ),
}
"""Keys of a target that change no result. Any other key of any adapter is assumed to change results."""
_TOKENS = frozenset({"motherduck_token", "password", "custom_user_agent"})


def _without_tokens(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: inner for name, inner in value.items() if name not in _TOKENS}
    return value


def _is_set(value: object) -> bool:
    return value not in (None, "", False, {}, [])


class _Package:
    """The key by which dbt looks up vars."""

    def __init__(self, package_name: str) -> None:
        self.package_name = package_name
        self.fqn = [package_name]
