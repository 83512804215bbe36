"""Writes JSON and text in a form that every supported database accepts."""

import json
import math

_MISSING = "�"  # replaces a character that no database accepts


def to_json_text(value: object) -> str:
    """Return a value as JSON: other types, such as dates, as text, and NaN and infinity as their names."""
    try:
        return json.dumps(value, default=str, allow_nan=False)
    except (TypeError, ValueError):  # a key of another type, or a number that JSON does not have
        return json.dumps(_finite(value), default=str)


def plain(text: str) -> str:
    """Return a text with the characters replaced that a database rejects: NUL and lone surrogates."""
    return text.replace("\0", _MISSING).encode(errors="replace").decode()


def _finite(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {str(key): _finite(kept) for key, kept in value.items()}
        case list() | tuple():
            return [_finite(kept) for kept in value]
        case _:
            return value
