"""Hashes JSON values, the same for the same value in whatever order its keys were written."""

import json
from hashlib import blake2b

_SIZE = 16  # bytes; two values with one digest are not met by chance


def digest_of(value: object) -> str:
    """Give the digest of a text or of a value of JSON; what JSON has no word for (a date) counts as its text."""
    if not isinstance(value, str):
        value = _written(value)
    return blake2b(value.encode(errors="surrogatepass"), digest_size=_SIZE).hexdigest()


def _written(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except TypeError:  # keys of several types, which YAML allows and which have no order
        return json.dumps(_with_text_keys(value), sort_keys=True, separators=(",", ":"), default=str)


def _with_text_keys(value: object) -> object:
    match value:
        case dict():
            return {f"{type(key).__name__} {key}": _with_text_keys(kept) for key, kept in value.items()}
        case list() | tuple():
            return [_with_text_keys(kept) for kept in value]
        case _:
            return value
