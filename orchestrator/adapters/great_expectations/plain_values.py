"""Values of databases, numpy and exceptions as values that survive JSON and the eyes of people."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

LINES = 3
_DRIVER_PREFIX = re.compile(r"^\([\w.]+\) ")  # SQLAlchemy puts the error's class before its words
LENGTH = 400


def plain(value: Any) -> Any:  # noqa: ANN401  # JSON has no narrower type
    """Give the value as JSON knows it; what JSON does not know becomes its text."""
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
    if hasattr(value, "item"):  # numpy's numbers
        return plain(value.item())
    return str(value)


def first_lines(text: str) -> str:
    """Give what a tool said without its traceback, its SQL and its links."""
    kept = []
    for line in _DRIVER_PREFIX.sub("", text.strip()).splitlines():
        if line.startswith(("[SQL", "[parameters", "(Background", "Traceback", "LINE ")):
            break
        if line.strip():
            kept.append(line.strip())
    said = " ".join(kept[:LINES])
    return said if len(said) <= LENGTH else said[: LENGTH - 1] + "…"
