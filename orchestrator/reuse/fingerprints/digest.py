"""Hashes JSON values, independently of the order of their keys."""

import json
from hashlib import blake2b

_SIZE = 16  # bytes: enough to rule out collisions by chance
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)  # made once: it is used for each part


def digest_of(value: object) -> str:
    """Return the digest of a text or a JSON value; values without a JSON type, such as dates, count as their text."""
    if not isinstance(value, str):
        value = _written(value)
    return blake2b(value.encode(errors="surrogatepass"), digest_size=_SIZE).hexdigest()


def _written(value: object) -> str:
    try:
        return _ENCODER.encode(value)
    except TypeError:  # YAML allows keys of different types, which cannot be sorted
        return _ENCODER.encode(_with_text_keys(value))


def _with_text_keys(value: object) -> object:
    match value:
        case dict():
            return {f"{type(key).__name__} {key}": _with_text_keys(kept) for key, kept in value.items()}
        case list() | tuple():
            return [_with_text_keys(kept) for kept in value]
        case _:
            return value
