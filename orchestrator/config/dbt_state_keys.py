"""Reads the configuration of dbt State in a model (`state:`), and `freshness.build_after`, which it replaces.

dbt passes both through to its manifest and does not check them. `elt` reads them as its own keys where they mean the
same.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from orchestrator.config.node_wishes import FreshnessPolicy
from orchestrator.config.readers import one_of

_Value = TypeVar("_Value")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+)\s*(s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_LONGEST = 100 * 365 * 86_400
_MOST_DIGITS = len(str(_LONGEST))
_PERIODS = {"minute": "m", "hour": "h", "day": "d"}
_LAG, _FROM = "lag_tolerance", "require_fresh_data_from"
_NEVER = "never"
_HOOKS = "elt runs no hooks of a node that is reused"
UNUSED = {
    "pre_clone": "elt clones no relations",
    "execute_hooks_on_any_reuse": _HOOKS,
    "execute_hooks_on_reuse": _HOOKS,
    "evaluate_volatile_sql": "elt reuses a node whose SQL is volatile only if meta.elt.volatile is false",
    "compare_unrendered_code": "elt compares what the code compiles to",
}
"""The keys that mean something that elt does not do, with the reason."""
_SAME_AS_ELT = {
    "pre_clone": _NEVER,
    "execute_hooks_on_any_reuse": "false",
    "execute_hooks_on_reuse": "false",
    "evaluate_volatile_sql": "true",
    "compare_unrendered_code": "false",
}
"""The values of these keys with which dbt State does what elt does anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateWish:
    """What a model asks for in the configuration of dbt State."""

    freshness_policy: FreshnessPolicy | None = None
    lag_tolerance: timedelta | None = None
    """How old the last build must be before new rows alone rebuild the model."""
    unused: tuple[tuple[str, str], ...] = ()
    """Each key that elt cannot use, with the reason."""
    mistakes: tuple[str, ...] = ()


_NOTHING = StateWish()


def wish_of_state(config: Mapping[str, object]) -> StateWish:
    """Return what a model's configuration asks for; `state` wins over `freshness.build_after`.

    A `state` without any key of dbt State is the project's own.
    """
    state, before = _mapping(config.get("state")), _build_after(config)
    if not (state.keys() & {_LAG, _FROM, *UNUSED}):
        state = {}
    if not state and not before:
        return _NOTHING
    mistakes: list[str] = []
    lag = _read(f"state.{_LAG}", state.get(_LAG), _duration, mistakes)
    policy = _read(f"state.{_FROM}", state.get(_FROM), one_of(FreshnessPolicy), mistakes)
    if lag is None:
        lag = _read("freshness.build_after", before, _duration, mistakes)
    if policy is None and before.get("updates_on") == FreshnessPolicy.ALL:  # dbt writes `any` when it is not set
        policy = FreshnessPolicy.ALL
    return StateWish(
        freshness_policy=policy, lag_tolerance=lag or None, unused=tuple(_unused(state)), mistakes=tuple(mistakes)
    )


def mistakes_of_state(config: Mapping[str, object], own: object) -> Iterator[str]:
    """Yield the wrong values of these keys, and a contradiction with `meta.elt`, which is `own`."""
    yield from wish_of_state(config).mistakes
    declared, required = _mapping(own).get("freshness_policy"), _mapping(config.get("state")).get(_FROM)
    if declared is not None and required is not None and declared != required:
        yield (
            f"'meta.elt.freshness_policy' is '{declared}' and 'state.{_FROM}' is '{required}': both mean the same,"
            " so set one of them"
        )


def _build_after(config: Mapping[str, object]) -> Mapping[str, object]:
    return _mapping(_mapping(config.get("freshness")).get("build_after"))


def _unused(state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in state.items():
        if key in {_LAG, _FROM} or value is None:
            continue
        if str(value).lower() != _SAME_AS_ELT.get(key):
            yield f"state.{key}", UNUSED.get(key, "elt does not know this key")


def _read(key: str, value: object, reader: Callable[[object], _Value], mistakes: list[str]) -> _Value | None:
    if value is None or value == {}:
        return None
    try:
        return reader(value)
    except ValueError as error:
        mistakes.append(f"'{key}' is '{value}': {error}")
        return None


def _duration(value: object) -> timedelta:
    """Return the duration of dbt's text `4h`, or of `{count: 4, period: hour}`."""
    if isinstance(value, Mapping):
        count, period = value.get("count"), value.get("period")
        value = "0s" if count in (None, 0) else f"{count}{_PERIODS.get(str(period), period)}"
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("expected a duration such as 45m, 4h or 7d")
    number = match[1]
    seconds = int(number) * _SECONDS[match[2][0].lower()] if len(number) <= _MOST_DIGITS else _LONGEST + 1
    if seconds > _LONGEST:
        raise ValueError("expected a duration of at most 100 years")
    return timedelta(seconds=seconds)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
