"""Chooses the output of a verb: for a terminal, a pipe, or a program."""

import sys
from typing import Any

from orchestrator.api import OutputKind


def chosen_output(options: dict[str, Any]) -> OutputKind:
    """Return the kind of output, by the options and by whether stdout is a terminal."""
    if options.get("json_lines") or options.get("log_format") == "json":
        return OutputKind.JSON
    if options.get("quiet"):
        return OutputKind.QUIET
    return OutputKind.LIVE if sys.stdout.isatty() else OutputKind.PLAIN
