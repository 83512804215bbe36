"""Reads single values of dbt 2.x's telemetry: names of enums in every spelling, numbers, and times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Attributes = Mapping[str, Any]

_NANOSECONDS = 1_000_000_000

NODE_OUTCOMES = {0: "unspecified", 1: "success", 2: "error", 3: "canceled", 4: "skipped"}
SKIP_REASONS = {0: "unspecified", 1: "upstream", 2: "cached", 3: "phasedisabled", 4: "noop", 5: "phaseskipped"}
ERROR_TYPES = {0: "internal", 1: "external", 2: "user"}
TEST_OUTCOMES = {0: "passed", 1: "warned", 2: "failed"}
FRESHNESS_OUTCOMES = TEST_OUTCOMES

_PREFIXES = (
    *("NODE_OUTCOME_", "NODE_SKIP_REASON_", "NODE_ERROR_TYPE_", "TEST_OUTCOME_", "EXECUTION_PHASE_"),
    "SOURCE_FRESHNESS_OUTCOME_OUTCOME_",
    "SOURCE_FRESHNESS_OUTCOME_",
)


def attribute(attributes: Attributes, name: str) -> Any:  # noqa: ANN401  # a value of JSON
    """Return an attribute by its name in the schema, in snake case or, as JSON of protobuf may be, in camel case."""
    found = attributes.get(name)
    if found is not None:
        return found
    first, *others = name.split("_")
    return attributes.get(first + "".join(map(str.capitalize, others)))


def word_of(value: object, numbered: Mapping[int, str]) -> str:
    """Return the value of an enum as one lower-case word without underscores; a number that is unknown as its digits.

    The schema numbers the values. JSON spells them as in the schema (`NODE_OUTCOME_SUCCESS`), and dbt's documentation
    in lower case (`success`).
    """
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    text = str(value).strip()
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return numbered.get(int(text), text)
    prefix = next((one for one in _PREFIXES if text.upper().startswith(one)), "")
    word = text[len(prefix) :].replace("_", "").replace("-", "").replace(" ", "").lower()
    return "canceled" if word == "cancelled" else word


def whole_number(value: object) -> int | None:
    """Return a whole number that is not negative; JSON of protobuf writes those of 64 bits as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def moment(value: object) -> datetime | None:
    """Return a time from nanoseconds since 1970; None if it is missing or not a time."""
    nanoseconds = whole_number(value) if isinstance(value, int) else None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):
        nanoseconds = int(value)
    if not nanoseconds:
        return None
    try:
        return datetime.fromtimestamp(nanoseconds / _NANOSECONDS, UTC)
    except (OverflowError, OSError, ValueError):
        return None
