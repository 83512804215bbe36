"""Validates events against the schema that ships in the package."""

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

SCHEMA: dict[str, Any] = json.loads((files("orchestrator.report") / "events.schema.json").read_text())
_VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def fields_of(word: str) -> set[str]:
    """Return the fields of an event that the schema describes."""
    return set(SCHEMA["properties"]) | set(SCHEMA["$defs"][word]["properties"])


def validate(events: Iterable[dict[str, Any]]) -> None:
    """Assert that events are valid, and have no field that the schema does not describe."""
    for event in events:
        _VALIDATOR.validate(event)
        assert set(event) == fields_of(event["event"])
