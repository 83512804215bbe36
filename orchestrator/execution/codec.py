"""Converts plans, requests, outcomes and their parts to JSON and back, without loss.

A step can so be run by whoever holds its request: this process, a child process, or a worker on another machine.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, get_origin

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request
from orchestrator.nodes.own_step import OwnCall
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step

_Value = TypeVar("_Value", Plan, Request, Outcome)


def to_text(value: Plan | Request | Outcome) -> str:
    """Return a value as one JSON document; equal values have equal texts.

    Raises:
        TypeError: a tool's own record in an outcome contains a value that JSON does not have.
    """
    return _converter().dumps(value, sort_keys=True)


def from_text(text: str, kind: type[_Value]) -> _Value:
    """Return the value that `to_text` wrote; raises ValueError for any other text."""
    try:
        return _converter().loads(text, kind)
    except Exception as error:  # cattrs raises exception groups of any kind of error
        raise ValueError(f"this is not a recorded {kind.__name__.lower()}") from error


def is_mapping(kind: Any) -> bool:  # noqa: ANN401  # as cattrs asks: any type
    """Return whether a field is declared as a mapping."""
    return get_origin(kind) is Mapping


def outcome_to_json(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as a JSON object; a value in it that JSON does not have is left to the writer of the JSON."""
    found: dict[str, object] = _converter().unstructure(outcome)
    return found


def outcome_from_json(kept: Mapping[str, object]) -> Outcome:
    """Return the outcome that `outcome_to_json` wrote."""
    return _converter().structure(kept, Outcome)


@cache
def _converter() -> JsonConverter:
    converter = make_converter(omit_if_default=True)
    # Records of tools are kept as they are.
    converter.register_structure_hook_func(lambda kind: kind is object, lambda found, _kind: found)
    configure_tagged_union(OwnCall, converter, tag_name="does")
    configure_tagged_union(Step, converter, tag_name="step")
    return converter
