"""Plans, requests and outcomes come back from JSON as they went in."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.execution.codec import from_text, to_text
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, Reason, ReasonCode
from orchestrator.execution.ports import Request, Verify
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.nodes.own_step import CommandCall, HttpCall, Poll, PythonCall
from orchestrator.plan.decision import Act, Decision
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import (
    BuildStep,
    Cause,
    FreshnessStep,
    HookStep,
    IngestStep,
    OwnStep,
    Step,
    StepId,
    TestStep,
    ValidationStep,
    Why,
)
from orchestrator.reuse.last_success import Mark
from tests.factories import make_plan

DRAWING = (
    "own_sync -> load_bts -> age_bts -> stg -> test_key -> mart -> suite_mart, ~hook_start -> stg, fresh_crm -> stg"
)
EXAMPLES = 40

words = st.text(max_size=8)
numbers = st.integers(0, 2**53)
seconds = st.floats(0, 1e9, allow_nan=False)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
records = st.dictionaries(words, json_values, max_size=3)


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | values


def several(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(values, max_size=2).map(tuple)


step_ids = words.map(StepId)
node_ids = words.map(NodeId)
relations = st.builds(Relation, database=maybe(words), schema=words, identifier=words)
decisions = st.builds(
    Decision,
    act=st.sampled_from(Act),
    words=words,
    of_run=words,
    status=words,
    blame=words,
    likely=maybe(st.sampled_from(Act)),
)
SHARED = {
    "id": step_ids,
    "name": words,
    "path": words,
    "parents": several(step_ids),
    "after": several(step_ids),
    "reads": several(relations),
    "writes": several(relations),
    "cause": st.builds(Cause, why=st.sampled_from(Why), of=maybe(node_ids)),
    "decision": maybe(decisions),
}
types = st.sampled_from(ResourceType)
pairs = several(st.tuples(words, words))
polls = st.builds(
    Poll,
    url=words,
    headers=pairs,
    status_field=words,
    success=several(words),
    failure=several(words),
    every_seconds=seconds,
)
calls = st.one_of(
    st.builds(CommandCall, words=several(words)),
    st.builds(PythonCall, module=words, function=words),
    st.builds(
        HttpCall,
        method=words,
        url=words,
        headers=pairs,
        body=words,
        statuses=several(st.integers(100, 599)),
        poll=maybe(polls),
    ),
)
STEPS = {
    IngestStep: {
        **dict.fromkeys(["source", "module", "attribute", "pipeline", "dataset"], words),
        "working_dir": maybe(words),
        "resources": several(words),
        "nodes": several(node_ids),
        "feeds": several(node_ids),
    },
    BuildStep: {"node": node_ids, "resource_type": types, "materialized": maybe(words), "added": st.booleans()},
    TestStep: {"node": node_ids, "resource_type": types, "severity": words},
    FreshnessStep: {
        "node": node_ids,
        "by_load": st.booleans(),
        "warn_after_seconds": maybe(seconds),
        "error_after_seconds": maybe(seconds),
    },
    ValidationStep: {"suite": words, "node": node_ids, "relation": relations},
    HookStep: {"when": st.sampled_from(["start", "end"])},
    OwnStep: {
        "node": node_ids,
        "call": calls,
        "env": several(words),
        "inputs": maybe(several(words)),
        "feeds": several(node_ids),
    },
}
steps = st.one_of(*(st.builds(kind, **SHARED, **own) for kind, own in STEPS.items()))
parts = st.builds(Part, name=words, status=st.sampled_from(Status), message=words, rows=maybe(numbers), detail=records)
outcomes = st.builds(
    Outcome,
    step_id=step_ids,
    status=st.sampled_from(Status),
    tool_word=words,
    reason=st.builds(Reason, code=st.sampled_from(ReasonCode), blame=maybe(step_ids)),
    message=words,
    started_at=maybe(moments),
    ended_at=maybe(moments),
    rows_affected=maybe(numbers),
    row_count=maybe(numbers),
    bytes_processed=maybe(numbers),
    query_seconds=maybe(seconds),
    failures=maybe(numbers),
    error_class=maybe(st.sampled_from(ErrorClass)),
    path=maybe(words),
    compiled_path=maybe(words),
    log=words,
    parts=several(parts),
    dbt_results=several(records),
)
requests = st.builds(
    Request,
    run_id=words,
    step=steps,
    attempt=st.integers(1, 9),
    mark=maybe(st.builds(Mark, digest=words, identity=words)),
    verify=maybe(st.builds(Verify, reused=outcomes, of_run=words)),
)


def test_every_kind_of_step_is_drawn() -> None:
    """A new kind of step needs an entry here."""
    assert set(STEPS) == set(Step.__args__)


@settings(max_examples=EXAMPLES, deadline=None)
@given(requests)
def test_a_request_survives_json(request: Request) -> None:
    """Whoever holds the text can run the step: its kind, its attempt, its marker and what it verifies."""
    text = to_text(request)
    json.loads(text)
    assert from_text(text, Request) == request


@settings(max_examples=EXAMPLES, deadline=None)
@given(outcomes)
def test_an_outcome_survives_json(outcome: Outcome) -> None:
    """Its reason, its times, its parts with their details, and dbt's own records."""
    assert from_text(to_text(outcome), Outcome) == outcome


def test_a_plan_of_every_kind_of_step_survives_the_round_trip() -> None:
    """Equal plans have equal texts."""
    plan = make_plan(DRAWING)
    assert from_text(to_text(plan), Plan) == plan
    assert to_text(make_plan(DRAWING)) == to_text(plan)


@pytest.mark.parametrize("text", ["", "[]", '{"steps": [{"step": "Unheard"}]}', '{"steps": 4}'])
def test_json_that_is_not_a_plan_is_refused(text: str) -> None:
    """Whatever is wrong with it, it is a ValueError."""
    with pytest.raises(ValueError, match="not a recorded plan"):
        from_text(text, Plan)
