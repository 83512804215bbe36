"""Converts values of databases, numpy and exceptions into values that are readable and can be written as JSON."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.wording import shortened

LINES = 3
_DRIVER_PREFIX = re.compile(r"^\([\w.]+\) ")  # SQLAlchemy puts the error's class before its message
LENGTH = 400


def plain(value: Any) -> Any:  # noqa: ANN401  # JSON has no narrower type
    """Return the value as a JSON value; a value that JSON lacks becomes its text."""
    match value:
        case None | bool() | str() | int():
            return str(value) if isinstance(value, str) else value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case bytes():
            return value.hex()
        case Iterable():
            return [plain(each) for each in value]
    if hasattr(value, "item"):  # numbers of numpy
        return plain(value.item())
    return str(value)


def first_lines(text: str) -> str:
    """Return the first lines of a tool's message without its traceback, SQL and links."""
    kept = []
    for line in _DRIVER_PREFIX.sub("", text.strip()).splitlines():
        if line.startswith(("[SQL", "[parameters", "(Background", "Traceback", "LINE ")):
            break
        if line.strip():
            kept.append(line.strip())
    return shortened(" ".join(kept[:LINES]), LENGTH)
