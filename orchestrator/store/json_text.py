"""JSON as every database takes it."""

import json
import math

_MISSING = "�"  # what stands for a character that no database keeps


def to_json_text(value: object) -> str:
    """Write a value as JSON: dates and the like as text, figures that are none (NaN, infinity) as their names."""
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), default=str)


def plain(text: str) -> str:
    """Replace what a database refuses in a text: NUL, and halves of a character."""
    return text.replace("\0", _MISSING).encode(errors="replace").decode()


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: _finite(kept) for key, kept in value.items()}
        case list() | tuple():
            return [_finite(kept) for kept in value]
        case _:
            return value
