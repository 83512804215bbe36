"""Parses criteria with our methods `ingest:`, `expectation:` and `step:`, and dbt's graph operators around them."""

import re
from dataclasses import dataclass

_CRITERION = re.compile(
    r"^(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?(?P<method>ingest|expectation|step):(?P<value>.+?)"
    r"(?P<down>\+(?P<down_depth>\d*))?$"
)
_PLAIN = re.compile(r"^(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?(?P<value>[^:*?\[\]+@]+)(?P<down>\+(?P<down_depth>\d*))?$")
_ANY = re.compile(r"^(?P<at>@)?(?P<up>(?P<up_depth>\d*)\+)?(?P<value>.+?)(?P<down>\+(?P<down_depth>\d*))?$")
LOADS = "ingest"
"""The method that selects loads."""
_STATEFUL = ("state", "result", "source_status")  # dbt's methods that compare with an earlier state


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCriterion:
    """One parsed criterion in dbt's syntax, for the methods that dbt does not have."""

    method: str
    value: str
    up: bool
    up_depth: int | None
    down: bool
    down_depth: int | None
    with_parents_of_children: bool


def own_criterion(text: str) -> OwnCriterion | None:
    """Return the parsed criterion if it has one of our methods; None if it is dbt's."""
    found = _CRITERION.match(text)
    return None if found is None else _criterion(found, found["method"])


def plain_criterion(text: str) -> OwnCriterion | None:
    """Return the parsed criterion if it is a name without a method or wildcards, and so may be a load."""
    found = _PLAIN.match(text)
    return None if found is None else _criterion(found, LOADS)


def dbt_criterion(text: str) -> OwnCriterion | None:
    """Return any criterion of dbt with its operators parsed; the value includes its method."""
    found = _ANY.match(text)
    return None if found is None else _criterion(found, "")


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
    """Return the items of a union: the words, each of which may be an intersection with commas.

    As in dbt, only a space separates words, and an empty word matches nothing; it is not a missing selection.
    """
    # Not `split()`: any other whitespace is a part of the word, and empty words are kept.
    return tuple(item for expression in expressions for item in expression.split(" "))


def is_stateful(item: str) -> bool:
    """Return whether an item may match nothing because nothing changed."""
    return any(_method(part) in _STATEFUL for part in item.split(","))


def bare_value(part: str) -> str:
    """Return the value of a criterion without its method and operators, to search for similar names."""
    text = part.lstrip("@").strip("+")
    text = re.sub(r"^\d+\+|\+\d+$", "", text)
    return text.rpartition(":")[2]


def _method(part: str) -> str:
    text = re.sub(r"^(@|\d*\+)", "", part)
    return text.partition(":")[0].partition(".")[0] if ":" in text else ""
