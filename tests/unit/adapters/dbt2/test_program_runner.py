"""Each step of a batch ends with exactly one outcome, whatever the process of dbt does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from orchestrator.adapters.dbt2.node_report import NodeReport
from orchestrator.adapters.dbt2.program_runner import DbtProgramRunner
from orchestrator.adapters.dbt2.telemetry import DbtMessage
from orchestrator.execution.outcome import ErrorClass, Outcome, ReasonCode
from orchestrator.execution.ports import Request
from orchestrator.execution.stopping import StepStop
from orchestrator.nodes.identity import ResourceType
from orchestrator.plan.status import Status
from tests.unit.adapters.dbt2.test_program_calls import build, check, freshness, names_of

A, B, T = build("model.shop.a"), build("model.shop.b"), check("test.shop.t")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def report(node: str, status: Status = Status.SUCCESS, word: str = "success", **more) -> NodeReport:
    return NodeReport(unique_id=node, status=status, word=word, started_at=AT, ended_at=AT, **more)


@dataclass
class Process:
    """A process that reports what it is given; `then` is called between reports."""

    reports: list[NodeReport | object]
    code: int = 0
    words: str = "dbt ended with code 1: no connection"
    was_interrupted: bool = False
    messages: list[DbtMessage] = field(default_factory=list)

    @property
    def telemetry(self):
        return self

    def take_messages(self) -> list[DbtMessage]:
        taken, self.messages = self.messages, []
        return taken

    def follow(self) -> Iterator[NodeReport]:
        for each in self.reports:
            if isinstance(each, NodeReport):
                yield each
            else:
                each()

    def interrupt(self) -> None:
        self.was_interrupted = True

    def how_it_ended(self) -> str:
        return self.words


def runner_of(*processes: Process, full_refresh: bool = False):
    """Return a runner that starts these processes, what it started, and what it warned of."""
    left, calls, warned = list(processes), [], []

    def start(call):
        calls.append(call)
        return left.pop(0)

    made = DbtProgramRunner(start, names_of(A, B, T), full_refresh=full_refresh, hear=lambda *said: warned.append(said))
    return made, calls, warned


def run(runner: DbtProgramRunner, *steps, stop: StepStop | None = None) -> dict[str, Outcome]:
    found = list(runner.run([Request(run_id="r", step=step) for step in steps], stop or StepStop()))
    assert sorted(outcome.step_id for outcome in found) == sorted(step.id for step in steps), "one outcome for each"
    return {outcome.step_id: outcome for outcome in found}


def test_outcomes_are_those_that_dbt_reports():
    """With dbt's own words, figures, and an entry of run_results.json."""
    process = Process(
        [
            report(A.node, rows_affected=3),
            report(T.node, Status.FAIL, "fail", failures=2, message="Got 2 failing rows", log=("select",)),
            report(B.node, Status.ERROR, "error", message="Could not set lock on file"),
        ]
    )
    runner, _, warned = runner_of(process)
    found = run(runner, A, B, T)
    assert (found[A.id].status, found[A.id].rows_affected, found[A.id].log) == (Status.SUCCESS, 3, "")
    assert (found[T.id].status, found[T.id].failures, found[T.id].log) == (Status.FAIL, 2, "select")
    assert found[T.id].error_class is ErrorClass.DATA
    assert found[B.id].error_class is ErrorClass.TRANSIENT
    assert found[A.id].dbt_results[0]["status"] == "success"
    assert found[A.id].dbt_results[0]["adapter_response"] == {"rows_affected": 3}
    assert not warned


def test_a_node_that_dbt_did_not_report_is_an_error_with_what_dbt_said():
    """Also if dbt ended with code 0."""
    runner, _, _ = runner_of(Process([report(A.node)]))
    outcome = run(runner, A, B)[B.id]
    assert outcome.status is Status.ERROR
    assert "no connection" in outcome.message
    assert "dbt reported nothing about model.shop.b" in outcome.message


def test_a_node_that_began_and_did_not_end_is_an_error():
    """With what dbt logged about it until then."""
    begun = report(A.node, Status.ERROR, "error", message="half done", is_finished=False)
    outcome = run(runner_of(Process([begun]))[0], A)[A.id]
    assert (outcome.status, outcome.message) == (Status.ERROR, "half done\ndbt ended with code 1: no connection")


def test_a_skip_blames_the_ancestor_and_a_reused_node_is_reused():
    """As dbt says it."""
    process = Process(
        [
            report(A.node, Status.SKIPPED, "skipped", blame="model.shop.stg"),
            report(B.node, Status.REUSED, "success", message="reused by dbt"),
        ]
    )
    found = run(runner_of(process)[0], A, B)
    assert (found[A.id].reason.code, found[A.id].reason.blame) == (ReasonCode.UPSTREAM_HALTED, "model.shop.stg")
    assert (found[B.id].status, found[B.id].reason.code) == (Status.REUSED, ReasonCode.UNCHANGED)


@pytest.mark.parametrize(
    ("reports", "warns"),
    [([report(A.node)], True), ([report(A.node, Status.FAIL, "fail")], False), ([], False)],
    ids=["success", "fail", "nothing"],
)
def test_an_exit_code_that_no_node_explains_is_reported(reports, warns):
    """dbt may have failed at something else, such as an artifact."""
    runner, _, warned = runner_of(Process(reports, code=1))
    run(runner, A)
    assert bool(warned) is warns
    assert all("although every node succeeded, dbt ended with code 1" in said[1] for said in warned)


def test_what_dbt_has_nothing_to_do_for_needs_no_process():
    """Exposures, saved queries and ephemeral models end as no-op."""
    runner, calls, _ = runner_of()
    exposure = build("exposure.shop.e", ResourceType.EXPOSURE)
    assert run(runner, exposure)[exposure.id].tool_word == "no-op"
    assert not calls


def test_an_interrupted_process_ends_all_of_its_steps():
    """The steps that were asked to end are cancelled; the others broke off and may run again."""
    process = Process([])
    runner, _, _ = runner_of(process)
    killed = report(A.node, Status.ERROR, "error", message="INTERRUPT")
    process.reports = [
        report(T.node, Status.FAIL, "fail"),
        lambda: runner.interrupt([A.id, "model.shop.unknown"]),
        killed,
    ]
    found = run(runner, A, B, T)
    assert process.was_interrupted
    assert found[T.id].status is Status.FAIL
    assert (found[A.id].status, found[A.id].reason.code) == (Status.CANCELLED, ReasonCode.INTERRUPTED)
    assert (found[B.id].status, found[B.id].error_class) == (Status.ERROR, ErrorClass.TRANSIENT)


def test_a_success_after_the_interruption_counts():
    """The work is done."""
    process = Process([])
    runner, _, _ = runner_of(process)
    process.reports = [lambda: runner.interrupt([A.id]), report(A.node)]
    assert run(runner, A)[A.id].status is Status.SUCCESS


def test_a_step_that_has_ended_interrupts_nothing():
    """A late interruption must not end the process of the others."""
    process = Process([])
    runner, _, _ = runner_of(process)
    process.reports = [report(A.node), lambda: runner.interrupt([A.id]), report(B.node)]
    assert run(runner, A, B)[B.id].status is Status.SUCCESS
    assert not process.was_interrupted


def test_a_stopped_batch_starts_no_further_process():
    """Its other calls are cancelled."""
    stop = StepStop()
    unit = check("unit_test.shop.u", ResourceType.UNIT_TEST)
    process = Process([report(A.node), stop.set])
    left = [process]
    runner = DbtProgramRunner(lambda _call: left.pop(), names_of(A, unit), full_refresh=False, hear=print)
    found = run(runner, A, unit, stop=stop)
    assert (found[A.id].status, found[unit.id].status) == (Status.SUCCESS, Status.CANCELLED)


def test_a_node_that_was_not_asked_for_is_reported():
    """What was built besides the plan is never silent."""
    runner, _, warned = runner_of(Process([report(A.node), report("model.shop.other")]))
    run(runner, A)
    assert warned == [("warning", "dbt also ran nodes that are not part of the plan: model.shop.other", "")]


def test_what_dbt_says_is_passed_on_and_a_warning_only_once():
    """Each process parses the project again, and warns again."""
    deprecated = DbtMessage(kind="warning", text="deprecated")
    printed = DbtMessage(kind="printed", text="hello", node=A.node)
    processes = [Process([report(step.node)], messages=[deprecated, printed]) for step in (A, B)]
    runner, _, said = runner_of(*processes)
    run(runner, A)
    run(runner, B)
    assert said == [("warning", "deprecated", ""), ("printed", "hello", A.node), ("printed", "hello", A.node)]


def test_the_freshness_of_a_source_has_no_entry_among_the_results_of_nodes():
    """dbt keeps it in sources.json."""
    gate = freshness("source.shop.raw.orders")
    outcome = run(runner_of(Process([report(gate.node, Status.FAIL, "error", message="old")]))[0], gate)[gate.id]
    assert (outcome.status, outcome.dbt_results) == (Status.FAIL, ())


@pytest.mark.parametrize("full_refresh", [True, False])
def test_a_full_refresh_reaches_the_call(full_refresh):
    """Only for what was named."""
    runner, calls, _ = runner_of(Process([report(A.node)]), full_refresh=full_refresh)
    run(runner, A)
    assert [call.full_refresh for call in calls] == [full_refresh]


def test_a_process_that_breaks_leaves_no_step_running():
    """A bug is reported by the executor, and a later interruption finds nothing."""

    def broken():
        raise RuntimeError

    process = Process([broken])
    runner, _, _ = runner_of(process)
    with pytest.raises(RuntimeError):
        run(runner, A)
    runner.interrupt([A.id])
    assert not process.was_interrupted
