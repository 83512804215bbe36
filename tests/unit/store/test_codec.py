"""Plans and outcomes come back from JSON as they went in."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.execution.outcome import Outcome, Part, Status
from orchestrator.store.codec import from_json, plan_from_text, plan_to_text, to_json
from tests.factories import make_outcome, make_plan

DRAWING = "load_bts -> age_bts -> stg -> test_key -> mart -> suite_mart, ~hook_start -> stg, fresh_crm -> stg"


def test_a_plan_of_every_kind_of_step_comes_back() -> None:
    """Also as text it is the same for the same plan."""
    plan = make_plan(DRAWING)
    assert plan_from_text(plan_to_text(plan)) == plan
    assert plan_to_text(make_plan(DRAWING)) == plan_to_text(plan)


@pytest.mark.parametrize("text", ["", "[]", '{"steps": [{"step": "Unheard"}]}', '{"steps": 4}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    """Whatever is wrong with it, it is a ValueError."""
    with pytest.raises(ValueError, match="not a recorded plan"):
        plan_from_text(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=40)
@given(
    message=st.text(),
    detail=st.dictionaries(st.text(), JSON),
    results=st.lists(st.dictionaries(st.text(), JSON), max_size=2),
)
def test_an_outcome_comes_back(message: str, detail: dict[str, object], results: list[dict[str, object]]) -> None:
    """Whatever a tool said."""
    part = Part(name="p", status=Status.WARN, detail=detail)
    outcome = make_outcome("a", message=message, parts=(part,), dbt_results=tuple(results))
    assert from_json(json.loads(json.dumps(to_json(outcome))), Outcome) == outcome
