"""What is told of a recorded run: its root causes, their owners, and what is out of date."""

from datetime import timedelta

from orchestrator.config.notification_settings import NotifyEvent
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import RecordedAttempt, RecordedRun, RecordedStep
from orchestrator.execution.verdict import run_status
from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.nodes.identity import NodeId, ResourceType
from orchestrator.notifications.happening import Happening, HappeningKind
from orchestrator.notifications.run_facts import facts_of
from orchestrator.notifications.trouble import RunFacts
from orchestrator.plan.plan_words import kind_of
from tests.factories import make_head, make_outcome, make_plan
from tests.fakes.clock import NOON

PLAN = "load_api -> stg -> fct -> mart, stg -> test_key, other"


def node(name: str, kind: ResourceType = ResourceType.MODEL, parents: tuple[str, ...] = (), owner: str = "") -> DbtNode:
    return DbtNode(
        unique_id=NodeId(f"{kind}.shop.{name}"),
        name=name,
        resource_type=kind,
        package="shop",
        path=f"models/{name}.sql",
        parents=tuple(NodeId(f"model.shop.{parent}") for parent in parents),
        owners=(owner,) if owner else (),
    )


MANIFEST = Manifest(
    project_name="shop",
    adapter_type="duckdb",
    dbt_version="1.11",
    nodes={
        one.unique_id: one
        for one in (
            node("stg", owner="ann"),
            node("fct", parents=("stg",)),
            node("mart", parents=("fct",), owner="cy"),
            node("test_key", parents=("stg",)),
            node("other"),
            node("board", ResourceType.EXPOSURE, parents=("mart",), owner="bo"),
            node("elsewhere", ResourceType.EXPOSURE, parents=("other",)),
        )
    },
    sources={},
)


def facts(*outcomes: Outcome, kind: HappeningKind = HappeningKind.ENDED) -> RunFacts:
    plan = make_plan(PLAN)
    by_step = {outcome.step_id: outcome for outcome in outcomes}
    steps = tuple(
        RecordedStep(
            step_id=step.id,
            name=step.name,
            kind=kind_of(step),
            why="",
            status=None if outcome is None else outcome.status,
            reason=None if outcome is None else outcome.reason,
            attempts=() if outcome is None else (RecordedAttempt(number=1, started_at=NOON, outcome=outcome),),
            place=f"main.{step.name}",
        )
        for step, outcome in ((step, by_step.get(step.id)) for step in plan.steps)
    )
    head = make_head(status=run_status(outcomes) if kind is HappeningKind.ENDED else None)
    run = RecordedRun(head=head, asked={}, plan=plan, steps=steps)
    happening = Happening(kind=kind, at=NOON + timedelta(minutes=1), run_id="r1", schedule="nightly")
    return facts_of(happening, "shop", run, MANIFEST)


def halted(*names: str, blame: str) -> list[Outcome]:
    return [make_outcome(name, "skipped", code=ReasonCode.UPSTREAM_HALTED, blame=blame) for name in names]


def test_one_cause_with_all_that_it_halted_is_one_trouble() -> None:
    """Builds are named before tests; the exposures below are out of date."""
    found = facts(make_outcome("load_api"), make_outcome("stg", "error", message="no such column"),
                  *halted("fct", "mart", "test_key", blame="stg"), make_outcome("other"))  # fmt: skip
    (trouble,) = found.troubles
    assert (trouble.name, trouble.message, trouble.path) == ("model stg", "no such column", "models/stg.sql")
    assert trouble.halted == ("fct", "mart", "test_key")
    assert [one.name for one in trouble.exposures] == ["board"]
    assert trouble.owners == ("ann", "cy", "bo")
    assert (trouble.key.place, trouble.key.event) == ("main.stg", NotifyEvent.FAILURE)
    assert [command for command, _ in found.commands] == ["elt logs r1 stg", "elt show r1", "elt retry r1"]


def test_two_causes_are_two_troubles() -> None:
    found = facts(make_outcome("stg", "error"), *halted("fct", "mart", blame="stg"), make_outcome("other", "error"))
    assert [(one.name, len(one.halted)) for one in found.troubles] == [("model stg", 2), ("model other", 0)]
    assert [one.name for one in found.troubles[1].exposures] == ["elsewhere"]


def test_a_failed_test_concerns_the_owner_of_the_tested_model() -> None:
    """And it names the rows that did not pass."""
    (trouble,) = facts(make_outcome("stg"), make_outcome("test_key", "fail", failures=12)).troubles
    assert trouble.failing == "12 rows"
    assert "ann" in trouble.owners


def test_steps_behind_the_same_closed_gate_are_one_cause() -> None:
    """The check that closed it is not in this run; it is the cause, wherever it was run."""
    closed = {"code": ReasonCode.GATE_CLOSED, "blame": "test.shop.old.1"}
    outcomes = [make_outcome(name, "skipped", **closed) for name in ("stg", "other")]
    (trouble,) = facts(*outcomes).troubles
    assert (trouble.key.step, trouble.key.place) == ("test.shop.old.1", "")
    assert trouble.halted == ("stg", "other")


def test_warnings_and_loads_without_new_rows_are_troubles_of_their_own() -> None:
    found = facts(make_outcome("load_api", "no_data"), make_outcome("stg"), make_outcome("test_key", "warn"))
    assert found.is_green
    assert {one.key.event for one in found.troubles} == {NotifyEvent.WARNING, NotifyEvent.NO_DATA}


def test_an_interrupted_run_without_a_failed_step_is_a_failure_of_the_run() -> None:
    (trouble,) = facts(make_outcome("stg"), make_outcome("fct", "cancelled", code=ReasonCode.INTERRUPTED)).troubles
    assert (trouble.key.step, trouble.name) == ("run", "schedule nightly")
    assert trouble.message == "the run was interrupted; 1 step did not end"


def test_a_lost_run_of_a_schedule_shows_whether_it_is_resumed() -> None:
    found = facts(make_outcome("stg"), kind=HappeningKind.LOST)
    assert [one.key.event for one in found.troubles] == [NotifyEvent.LOST]
    assert [command for command, _ in found.commands] == ["elt show r1", "elt schedule list"]


def test_skipped_and_cancelled_steps_show_neither_failure_nor_success() -> None:
    """They resolve nothing that an earlier run reported."""
    found = facts(make_outcome("stg", "error"), *halted("fct", blame="stg"))
    assert {step for _, place, step in found.ended if place.startswith("main.")} == {"stg"}
