"""Shortens the errors of Python models: dbt-duckdb puts a whole traceback into its message."""

import re
import traceback

from orchestrator.installing import missing_module, module_hint

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in ')


def without_traceback(message: str) -> str:
    """Return the message with the exception and its line in the model instead of a traceback."""
    before, head, _ = message.partition(_HEAD)
    if not head:
        return message
    lines = message.splitlines()
    last = max(number for number, line in enumerate(lines) if line.strip() == _HEAD or line.endswith(_HEAD))
    indent = len(lines[last]) - len(lines[last].lstrip())
    error_lines = [line for line in lines[last + 1 :] if line.strip() and len(line) - len(line.lstrip()) <= indent]
    where = _line_in_model(lines[last + 1 :])
    raised = " ".join(line.strip() for line in error_lines) or "it raised"
    shortened = f"{before.rstrip()} {raised}{f' (line {where} of the model)' if where else ''}".strip()
    module = missing_module(raised)
    return f"{shortened}\n{module_hint(module)}" if module else shortened


def exit_message(error: SystemExit) -> str:
    """Return the message for a Python model that called sys.exit, with the line."""
    code = "" if error.code is None else repr(error.code)
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__))
    where = _line_in_model([line for entry in lines for line in entry.splitlines()])
    at = f" (line {where} of the model)" if where else ""
    return f"Python model failed: it called sys.exit({code}){at}. To end a model with an error, raise an exception."


def _line_in_model(lines: list[str]) -> str:
    """Return the line of the innermost frame in the model: dbt-duckdb runs it from a temporary file."""
    frames = [found for line in lines if (found := _FRAME.match(line))]
    own = [frame["line"] for frame in frames if "site-packages" not in frame["file"]]
    return own[-1] if own else ""
