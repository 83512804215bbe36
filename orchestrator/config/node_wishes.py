"""Defines what a dbt source or a model can ask for in its `meta.elt`, besides attempts and time limits."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from orchestrator.config.readers import one_of, positive, text, whole


class OnNoData(StrEnum):
    """What happens downstream of a load that brought no new rows."""

    CONTINUE = "continue"
    SKIP = "skip"
    FAIL = "fail"


class FreshnessPolicy(StrEnum):
    """When a model that several dbt sources feed is rebuilt, if only their rows have changed."""

    ANY = "any"
    """When any of them has new rows."""
    ALL = "all"
    """Once all of them have."""


READERS = {
    "on_no_data": one_of(OnNoData),
    "min_rows": positive,
    "freshness_policy": one_of(FreshnessPolicy),
    "pool": text,
    "priority": whole,
}
"""These keys of `meta.elt`."""


def mistakes_of_wishes(own: Mapping[str, object]) -> Iterator[str]:
    """Yield the wrong values of these keys."""
    for key, reader in READERS.items():
        if own.get(key) is not None:
            try:
                reader(own[key])
            except ValueError as error:
                yield f"'meta.elt.{key}' is '{own[key]}': {error}"
