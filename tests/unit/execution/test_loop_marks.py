"""What a runner is told of the try that it runs: which one of the run it is, and the mark to leave in the target."""

from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.ports import Request, Verify
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import Mark
from tests.factories import make_outcome
from tests.fakes.reuse import FakeReuse, reused
from tests.fakes.step_runner import FakeStepRunner
from tests.unit.execution.test_loop_repeats import busy, tried


def test_attempts_are_numbered_from_those_of_an_earlier_sitting():
    """The number is the record's, so that a marker of one try is never taken for that of another."""
    told: list[tuple[str, int]] = []

    def first_busy(request: Request) -> list[Outcome]:
        told.append((request.step.id, request.attempt))
        return [busy("a") if request.attempt == 3 else make_outcome(request.step.id, Status.SUCCESS)]

    runner = FakeStepRunner({"a": first_busy, "b": first_busy})
    tried("a -> b", runner, policies={"a": RepeatPolicy(repeats=1)}, tried={StepId("a"): 2}).run()
    assert told == [("a", 3), ("a", 4), ("b", 1)]


def test_a_steps_marker_is_requested_when_it_starts():
    """When all of its parents have ended: what its result follows from is known only then."""
    heard: list[str] = []
    marks: dict[str, Mark | None] = {}

    def mark(step_id: StepId) -> Mark | None:
        heard.append(f"mark {step_id}")
        return Mark(digest=f"of {step_id}", identity="i") if step_id == "b" else None

    def note(request: Request) -> list[Outcome]:
        heard.append(f"run {request.step.id}")
        marks[request.step.id] = request.mark
        return [make_outcome(request.step.id, Status.SUCCESS)]

    tried("a -> b", FakeStepRunner({"a": note, "b": note}), policies={}, reuse=FakeReuse(marks=mark)).run()
    assert heard == ["mark a", "run a", "mark b", "run b"]
    assert marks == {"a": None, "b": Mark(digest="of b", identity="i")}


def test_a_verified_step_is_scheduled_as_one_that_runs():
    """The runner is asked for it, again after an error that may pass; an error halts what is below."""
    verify = Verify(reused=reused("a"), of_run="r0")
    asked: list[Verify | None] = []

    def first_busy(request: Request) -> list[Outcome]:
        asked.append(request.verify)
        return [busy("a") if len(asked) == 1 else make_outcome("a", Status.ERROR, code=ReasonCode.DIFFERS)]

    reuse = FakeReuse(verified={"a": verify})
    once_more = {"a": RepeatPolicy(repeats=1)}
    run = tried("a -> b, c", FakeStepRunner({"a": first_busy, "c": Status.SUCCESS}), policies=once_more, reuse=reuse)
    ended = run.run()
    assert ended.statuses == {"a": "error", "b": "skipped", "c": "success"}
    assert asked == [verify, verify]
    assert [line for line in ended.heard.lines if "start" in line or "verify" in line] == [
        "verify a",
        "start c",
        "verify a",
    ]
