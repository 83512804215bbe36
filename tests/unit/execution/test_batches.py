"""Another way to run steps is one more route and its executor, and may take several steps in one call."""

from collections.abc import Iterable, Sequence

import pytest

from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.codec import from_text, to_text
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import Request, Stop
from orchestrator.execution.routes import ROUTES, Route, Tool, route_of, tool_of
from orchestrator.execution.stopping import StepStop, StopOfAll, StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep, Step
from orchestrator.wiring.runners import _MAKERS
from tests.factories import make_outcome, make_plan, make_step
from tests.fakes.clock import FixedClock
from tests.fakes.reuse import FakeReuse, reused
from tests.fakes.step_runner import FakeStepRunner, one_runner
from tests.unit.execution.scheduling import begun, ids

KINDS = {
    "model": Tool.DBT,
    "test_a": Tool.DBT,
    "hook_end": Tool.DBT,
    "fresh_a": Tool.DBT,
    "age_a": Tool.LOAD_AGE,
    "load_a": Tool.DLT,
    "suite_a": Tool.GREAT_EXPECTATIONS,
}


def builds(step: Step) -> bool:
    return isinstance(step, BuildStep)


def routes(size: int) -> tuple[Route, ...]:
    """The usual routes, and before them one for builds."""
    return (Route(executor="worker", lane=Lane.DBT, takes=builds, batch_size=size), *ROUTES)


class Worker:
    """A worker somewhere else: it gets batches of requests as JSON, and answers with outcomes as JSON."""

    def __init__(self, script: dict[str, object] | None = None) -> None:
        self.batches: list[list[str]] = []
        self.runner = FakeStepRunner(script or {})  # type: ignore[arg-type]

    def run(self, requests: Sequence[Request], stop: Stop) -> Iterable[Outcome]:
        sent = [to_text(request) for request in requests]
        received = [from_text(text, Request) for text in sent]
        self.batches.append([request.step.id for request in received])
        for outcome in self.runner.run(received, stop):
            yield from_text(to_text(outcome), Outcome)

    def interrupt(self, steps: object) -> None:
        """Nothing runs for long."""


def run_with(drawing: str, worker: Worker, size: int, **terms: object) -> dict[str, str]:
    """Run a plan whose builds go to the worker, everything else to a usual runner."""
    clock = FixedClock()
    inbox, way = Inbox(clock), routes(size)
    asked = RunTerms(run_id="r", database="d", limits=Limits(dbt=1), routes=way, **terms)  # type: ignore[arg-type]
    runners = {**one_runner(FakeStepRunner()), "worker": worker}
    outcomes = run_plan(
        make_plan(drawing),
        thread_executors(runners, asked.limits, inbox, clock, way),
        terms=asked,
        chronicle=Chronicle(Audience((), clock), inbox, clock),
        inbox=inbox,
        clock=clock,
        stop=StopRequest(),
    )
    return {outcome.step_id: str(outcome.status) for outcome in outcomes}


def test_every_kind_of_step_has_a_route_and_its_executor_a_maker() -> None:
    """Which tool runs a step is decided in one table."""
    steps = [make_step(name) for name in KINDS]
    assert {step.id: tool_of(step) for step in steps} == KINDS
    assert {step.id: route_of(step).executor for step in steps} == KINDS
    assert {route.executor for route in ROUTES} == set(Tool) == set(_MAKERS)


def test_the_first_route_that_takes_a_step_runs_it() -> None:
    """A route before the usual ones takes builds from dbt, and leaves it the tests."""
    assert route_of(make_step("a"), routes(1)).executor == "worker"
    assert route_of(make_step("test_a"), routes(1)).executor == Tool.DBT


def test_a_step_without_a_route_is_refused() -> None:
    """A bug of the wiring, named before anything starts."""
    with pytest.raises(ValueError, match="no route takes the step load_a"):
        begun("load_a", routes=routes(1)[:1])


def test_ready_steps_are_grouped_up_to_the_size_of_a_batch() -> None:
    """Five ready builds and two slots: a batch of three and one of two; a test has a batch of its own."""
    _, first = begun("a, b, c, d, e, test_f", Limits(dbt=3), routes=routes(3))
    assert [(batch.executor, ids(batch.steps)) for batch in first.batches] == [
        ("worker", ["a", "b", "c"]), ("worker", ["d", "e"]), ("dbt", ["test_f"])
    ]  # fmt: skip


def test_a_batch_takes_one_slot_until_its_last_step_has_ended() -> None:
    """The next batch starts with the end of the last step, however long a single one takes."""
    scheduler, first = begun("a, b, c, d", Limits(dbt=1), routes=routes(2))
    assert ids(first.start) == ["a", "b"]
    assert ids(scheduler.end(make_outcome("b")).start) == []
    assert ids(scheduler.end(make_outcome("a")).start) == ["c", "d"]


def test_routes_of_one_lane_share_its_limit() -> None:
    """The most urgent step of the lane is next, whoever runs it."""
    scheduler, first = begun("test_a -> x -> y, b -> z, test_c", Limits(dbt=1), routes=routes(1))
    assert ids(first.start) == ["test_a"]
    second = scheduler.end(make_outcome("test_a"))
    assert ids(second.start) == ["x"]
    assert ids(scheduler.end(make_outcome("x")).start) == ["b"]


def test_an_executor_takes_several_steps_at_once() -> None:
    """The worker runs four builds in two calls, with requests and outcomes that survived JSON."""
    worker = Worker()
    assert set(run_with("a -> c, b -> d, d -> test_d", worker, 2).values()) == {"success"}
    assert worker.batches == [["b", "a"], ["d", "c"]]


def test_each_step_of_a_batch_has_its_own_end() -> None:
    """One fails: its child is skipped, the others go on."""
    worker = Worker({"b": Status.ERROR})
    assert run_with("a -> c, b -> d", worker, 2) == {"a": "success", "b": "error", "c": "success", "d": "skipped"}


def test_a_worker_that_raises_ends_the_rest_of_its_batch() -> None:
    """What it had delivered before stays; what it had not is an error."""
    worker = Worker({"b": ZeroDivisionError("oh")})
    assert run_with("a, b, c", worker, 3) == {"a": "success", "b": "error", "c": "error"}


def test_a_worker_that_forgets_a_step_ends_it_with_an_error() -> None:
    """The run neither hangs nor trusts it."""
    worker = Worker({"b": lambda _request: []})
    assert run_with("a, b, c", worker, 3) == {"a": "success", "b": "error", "c": "success"}


def test_steps_of_a_batch_that_need_not_run_are_left_out_of_it() -> None:
    """The worker gets the rest of the batch, and nothing if all of it is reused."""
    worker = Worker()
    reuse = FakeReuse({name: reused(name) for name in ("a", "c", "d")})
    found = run_with("a, b, c, d", worker, 2, reuse=reuse)
    assert worker.batches == [["b"]]
    assert found == {"a": "reused", "b": "success", "c": "reused", "d": "reused"}


def test_a_batch_is_stopped_when_none_of_it_is_wanted() -> None:
    """One step alone that is asked to end is interrupted by its name; the others of its batch go on."""
    first, second = StepStop(), StepStop()
    stop = StopOfAll([first, second])
    first.set()
    assert not stop.is_set()
    second.set()
    assert stop.is_set()
