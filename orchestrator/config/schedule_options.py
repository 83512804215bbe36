"""Lists the options that a schedule can give to its verb, and converts them to the words of a command line.

A test compares these tables with the options of the verbs, which are declared in `cli`.
"""

import json
from collections.abc import Iterator, Mapping

from orchestrator.config.mistakes import meant

LISTS = frozenset({"select", "exclude", "resource_type", "exclude_resource_type"})
VALUES = frozenset(
    {
        *("selector", "indirect_selection", "target", "profile", "profiles_dir", "target_path", "vars", "state"),
        *("defer_state", "threads", "warn_error_options", "sample", "event_time_start", "event_time_end"),
        *("log_format_file", "log_level", "log_level_file", "log_path", "printer_width"),
        "maximum_seed_size_mib",
        *("upstream", "schema_prefix", "verify_reuse", "lock_timeout", "repeats", "time_limit", "grace"),
    }
)
SWITCHES = frozenset(
    {
        *("defer", "favor_state", "partial_parse", "static_parser", "use_experimental_parser", "version_check"),
        *("cache_selected_only", "populate_cache", "write_json", "fail_fast", "empty", "quiet", "debug", "print"),
        *("log_cache_events", "use_colors", "use_colors_file", "show_all_deprecations", "send_anonymous_usage_stats"),
        *("hints_enabled", "use_v2_parser"),
    }
)
"""Flags that `--no-…` switches off."""
FLAGS = frozenset(
    {
        *("full_refresh", "warn_error", "store_failures", "no_ingest", "no_freshness", "no_tests", "allow_empty"),
        *("ingest", "skip_unchanged", "shadow_reuse", "plain", "yes"),
    }
)
OPTIONS = LISTS | VALUES | SWITCHES | FLAGS

_ONLY_RUN = frozenset(
    {
        *("full_refresh", "empty", "sample", "event_time_start", "event_time_end", "upstream", "no_ingest"),
        *("no_freshness", "no_tests", "skip_unchanged", "shadow_reuse", "verify_reuse", "yes"),
    }
)
_NOT_FRESHNESS = frozenset({"resource_type", "exclude_resource_type", "store_failures", "plain"})
OF_VERB: Mapping[str, frozenset[str]] = {
    "run": OPTIONS,
    "test": OPTIONS - _ONLY_RUN,
    "freshness": OPTIONS - _ONLY_RUN - _NOT_FRESHNESS,
}


def option_mistakes(verb: str, options: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with the options of a schedule."""
    for name, value in options.items():
        known = tuple(sorted(OF_VERB[verb]))
        if name == "on_busy":
            yield "'options.on_busy': write 'on_busy' beside 'options'"
        elif name not in OF_VERB[verb]:
            yield f"'options.{name}' is not an option of `elt {verb}`{meant(name, known, known[:8])}"
        elif name in FLAGS | SWITCHES and not isinstance(value, bool):
            yield f"'options.{name}' is '{value}': expected true or false"
        elif name == "vars" and not isinstance(value, dict | str):
            yield f"'options.vars' is '{value}': expected keys with values"
        elif name in LISTS and isinstance(value, dict):
            yield f"'options.{name}': expected a list"
        elif name == "threads" and value is not None and not _is_positive(value):
            yield f"'options.threads' is '{value}': expected a whole number from 1"
        elif name in VALUES - {"vars", "warn_error_options"} and isinstance(value, dict | list):
            yield f"'options.{name}': expected one value"


def _is_positive(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal() and int(value) > 0


def option_words(options: Mapping[str, object]) -> Iterator[str]:
    """Yield the words of a command line that give these options."""
    for name, value in options.items():
        word = "--" + name.replace("_", "-")
        if value is None:
            continue
        if name in SWITCHES and value is False:
            yield word.replace("--", "--no-", 1)
        elif name in FLAGS | SWITCHES:
            yield from [word] if value else []
        elif name in LISTS:
            for element in value if isinstance(value, list) else [value]:
                yield from (word, str(element))
        else:
            yield from (word, json.dumps(value) if isinstance(value, dict | list) else str(value))
