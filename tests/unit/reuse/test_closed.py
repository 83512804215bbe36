"""A check on a source keeps what is below the source closed until the check passes."""

from datetime import timedelta

import pytest

from orchestrator.plan.request import Upstream
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.closed import closed_by
from orchestrator.reuse.last_success import LastAttempt
from orchestrator.reuse.past import Past
from tests.fakes.clock import NOON
from tests.graph_factories import make_dlt_source, make_graph, make_node, make_source, plan_for

CHECK, MODEL = StepId("test.shop.key"), StepId("model.shop.a")
NODES = (make_source("orders"), make_node("test.key", "source.raw.orders"), make_node("model.a", "source.raw.orders"))


def last(status: Status | None, hours: float) -> LastAttempt:
    """How a step ended when it last ran, so many hours after noon."""
    return LastAttempt(run_id="r1", status=status, ended_at=NOON + timedelta(hours=hours))


def closed(graph, **tries: LastAttempt):
    """Return what is closed in a plan of the model alone."""
    known = {StepId(name.replace("__", ".")): one for name, one in tries.items()}
    plan = plan_for(graph, "model.a", upstream=Upstream.NONE)
    return closed_by(graph, plan, Past(last_attempts=known), frozenset())


@pytest.mark.parametrize("status", [Status.FAIL, Status.ERROR])
def test_a_source_check_that_did_not_pass_closes_the_gate(status):
    assert closed(make_graph(*NODES), test__shop__key=last(status, 1)) == {MODEL: CHECK}


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.WARN, Status.CANCELLED, None])
def test_any_other_result_of_the_check_closes_no_gate(status):
    assert closed(make_graph(*NODES), test__shop__key=last(status, 1)) == {}


@pytest.mark.parametrize("step", ["ingest__load_shop", "ingest__load_shop__shop"])
def test_a_load_after_the_check_opens_nothing(step):
    """Nobody has checked the new rows: the gate stays closed until the check passes."""
    graph = make_graph(*NODES, loads=[make_dlt_source("shop", "orders")])
    loaded = last(Status.SUCCESS, 2)
    assert closed(graph, test__shop__key=last(Status.FAIL, 1), **{step: loaded}) == {MODEL: CHECK}


def test_a_planned_seed_that_writes_the_source_opens_the_gate():
    """As a model in the plan does: the failure says nothing of the rows that it will write."""
    graph = make_graph(make_node("seed.s", table="raw.orders"), *NODES)
    failed = Past(last_attempts={CHECK: last(Status.FAIL, 1)})
    plan = plan_for(graph, "model.a", "seed.s", upstream=Upstream.NONE)
    assert closed_by(graph, plan, failed, frozenset()) == {}


def test_a_check_of_a_source_and_a_model_stays_valid_while_neither_changes():
    """With the model rebuilt in the plan, the check's result says nothing about it."""
    both = make_node("test.both", "source.raw.orders", "model.b")
    graph = make_graph(*NODES, make_node("model.b", "source.raw.orders"), both, make_node("model.c", "model.b"))
    failed = {StepId("test.shop.both"): last(Status.FAIL, 1)}
    plan = plan_for(graph, "model.b", "model.c", upstream=Upstream.NONE)
    assert closed_by(graph, plan, Past(last_attempts=failed), frozenset()) == {}
