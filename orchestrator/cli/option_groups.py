"""Groups the options of a verb for its help."""

from collections.abc import Iterable

import click

from orchestrator.cli.dbt_options import ALL

_GROUPS = {
    "Selection": (
        *("select", "exclude", "selector", "indirect_selection", "resource_type", "exclude_resource_type"),
        *("allow_empty", "state", "defer", "defer_state", "favor_state"),
    ),
    "Upstream and reuse": (
        *("schema_prefix", "ingest"),
        *("upstream", "no_ingest", "no_freshness", "no_tests", "skip_unchanged", "shadow_reuse", "verify_reuse"),
    ),
    "How nodes are built": (
        *("full_refresh", "empty", "sample", "event_time_start", "event_time_end", "vars", "store_failures", "plain"),
    ),
    "Limits and waiting": (
        *("threads", "fail_fast", "time_limit", "grace", "repeats", "lock_timeout", "on_busy", "wait_for"),
    ),
    "Output": ("json_lines", "quiet", "verbose", "output", "output_keys", "use_colors", "print", "log_format"),
    "Project and target": ("target", "profile", "profiles_dir", "project_dir", "target_path", "yes"),
}
_OWN, _REST = "Options", "Further options of dbt"
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names}
_OF_DBT = frozenset(option.key for option in ALL)


def write_options(options: Iterable[click.Parameter], context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the options by group with headings: first those of this verb, last those that only dbt uses."""
    lines: dict[str, list[tuple[str, str]]] = {group: [] for group in (_OWN, *_GROUPS, _REST)}
    for parameter in options:
        line = parameter.get_help_record(context)
        name = "quiet" if "--help" in parameter.opts else parameter.name or ""  # --help belongs to no single verb
        if line is not None and isinstance(parameter, click.Option):
            lines[_GROUP_OF.get(name, _REST if name in _OF_DBT else _OWN)].append(line)
    for group, found in lines.items():
        if found:
            with formatter.section(group):
                formatter.write_dl(found)
