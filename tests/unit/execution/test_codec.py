"""Plans come back from JSON as they went in."""

import pytest

from orchestrator.execution.codec import from_text, to_text
from orchestrator.plan.plan import Plan
from tests.factories import make_plan

DRAWING = "load_bts -> age_bts -> stg -> test_key -> mart -> suite_mart, ~hook_start -> stg, fresh_crm -> stg"


def test_a_plan_of_every_kind_of_step_comes_back() -> None:
    """Also as text it is the same for the same plan."""
    plan = make_plan(DRAWING)
    assert from_text(to_text(plan), Plan) == plan
    assert to_text(make_plan(DRAWING)) == to_text(plan)


@pytest.mark.parametrize("text", ["", "[]", '{"steps": [{"step": "Unheard"}]}', '{"steps": 4}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    """Whatever is wrong with it, it is a ValueError."""
    with pytest.raises(ValueError, match="not a recorded plan"):
        from_text(text, Plan)
