"""What follows from the rows that a load brought: its status, and the readers that it halts."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.node_wishes import OnNoData
from orchestrator.execution.load_rules import LoadRules, SourceRule
from orchestrator.execution.outcome import Outcome, Part, ReasonCode
from orchestrator.nodes.identity import NodeId, Relation, ResourceType
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Cause, StepId, Why

LOAD = StepId("ingest.elt_shop")
TABLES = ("orders", "customers")
CONTINUE, SKIP, FAIL = OnNoData


def relation(table: str) -> Relation:
    return Relation(database="shop", schema="Shop", identifier=table)


def reader(name: str, *tables: str) -> BuildStep:
    return BuildStep(
        id=StepId(name),
        name=name,
        path="",
        cause=Cause(why=Why.SELECTED),
        node=NodeId(name),
        resource_type=ResourceType.MODEL,
        materialized="table",
        reads=tuple(map(relation, tables)),
    )


READERS = (reader("o", "orders"), reader("c", "customers"), reader("both", *TABLES), reader("unknown"))


def loaded(**rows: int) -> Outcome:
    parts = tuple(Part(name=f"shop.{table}", status=Status.SUCCESS, rows=number) for table, number in rows.items())
    status = Status.SUCCESS if any(rows.values()) else Status.NO_DATA
    return Outcome(step_id=LOAD, status=status, parts=parts)


def rules(usual: OnNoData = CONTINUE, **orders: object) -> LoadRules:
    own = SourceRule(name="shop.orders", relation=relation("orders"), **orders)
    other = SourceRule(name="shop.customers", relation=relation("customers"))
    return LoadRules(on_no_data=usual, sources={LOAD: (own, other)})


def test_a_rule_of_a_source_halts_its_readers_only():
    """`unknown` reads no table that is known before the load: with a load that fails, it does not run either."""
    made = rules(on_no_data=FAIL)
    outcome = made.judged(loaded(customers=3))
    assert (outcome.status, outcome.message) == (Status.FAIL, "shop.orders got no new rows, on_no_data is fail")
    assert made.halted(outcome, READERS) == dict.fromkeys(["o", "both", "unknown"], ReasonCode.UPSTREAM_HALTED)
    made = rules(on_no_data=SKIP)
    assert made.judged(loaded(customers=3)).status is Status.SUCCESS
    assert made.halted(loaded(customers=3), READERS) == dict.fromkeys(["o", "both"], ReasonCode.NO_NEW_DATA)


def test_a_general_rule_counts_the_whole_load():
    """It concerns a load that brought nothing, unless the source has a rule of its own."""
    made = rules(SKIP)
    assert made.halted(loaded(customers=3), READERS) == {}
    assert set(made.halted(loaded(), READERS)) == {"o", "c", "both", "unknown"}
    assert set(rules(SKIP, on_no_data=CONTINUE).halted(loaded(), READERS)) == {"c", "both", "unknown"}
    failed = rules(FAIL).judged(loaded())
    assert failed.status is Status.FAIL
    assert set(rules(FAIL).halted(failed, READERS)) == {"o", "c", "both", "unknown"}


def test_a_table_that_was_replaced_has_news():
    """Its earlier rows are gone, even if no row came; `min_rows` still counts rows."""
    part = Part(name="shop.orders", status=Status.SUCCESS, rows=0, detail={"replaced": True})
    outcome = Outcome(step_id=LOAD, status=Status.SUCCESS, parts=(part,))
    assert rules(on_no_data=FAIL).judged(outcome).status is Status.SUCCESS
    failed = rules(min_rows=1).judged(outcome)
    assert failed.message == "shop.orders got 0 rows, min_rows is 1"


def test_a_load_that_did_not_succeed_is_left_as_it_is():
    """Its own status says more."""
    broken = Outcome(step_id=LOAD, status=Status.ERROR, message="the shop is down")
    assert rules(FAIL, min_rows=3).judged(broken) is broken
    assert not rules(FAIL).decides(broken)


POLICIES = st.sampled_from([None, *OnNoData])


@given(st.sampled_from(OnNoData), POLICIES, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_a_green_load_halts_no_reader_as_failed(usual, own, least, orders, customers):
    """A load that fails halts at least one reader; a green one only skips, and never a reader of rows that came."""
    made = rules(usual, on_no_data=own, min_rows=least)
    before = loaded(orders=orders, customers=customers)
    outcome = made.judged(before)
    halted = made.halted(outcome, READERS) if made.decides(outcome) else {}
    if outcome.status is Status.FAIL:
        assert ReasonCode.UPSTREAM_HALTED in halted.values()
    else:
        assert outcome is before
        assert set(halted.values()) <= {ReasonCode.NO_NEW_DATA}
    if orders and orders >= least:
        assert "o" not in halted
    if customers:
        assert "c" not in halted
