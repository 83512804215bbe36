"""Starts and ends one dbt invocation in this process: flags, invocation state, log file, events.

Follows what dbt's own command line does before a command (dbt.cli.requires.preflight), without its console output and
without its usage statistics.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from orchestrator.adapters.dbt.bridge.access import close_environment, set_flag, share_environment
from orchestrator.adapters.dbt.bridge.releases import begin_release
from orchestrator.adapters.dbt.interrupting import cancel_abandoned
from orchestrator.adapters.dbt.warning_tag import without_tag

_QUIET_WARNINGS = frozenset(
    # Results of nodes: they are shown to the user as outcomes of their steps.
    {"LogTestResult", "LogModelResult", "LogFreshnessResult", "LogSnapshotResult", "LogSeedResult"}
    | {"RunResultWarning", "RunResultWarningMessage", "RunResultError"}
    # The plan says which sources cannot be checked; dbt does not know that the last load of others is checked.
    | {"FreshnessConfigProblem"}
)
_PRINTED = frozenset({"PrintEvent", "JinjaLogInfo"})

Hear = Callable[[str, str, str], None]
"""Takes a kind (`warning`, `printed` or `note`), a message, and a node's id or an empty string; must only enqueue."""
HearAll = Callable[[str, Any], None]
"""Takes a node's id or an empty string, and the head (`info`) of any dbt event, including debug messages; must only
enqueue."""


def begin(args: Sequence[str], hear: Hear, hear_all: HearAll) -> Any:  # noqa: ANN401  # dbt's Flags has no static type
    """Set up dbt for the command line `args` and return its flags; ends any earlier invocation."""
    import dbt.tracking
    from dbt.cli.flags import Flags, args_to_context
    from dbt.deprecations import reset_deprecations
    from dbt.env_vars import validate_engine_env_vars
    from dbt.events.logging import setup_event_logger
    from dbt.flags import set_flags
    from dbt_common.context import set_invocation_context
    from dbt_common.events.event_manager_client import get_event_manager
    from dbt_common.events.functions import reset_metadata_vars
    from dbt_common.invocation import reset_invocation_id

    set_invocation_context({})
    share_environment()
    reset_metadata_vars()  # those of an earlier invocation in this process
    # dbt shows each deprecation once per process; each run has its own reader and its own --warn-error
    reset_deprecations()
    click_context = args_to_context(list(args))
    click_context.obj = {"dbt_runner_command_args": list(args)}
    flags = Flags(click_context)
    begin_release(flags)
    set_flag(flags, "SEND_ANONYMOUS_USAGE_STATS", value=False)
    set_flag(flags, "send_anonymous_usage_stats", value=False)
    # The user typed a command of elt, or imported elt: the artifacts record the equivalent dbt command.
    set_flag(flags, "INVOCATION_COMMAND", " ".join(("dbt", *args)))
    set_flags(flags)
    events = get_event_manager()
    events.require_warn_or_error_handling = flags.require_all_warnings_handled_by_warn_error
    reset_invocation_id()
    setup_event_logger(flags=flags, callbacks=[_listener(hear, hear_all)])
    # Only the orchestrator's reports write to the terminal; dbt keeps its log file.
    events.loggers[:] = [logger for logger in events.loggers if logger.name != "stdout_log"]
    dbt.tracking.initialize_from_flags(False, flags.PROFILES_DIR)  # noqa: FBT003  # dbt's own signature
    flags.fire_deprecations(click_context)
    _forget_adapters()
    close_environment()  # left open by code that ran dbt in this process before
    validate_engine_env_vars()
    return flags


def end() -> None:
    """Close dbt's adapters and log file."""
    from dbt_common.events.event_manager_client import cleanup_event_logger

    _forget_adapters()
    close_environment()
    with suppress(OSError):  # on a full disk the log file cannot be flushed
        cleanup_event_logger()


def _forget_adapters() -> None:
    from dbt.adapters.factory import FACTORY, reset_adapters

    for adapter in FACTORY.adapters.values():
        cancel_abandoned(adapter)
    with suppress(Exception):  # a connection refuses to close while an abandoned thread still runs a query on it
        reset_adapters()
    FACTORY.adapters.clear()


def _listener(hear: Hear, hear_all: HearAll) -> Callable[[Any], None]:
    def listen(message: Any) -> None:  # noqa: ANN401  # a protobuf message
        info, node = message.info, _node_of(message)
        hear_all(node, info)
        if info.name in _PRINTED:
            hear("printed", info.msg, node)
        elif info.level == "warn" and info.name not in _QUIET_WARNINGS:
            hear("warning", without_tag(info.msg), node)

    return listen


def _node_of(message: Any) -> str:  # noqa: ANN401  # a protobuf message
    """Return the node of an event: some events name it, others are fired while dbt keeps it in a context variable."""
    from dbt_common.events.contextvars import get_node_info

    node = getattr(message.data, "node_info", None)
    named = getattr(node, "unique_id", "") if node is not None else ""
    return str(named or get_node_info().get("unique_id", ""))
