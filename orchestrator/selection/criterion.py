"""One criterion of our own in a selection: `ingest:` or `expectation:`, with dbt's graph operators around it."""

import re
from dataclasses import dataclass

_CRITERION = re.compile(
    r"^(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?(?P<method>ingest|expectation):(?P<value>.+?)"
    r"(?P<down>\+(?P<down_depth>\d*))?$"
)
_PLAIN = re.compile(r"^(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?(?P<value>[^:*?\[\]+@]+)(?P<down>\+(?P<down_depth>\d*))?$")
LOADS = "ingest"
"""The method that names loads."""
_STATEFUL = ("state", "result", "source_status")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCriterion:
    """What dbt's syntax says of one criterion, for the two methods that dbt does not know."""

    method: str
    value: str
    up: bool
    up_depth: int | None
    down: bool
    down_depth: int | None
    with_parents_of_children: bool


def own_criterion(text: str) -> OwnCriterion | None:
    """Parse a criterion of ours; None when it is dbt's."""
    found = _CRITERION.match(text)
    return None if found is None else _criterion(found, found["method"])


def plain_criterion(text: str) -> OwnCriterion | None:
    """Parse a criterion that is a name without a method and without wildcards as one that may name a load."""
    found = _PLAIN.match(text)
    return None if found is None else _criterion(found, LOADS)


def _criterion(found: re.Match[str], method: str) -> OwnCriterion:
    return OwnCriterion(
        method=method,
        value=found["value"],
        up=found["up"] is not None,
        up_depth=int(found["up_depth"]) if found["up_depth"] else None,
        down=found["down"] is not None,
        down_depth=int(found["down_depth"]) if found["down_depth"] else None,
        with_parents_of_children=found["at"] is not None,
    )


def unions(expressions: tuple[str, ...]) -> tuple[str, ...]:
    """Split arguments into the items of a union: words, each perhaps an intersection with commas.

    As in dbt only a space parts two words, and an empty word names nothing: it is not the absence of a selection.
    """
    return tuple(item for expression in expressions for item in expression.split(" "))


def is_stateful(item: str) -> bool:
    """Say whether an item may rightly match nothing because nothing changed."""
    return any(_method(part) in _STATEFUL for part in item.split(","))


def bare_value(part: str) -> str:
    """Give the value of a criterion without its method and operators, to look for near names."""
    text = part.lstrip("@").strip("+")
    text = re.sub(r"^\d+\+|\+\d+$", "", text)
    return text.rpartition(":")[2]


def _method(part: str) -> str:
    text = re.sub(r"^(@|\d*\+)", "", part)
    return text.partition(":")[0].partition(".")[0] if ":" in text else ""
