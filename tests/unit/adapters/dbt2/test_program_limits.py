"""What dbt 2.x cannot do is said when a run is planned."""

from dataclasses import replace

from orchestrator.adapters.dbt2.program_limits import levels_of, notes_on, refusals_of
from orchestrator.nodes.target import Target
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import Cause, HookStep, IngestStep, StepId, Why
from tests.unit.adapters.dbt2.test_program_calls import build, check, freshness, names_of

TARGET = Target(name="dev", adapter="duckdb", threads=1, database="shop", path="/data/shop.duckdb")
CAUSE = Cause(why=Why.SELECTED)
A = build("model.shop.a")
T = replace(check("test.shop.t"), parents=(A.id,))
B = replace(build("model.shop.b"), parents=(A.id,), after=(T.id,))
NAMES = names_of(A, T, B)
HOOK = HookStep(id=StepId("hook.start"), name="on-run-start", path="dbt_project.yml", cause=CAUSE, when="start")
LOAD = IngestStep(
    id=StepId("ingest.shop"),
    name="shop",
    path="ingestion/shop.py",
    cause=CAUSE,
    source="shop",
    module="shop",
    attribute="shop",
    pipeline="shop",
    dataset="raw",
    working_dir=None,
    resources=(),
    nodes=(),
)


def test_a_plan_of_nodes_alone_can_run():
    """Builds, tests, and freshness by dbt's query."""
    assert not list(refusals_of(Plan(steps=(A, T, B, freshness("source.shop.raw.x"))), TARGET, NAMES, "dbt 2.0.1"))


def test_hooks_are_refused():
    """Every process would run them again, and a run has many."""
    ((problem, hint),) = refusals_of(Plan(steps=(HOOK, A)), TARGET, NAMES, "dbt 2.0.1")
    assert problem == "dbt 2.0.1 cannot run the on-run-start hooks once: each of its processes would run them again."
    assert "dbt.command" in hint


def test_work_beside_dbt_is_refused():
    """elt cannot open the database while only dbt does."""
    gate = replace(freshness("source.shop.raw.x"), by_load=True)
    ((problem, hint),) = refusals_of(Plan(steps=(LOAD, gate, A)), TARGET, NAMES, "dbt 2.0.1")
    assert "shop, source.shop.raw.x" in problem
    assert "--no-ingest" in hint


def test_the_plan_says_how_it_runs():
    """How many processes at least, and what is not kept."""
    plan = Plan(steps=(A, T, B))
    assert levels_of(plan) == 3
    assert any("3 processes" in note for note in notes_on(plan, "dbt 2.0.1"))
    assert any("one process" in note for note in notes_on(Plan(steps=(A,)), "dbt 2.0.1"))
    assert not notes_on(Plan(steps=(LOAD,)), "dbt 2.0.1")


def test_a_database_in_memory_is_refused():
    """The tables of one process would be gone before the next one reads them."""
    ((problem, _),) = refusals_of(Plan(steps=(A,)), replace(TARGET, path=":memory:"), NAMES, "dbt 2.0.1")
    assert "is in memory" in problem


def test_names_that_no_expression_can_select_are_refused():
    """A space divides expressions, and a plus adds ancestors."""
    odd = build("model.shop.two words")
    ((problem, _),) = refusals_of(Plan(steps=(A, odd)), TARGET, names_of(A, odd), "dbt 2.0.1")
    assert "model.shop.two words" in problem
