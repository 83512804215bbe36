"""Reads the settings of elt.yml and of a node's `meta.elt` for further attempts and time limits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from orchestrator.config.mistakes import meant
from orchestrator.config.node_wishes import READERS, FreshnessPolicy, OnNoData, mistakes_of_wishes
from orchestrator.config.readers import Reader, at_least_one, duration, limit, one_of, share, times
from orchestrator.config.value_readers import clock_time, zone


class OnTimeLimit(StrEnum):
    """What happens to a step that was stopped at its time limit."""

    END = "end"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatWish:
    """The settings for further attempts of a kind of step, or of a node; None for what is not set."""

    times: int | None = None
    after: timedelta | None = None
    """The wait before the second attempt."""
    factor: float | None = None
    longest: timedelta | None = None
    jitter: float | None = None
    on_time_limit: OnTimeLimit | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitWish:
    """The setting for the time limit of an attempt; None for no limit."""

    limit: timedelta | None
    line: int = field(default=0, compare=False)


PARTS: Mapping[str, Reader] = {
    "times": times,
    "after": duration,
    "factor": at_least_one,
    "longest": duration,
    "jitter": share,
    "on_time_limit": one_of(OnTimeLimit),
}
"""The settings for further attempts."""


def repeats_from(entries: Iterable[tuple[tuple[str, ...], object, int]]) -> dict[str, RepeatWish]:
    """Return the settings by kind or name, from the path, the value and the line of each key."""
    settings: dict[str, dict[str, Any]] = {}
    for (name, *part), value, line in entries:
        settings.setdefault(name, {"line": line})[part[0] if part else "times"] = value
    return {name: RepeatWish(**parts) for name, parts in settings.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaWish:
    """The settings in a node's `meta.elt`, and the mistakes in it."""

    repeats: RepeatWish | None = None
    time_limit: LimitWish | None = None
    deadline: time | None = None
    """The time of day by which the node, or what an exposure needs, must be done."""
    timezone: str | None = None
    """The zone of the deadline; None for that of the schedule."""
    on_no_data: OnNoData | None = None
    """Of a dbt source: what happens to its readers if a load brings it no new rows."""
    min_rows: int = 0
    """Of a dbt source: the number of rows that a load must bring it."""
    freshness_policy: FreshnessPolicy = FreshnessPolicy.ANY
    """Of a model."""
    pool: str | None = None
    """The pool of `pools` in elt.yml whose limit the node counts towards; of a dbt source: its load."""
    priority: int | None = None
    """Of the steps that can start, those with a higher priority start first; of a dbt source: its load."""
    mistakes: tuple[str, ...] = ()


def wish_in_meta(meta: Mapping[str, object]) -> MetaWish:
    """Return what a node's `meta.elt` asks for, and check `volatile` and `deterministic`.

    Any other key is a mistake.
    """
    own = meta.get("elt")
    if own is None:
        return MetaWish()
    if not isinstance(own, Mapping):
        return MetaWish(mistakes=("'meta.elt' takes keys",))
    mistakes = [*_mistakes_of_reuse(own), *mistakes_of_wishes(own)]
    repeats, time_limit = own.get("repeats"), own.get("time_limit")
    parts = repeats if isinstance(repeats, Mapping) else {} if repeats is None else {"times": repeats}
    parts_read = {str(name): _read(str(name), value, mistakes) for name, value in parts.items()}
    limited = None if time_limit is None else _limit(time_limit, mistakes)
    deadline = _value("deadline", clock_time, own, mistakes)
    timezone = _value("timezone", zone, own, mistakes)
    if mistakes:
        return MetaWish(mistakes=tuple(mistakes))
    repeated = RepeatWish(**parts_read) if parts_read else None
    others: dict[str, Any] = {key: read(own[key]) for key, read in READERS.items() if own.get(key) is not None}
    return MetaWish(repeats=repeated, time_limit=limited, deadline=deadline, timezone=timezone, **others)


_OF_META = ("repeats", "time_limit", "deadline", "timezone", "volatile", "deterministic", *READERS)


def _mistakes_of_reuse(own: Mapping[str, object]) -> Iterator[str]:
    for name in own:
        if name not in _OF_META:
            yield f"unknown key 'meta.elt.{name}'{meant(str(name), _OF_META)}"
    for key in ("volatile", "deterministic"):
        if not isinstance(own.get(key), bool | None):
            yield f"'meta.elt.{key}' is '{own[key]}': it takes true or false"
    if own.get("volatile") is True and own.get("deterministic") is True:
        yield "'meta.elt.volatile' and 'meta.elt.deterministic' are both true: only one of them can be"


def _read(name: str, value: object, mistakes: list[str]) -> Any:  # noqa: ANN401  # the type depends on the reader
    if name not in PARTS:
        mistakes.append(f"unknown key 'meta.elt.repeats.{name}'{meant(name, tuple(PARTS))}")
        return None
    try:
        return PARTS[name](value)
    except ValueError as error:
        mistakes.append(f"'meta.elt.repeats.{name}' is '{value}': {error}")
        return None


def _value(key: str, reader: Reader, own: Mapping[str, object], mistakes: list[str]) -> Any:  # noqa: ANN401
    try:
        return None if own.get(key) is None else reader(own[key])
    except ValueError as error:
        mistakes.append(f"'meta.elt.{key}' is '{own[key]}': {error}")
        return None


def _limit(value: object, mistakes: list[str]) -> LimitWish | None:
    try:
        return LimitWish(limit=limit(value))
    except ValueError as error:
        mistakes.append(f"'meta.elt.time_limit' is '{value}': {error}")
        return None
