"""Parses single values from YAML or the environment into typed values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)

Reader = Callable[[object], object]
"""Converts a scalar to a value, or raises ValueError. The message never repeats the value, which may be secret."""

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|sec|m|min|h)?")
_PORTION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%)?")
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_FIRST_STABLE_FORMAT = (0, 10, 0)
"""Earlier releases of DuckDB cannot read what any later one writes."""
_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
_NONE = "none"
_MOST = 100
MOST_RUNS = 1_000_000_000
"""More than any record holds; larger numbers mean the same, and a database could not compare them."""
_LONGEST = timedelta(days=365)


def duration(value: object) -> timedelta:
    """Return the duration `90`, `90s`, `1.5 min` or `2h`; a number alone means seconds."""
    match = _DURATION.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    if match is None:
        raise ValueError("expected a duration such as 60s, 5min or 1h")
    seconds = float(match[1]) * _SECONDS[match[2] or "s"]
    if seconds > _LONGEST.total_seconds():
        raise ValueError("expected a duration of at most a year")
    return timedelta(seconds=seconds)


def limit(value: object) -> timedelta | None:
    """Return a duration greater than zero, or None for `none`."""
    if value == _NONE:
        return None
    try:
        span = duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or none") from None
    if not span:
        raise ValueError("expected a duration longer than nothing, or none")
    return span


def times(value: object) -> int:
    """Return a count: a whole number from 0 on, or 0 for `none`."""
    if value == _NONE:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return value
    raise ValueError(f"expected a whole number from 0 to {_MOST}, or none")


def at_least_one(value: object) -> float:
    """Return a number of at least 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MOST:
        return float(value)
    raise ValueError(f"expected a number from 1 to {_MOST}")


def share(value: object) -> float:
    """Return a number from 0 to 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError("expected a number from 0 to 1, such as 0.1")


def storage_release(value: object) -> str:
    """Return a release of DuckDB as DuckDB writes it, `v1.5.0`, or `latest`."""
    found = _RELEASE.fullmatch(value) if isinstance(value, str) else None
    if value != "latest" and (found is None or tuple(map(int, found.groups())) < _FIRST_STABLE_FORMAT):
        raise ValueError("expected a release of DuckDB such as v1.5.0, or latest")
    return str(value)


def portion(value: object) -> float:
    """Return the share `5%` or `0.05` as a number from 0 to 1."""
    match = _PORTION.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    found = float(match[1]) / (100 if match[2] else 1) if match is not None else None
    if found is None or found > 1:
        raise ValueError("expected a share of all, such as 5% or 0.05")
    return found


def positive(value: object) -> int:
    """Return a whole number of at least 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError("expected a whole number of at least 1")


def whole(value: object) -> int:
    """Return a whole number, which may be negative."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("expected a whole number")


def positive_or_none(value: object) -> int:
    """Return a whole number of at least 1, or 0 for `none`."""
    if value == _NONE:
        return 0
    try:
        return min(positive(value), MOST_RUNS)
    except ValueError as error:
        raise ValueError(f"{error}, or none") from None


def truth(value: object) -> bool:
    """Return `true` or `false` as a boolean; values from the environment are text."""
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            raise ValueError("expected true or false")


def text(value: object) -> str:
    """Return a text that is not empty, and that the operating system takes as a name or a word of a command."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text")
    if "\0" in value:
        raise ValueError("expected a text without NUL characters")
    return value


def one_of(words: type[Word]) -> Callable[[object], Word]:
    """Return a reader of one word of a closed list."""

    def read(value: object) -> Word:
        try:
            return words(str(value))
        except ValueError:
            raise ValueError("expected " + " or ".join(word.value for word in words)) from None

    return read


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads each element of a list. One value alone is a list of one; the value of the key is a tuple."""

    element: Reader
    alone: Reader | None = None
    """The reader of a value that is not in a list, if it is another one."""

    def __call__(self, value: object) -> object:
        """Return one element."""
        return self.element(value)


def list_of(element: Reader, alone: Reader | None = None) -> ListReader:
    """Return a reader of a list of values; `alone` reads a value that is not in a list, if not as an element."""
    return ListReader(element, alone)


@dataclass(frozen=True, slots=True)
class AsWrittenReader:
    """Reads a value in which `${NAME}` stays as it is written: it is filled in when the value is used."""

    reader: Reader

    def __call__(self, value: object) -> object:
        """Return the value."""
        return self.reader(value)


def as_written(reader: Reader) -> AsWrittenReader:
    """Return a reader of a value that keeps its references to the environment, so that no secret is recorded."""
    return AsWrittenReader(reader)


def keeps_references(reader: Reader) -> bool:
    """Return whether a reader takes `${NAME}` as it is written."""
    return isinstance(reader.element if isinstance(reader, ListReader) else reader, AsWrittenReader)


def anything(value: object) -> object:
    """Return any YAML value as it is, also a list or a mapping."""
    return value


def keys(value: object) -> object:
    """Return a mapping of any values; raises ValueError for anything else."""
    if isinstance(value, dict):
        return value
    raise ValueError("expected keys with values")
