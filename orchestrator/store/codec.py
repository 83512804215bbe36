"""Converts plans and outcomes to JSON and back, without loss."""

from collections.abc import Mapping
from functools import cache

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from orchestrator.execution.outcome import Outcome
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Step


def plan_to_text(plan: Plan) -> str:
    """Return a plan as one JSON document."""
    return _converter().dumps(plan, sort_keys=True)


def plan_from_text(text: str) -> Plan:
    """Return the plan that `plan_to_text` wrote; raises ValueError for any other text."""
    try:
        return _converter().loads(text, Plan)
    except Exception as error:  # cattrs raises exception groups of any kind of error
        raise ValueError("this is not a recorded plan") from error


def outcome_to_json(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as a JSON object."""
    found: dict[str, object] = _converter().unstructure(outcome)
    return found


def outcome_from_json(kept: Mapping[str, object]) -> Outcome:
    """Return the outcome that `outcome_to_json` wrote."""
    return _converter().structure(kept, Outcome)


@cache
def _converter() -> JsonConverter:
    converter = make_converter(omit_if_default=True)
    converter.register_structure_hook_func(lambda kind: kind is object, lambda found, _kind: found)
    configure_tagged_union(Step, converter, tag_name="step")
    return converter
