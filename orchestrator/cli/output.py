"""Chooses how a verb speaks: to somebody who watches, to a pipe, or to a program."""

import sys
from typing import Any

from orchestrator.api import OutputKind


def chosen_output(options: dict[str, Any]) -> OutputKind:
    """Choose by the options, and by whether somebody watches."""
    if options.get("json_lines") or options.get("log_format") == "json":
        return OutputKind.JSON
    if options.get("quiet"):
        return OutputKind.QUIET
    return OutputKind.LIVE if sys.stdout.isatty() else OutputKind.PLAIN
