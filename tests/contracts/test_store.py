"""What every store promises, whatever it is kept in."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest

from orchestrator.errors import AmbiguousRunError, StoreError, UnknownRunError
from orchestrator.execution.events import (
    AttemptEnded,
    Noticed,
    NoticeKind,
    RunEnded,
    RunOrigin,
    RunStarted,
    StepEnded,
    StepStarted,
)
from orchestrator.execution.outcome import ErrorClass, Outcome, Part, ReasonCode
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import WHOLE, Code, Failing, Lease, Opening, Process
from orchestrator.faults import Point
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint
from orchestrator.reuse.last_success import RecordedFingerprint
from orchestrator.store.database import store_url
from orchestrator.store.memory import MemoryStore
from orchestrator.store.sql_store import SqlStore
from tests.factories import make_outcome, make_plan
from tests.fakes.clock import NOON
from tests.fakes.reuse import reused
from tests.functional.postgres.server import PASSWORD, Server, running_server

PROCESS = Process(host="laptop", pid=4711, started_at=NOON - timedelta(minutes=1), user="ada")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as running:
        yield running


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    """An empty store of each kind."""
    made = make_store(request.param, request, tmp_path)
    made.writer(opening())  # a run that never began
    yield made
    made.close()


def make_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> RunStore:
    """Make an empty store; on PostgreSQL in a database of its own."""
    if kind == "memory":
        return MemoryStore()
    if kind == "sqlite":
        return SqlStore(store_url("history.db", folder))
    server = request.getfixturevalue("server")
    database = f"runs_{uuid4().hex}"
    server.rows(f"create database {database}")
    return SqlStore(store_url(f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{database}", folder))


def opening(run_id: str = "r1", *, minutes: float = 0, **known: object) -> Opening:
    """Say how a run begins."""
    at = NOON + timedelta(minutes=minutes)
    return Opening(**{"run_id": run_id, "started_at": at, "verb": "build", "process": PROCESS, **known})


def started(plan: Plan, run_id: str = "r1") -> RunStarted:
    """The first event of a run."""
    return RunStarted(run_id=run_id, at=NOON, plan=plan, database="shop.duckdb")


def step_started(name: str, seconds: float = 0) -> StepStarted:
    """A step was handed to its runner."""
    return StepStarted(at=NOON + timedelta(seconds=seconds), step_id=StepId(name))


def verify_started(name: str) -> StepStarted:
    """A step was handed to its runner, not to be built but to be verified."""
    return StepStarted(at=NOON, step_id=StepId(name), verifies=True)


def step_ended(outcome: Outcome, known: RecordedFingerprint | None = None) -> StepEnded:
    """A step ended."""
    return StepEnded(at=NOON, outcome=outcome, known=known)


def test_a_run_in_progress_is_read_completely(store: RunStore) -> None:
    """How it began, its plan, and each step, from the first event on; it has no status yet."""
    plan = make_plan("load_bts -> stg -> test_key, stg -> fct")
    begun = opening(
        trigger="cli",
        command=("run", "--select", "fct"),
        code=Code(commit="abc", dirty=True),
        versions={"dbt-core": "1.11.16"},
        target="dev",
        target_identity="duckdb shop.duckdb",
        database="shop.duckdb",
    )
    store.writer(begun).record([started(plan)])
    found = store.reader().run("r1")
    assert found.plan == plan
    assert found.head.status is None
    assert (found.head.trigger, found.head.command) == ("cli", ("run", "--select", "fct"))
    assert (found.head.code, found.head.versions) == (Code(commit="abc", dirty=True), {"dbt-core": "1.11.16"})
    assert (found.head.process, found.head.started_at, found.head.steps) == (PROCESS, NOON, 4)
    assert [(step.step_id, step.kind, step.status) for step in found.steps] == [
        ("load_bts", "ingest", None), ("stg", "model", None), ("test_key", "data test", None), ("fct", "model", None),
    ]  # fmt: skip


def test_an_outcome_is_read_as_it_was_recorded(store: RunStore) -> None:
    """Every field comes back: times with their zone, parts with their details, dbt's own record."""
    outcome = make_outcome(
        "load_bts",
        Status.WARN,
        seconds=3,
        tool_word="loaded",
        message="a late file",
        rows_affected=5_000_000_000,
        row_count=6_000_000_000,
        bytes_processed=5_000_000_000,
        query_seconds=0.25,
        log="12:00:00 debug\nread bts.csv",
        failures=1,
        path="ingestion/bts.py",
        compiled_path="target/x.sql",
        parts=(Part(name="flights", status=Status.SUCCESS, rows=12, detail={"load_id": "1.5", "new": True}),),
        dbt_results=({"status": "success", "timing": [{"name": "execute"}]},),
    )
    writer = store.writer(opening())
    writer.record([started(make_plan("load_bts")), step_started("load_bts")])
    writer.record([step_ended(outcome)])
    (step,) = store.reader().run("r1").steps
    assert step.status is Status.WARN
    assert [attempt.outcome for attempt in step.attempts] == [outcome]


def test_a_skip_has_a_cause_and_no_attempt(store: RunStore) -> None:
    """A step that never started has no try, but a status, a reason and the step to blame."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a -> b"))])
    writer.record([step_ended(make_outcome("b", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="a"))])
    step = store.reader().run("r1").steps[1]
    assert (step.status, step.attempts) == (Status.SKIPPED, ())
    assert step.reason is not None
    assert (step.reason.code, step.reason.blame) == (ReasonCode.UPSTREAM_HALTED, "a")


def test_each_attempt_of_a_step_is_kept(store: RunStore) -> None:
    """A repeat is a further attempt, each with its whole outcome; the step has a status when the last has ended."""
    part = Part(name="batch 1", status=Status.ERROR, message="the lock")
    locked = make_outcome("a", Status.ERROR, message="the lock", error_class=ErrorClass.TRANSIENT, parts=(part,))
    again_at = NOON + timedelta(seconds=5)
    writer = store.writer(opening())
    writer.record([started(make_plan("a")), step_started("a")])
    writer.record([AttemptEnded(at=NOON, outcome=locked, again_at=again_at, attempt=1, most=3)])
    (step,) = store.reader().run("r1").steps
    assert (step.status, [attempt.outcome for attempt in step.attempts]) == (None, [locked])
    writer.record([step_started("a", 5)])
    writer.record([step_ended(make_outcome("a"))])
    (step,) = store.reader().run("r1").steps
    assert step.status is Status.SUCCESS
    assert [(attempt.number, attempt.outcome) for attempt in step.attempts] == [(1, locked), (2, make_outcome("a"))]


def test_events_are_read_as_they_were_recorded(store: RunStore) -> None:
    """A reader gets the events that the writer returned, with the run, their numbers and those of the attempts."""
    part = Part(name="batch 1", status=Status.ERROR, message="the lock", detail={"until": "noon"})
    locked = make_outcome("a", Status.ERROR, message="the lock", error_class=ErrorClass.TRANSIENT, parts=(part,))
    skipped = make_outcome("b", Status.SKIPPED, code=ReasonCode.CIRCUIT_OPEN, message="not attempted", path="b.sql")
    again_at = NOON + timedelta(seconds=5)
    outcomes = (replace(locked, dbt_results=({"unique_id": "a"},)), skipped, reused("c"), make_outcome("d"))
    happened = [
        started(make_plan("a -> b, c, d")),
        step_started("a"),
        AttemptEnded(at=NOON, outcome=locked, again_at=again_at, attempt=1, most=3),
        Noticed(at=NOON, kind=NoticeKind.PRINTED, message="hello", step_id=StepId("a")),
        Noticed(at=NOON, kind=NoticeKind.LEFT_OUT, message="e"),
        step_started("a", 5),
        verify_started("d"),
        *map(step_ended, outcomes),
        RunEnded(run_id="r1", at=NOON, status=Status.ERROR, outcomes=outcomes),
    ]
    told = opening(command=("run",), target="dev", versions={"elt": "1"}, selected={"retries": "r0"})
    recorded = store.writer(told).record(happened)
    assert store.reader().events("r1") == recorded
    assert [event.sequence for event in recorded] == list(range(1, len(happened) + 1))
    assert {event.run_id for event in recorded} == {"r1"}
    attempts = [event.attempt for event in recorded if isinstance(event, StepStarted | StepEnded)]
    assert attempts == [1, 2, 1, 2, None, 1, 1]
    start = recorded[0]
    assert isinstance(start, RunStarted)
    assert start.origin == RunOrigin(
        verb="build", command=("run",), trigger="api", retries="r0", target="dev", user="ada", host="laptop",
        process=4711, versions={"elt": "1"},
    )  # fmt: skip
    assert store.reader().events("r1", after=9) == recorded[9:]
    assert store.reader().events("r1", after=3)[:2] == recorded[3:5]


def test_what_is_said_before_a_run_starts_is_recorded_first(store: RunStore) -> None:
    """Notices from the planning come before the start of the run, also of one that is resumed; no time is counted."""
    waiting = Noticed(at=NOON - timedelta(seconds=3), kind=NoticeKind.WAITING, message="for another run")
    store.writer(opening(notices=[waiting])).record([started(make_plan("a")), step_started("a")])
    later = NOON + timedelta(hours=1)
    process = replace(PROCESS, pid=4712)
    resumed = opening(continues=PROCESS, process=process, notices=[replace(waiting, at=later)])
    again = replace(started(make_plan("a")), at=later + timedelta(seconds=5), resumed=True)
    (recorded,) = store.writer(resumed).record([again])
    assert recorded.sequence == 5
    read = store.reader().events("r1")
    assert [type(event).__name__ for event in read] == [
        "Noticed", "RunStarted", "StepStarted", "Noticed", "RunStarted",
    ]  # fmt: skip
    assert store.reader().heads()[0].events == 5
    assert store.reader().heads()[0].elapsed(later + timedelta(seconds=5)) == timedelta()


def test_an_attempt_that_ended_is_not_changed_later(store: RunStore) -> None:
    """A step that is skipped when its run is resumed keeps its attempts; the events before the resume stay as read."""
    failed = make_outcome("b", Status.ERROR, message="no such column")
    writer = store.writer(opening())
    writer.record([started(make_plan("a -> b -> c")), step_started("b"), step_ended(failed), step_started("c")])
    before = store.reader().events("r1")
    settled = (make_outcome("a"),)
    again = replace(started(make_plan("a -> b -> c")), resumed=True, settled=())
    skipped = make_outcome("b", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="a")
    found = make_outcome("c", code=ReasonCode.FOUND_IN_TARGET)
    writer = store.writer(opening(continues=PROCESS, process=replace(PROCESS, pid=4712)))
    recorded = writer.record([again, step_started("a"), *map(step_ended, (*settled, skipped, found))])
    assert store.reader().events("r1") == before + recorded
    _, b, c = store.reader().run("r1").steps
    assert (b.status, [attempt.outcome for attempt in b.attempts]) == (Status.SKIPPED, [failed])
    assert (c.status, [attempt.outcome for attempt in c.attempts]) == (Status.SUCCESS, [found])


def test_values_that_no_database_stores_are_replaced(store: RunStore) -> None:
    """NUL, half a character, a date and a figure that is none change the text, and never break the record."""
    half = "pi\udce9"
    detail = {"observed": float("nan"), "on": NOON.date(), "bounds": [float("inf"), 1.5]}
    part = Part(name=half, status=Status.FAIL, message="a\0b", detail=detail)
    writer = store.writer(opening())
    writer.record([started(make_plan("a")), step_started("a")])
    writer.record([step_ended(make_outcome("a", Status.FAIL, message=f"{half}\0", parts=(part,)))])
    writer.record([Noticed(at=NOON, kind=NoticeKind.PRINTED, message=half + "\0")])
    (step,) = store.reader().run("r1").steps
    assert step.last is not None
    assert step.last.outcome is not None
    assert step.last.outcome.message.startswith("pi")
    assert len(step.last.outcome.parts) == 1
    printed = store.reader().events("r1")[-1]
    assert isinstance(printed, Noticed)
    assert printed.message.startswith("pi")


def test_an_attempt_that_never_ended_says_so(store: RunStore) -> None:
    """What ran when the process died has a start and no end."""
    store.writer(opening()).record([started(make_plan("a")), step_started("a", 2)])
    (attempt,) = store.reader().run("r1").steps[0].attempts
    assert (attempt.started_at, attempt.outcome) == (NOON + timedelta(seconds=2), None)


def test_events_are_read_in_order_from_any_position(store: RunStore) -> None:
    """A reader that has seen some asks for what came behind them."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a")), step_started("a")])
    writer.record([Noticed(at=NOON, kind=NoticeKind.WARNING, message="late", step_id=StepId("a"))])
    writer.record([step_ended(make_outcome("a"))])
    writer.record([RunEnded(run_id="r1", at=NOON, status=Status.SUCCESS, outcomes=())])
    seen = store.reader().events("r1")
    assert [event.sequence for event in seen] == [1, 2, 3, 4, 5]
    assert [type(event) for event in seen] == [RunStarted, StepStarted, Noticed, StepEnded, RunEnded]
    assert store.reader().events("r1", after=3) == seen[3:]


def test_a_run_that_ended_is_counted(store: RunStore) -> None:
    """Its status, its end and the number of steps of each status stand in the list."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a, b -> c")), step_started("a"), step_started("b")])
    writer.record([step_ended(make_outcome("a")), step_ended(make_outcome("b", Status.FAIL))])
    writer.record([step_ended(make_outcome("c", Status.SKIPPED, code=ReasonCode.UPSTREAM_HALTED, blame="b"))])
    end = NOON + timedelta(seconds=9)
    writer.record([RunEnded(run_id="r1", at=end, status=Status.FAIL, outcomes=())])
    (head,) = store.reader().heads()
    assert (head.status, head.ended_at) == (Status.FAIL, end)
    assert head.counts == {Status.SUCCESS: 1, Status.FAIL: 1, Status.SKIPPED: 1}


def test_runs_are_listed_newest_first(store: RunStore) -> None:
    """As many as asked for, of one target when asked for one."""
    for number, target in enumerate(["dev", "prod", "dev"]):
        store.writer(opening(f"r{number}", minutes=number, target_identity=target)).record([started(make_plan("a"))])
    reader = store.reader()
    assert [head.run_id for head in reader.heads()] == ["r2", "r1", "r0"]
    assert [head.run_id for head in reader.heads(limit=1)] == ["r2"]
    assert [head.run_id for head in reader.heads(target_identity="dev")] == ["r2", "r0"]


def test_a_run_is_found_by_a_prefix_of_its_id(store: RunStore) -> None:
    """Without one it is the last run; what fits none or several is refused."""
    for number, run_id in enumerate(["20261121-aa", "20261121-ab", "20261122-aa"]):
        store.writer(opening(run_id, minutes=number)).record([started(make_plan("a"), run_id)])
    reader = store.reader()
    assert reader.find() == "20261122-aa"
    assert reader.find("20261121-ab") == "20261121-ab"
    assert reader.find("20261122") == "20261122-aa"
    with pytest.raises(AmbiguousRunError, match="20261121-ab, 20261121-aa"):
        reader.find("20261121")
    for wrong in ("2025", "%"):
        with pytest.raises(UnknownRunError):
            reader.find(wrong)


def test_a_runs_duration_is_the_time_it_was_executing(store: RunStore) -> None:
    """Of an interrupted run until its last event; of a resumed one without the time in between."""
    store.writer(opening()).record([started(make_plan("a -> b")), step_started("a", 3)])
    (head,) = store.reader().heads()
    assert head.elapsed() == timedelta(seconds=3)
    assert head.elapsed(NOON + timedelta(seconds=20)) == timedelta(seconds=20)
    second = Process(host="laptop", pid=4712, started_at=NOON, user="ada")
    at = NOON + timedelta(hours=9)
    resumed = RunStarted(run_id="r1", at=at, plan=make_plan("a -> b"), database="shop.duckdb", resumed=True)
    writer = store.writer(opening(process=second, continues=PROCESS))
    writer.record([resumed])
    end = at + timedelta(seconds=4)
    writer.record([RunEnded(run_id="r1", at=end, status=Status.SUCCESS, outcomes=())])
    (head,) = store.reader().heads()
    assert head.elapsed() == timedelta(seconds=7)


def test_the_rows_of_tables_are_listed_by_run(store: RunStore) -> None:
    """The count after the last try of each step; a step without a count is not listed."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a -> b")), step_started("a"), step_started("b")])
    writer.record([step_ended(make_outcome("a", row_count=3)), step_ended(make_outcome("b"))])
    assert store.reader().row_counts(["r1"]) == {"r1": {"a": 3}}


def test_nothing_is_found_in_an_empty_store(store: RunStore) -> None:
    """An unknown run is an error that names it; a list is empty."""
    reader = store.reader()
    assert reader.heads() == ()
    assert reader.events("r1") == ()
    with pytest.raises(UnknownRunError, match="no run r1"):
        reader.run("r1")
    with pytest.raises(UnknownRunError):
        reader.find()


def test_each_runs_manifest_is_kept(store: RunStore) -> None:
    """It comes back byte for byte, also where several runs have the same."""
    for number, manifest in enumerate([b'{"a": 1}', b'{"a": 1}', b'{"a": 2}', None]):
        store.writer(opening(f"r{number}", manifest=manifest)).record([started(make_plan("a"), f"r{number}")])
    reader = store.reader()
    assert [reader.manifest(f"r{number}") for number in range(4)] == [b'{"a": 1}', b'{"a": 1}', b'{"a": 2}', None]


def test_a_request_reaches_the_run_once(store: RunStore) -> None:
    """Whoever asks for the end of a run, from anywhere, is heard at its next look."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a"))])
    assert not writer.look(NOON + timedelta(seconds=2))
    store.ask_to_end("r1", at=NOON, by="ada@laptop")
    assert writer.look(NOON + timedelta(seconds=4))
    assert not writer.look(NOON + timedelta(seconds=6))


def test_a_run_sends_heartbeats_while_it_is_in_progress(store: RunStore) -> None:
    """The moment at which it was last known to be alive moves on."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a"))])
    writer.look(NOON + timedelta(seconds=30))
    (head,) = store.reader().heads()
    assert head.heartbeat_at == NOON + timedelta(seconds=30)


def test_a_run_that_died_early_took_until_its_last_heartbeat(store: RunStore) -> None:
    """A run sends one each second, so that also the time of a short run is known."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a"))])
    for second in (1, 2, 3):
        writer.look(NOON + timedelta(seconds=second))
    (head,) = store.reader().heads()
    assert head.elapsed() == timedelta(seconds=3)


def test_heartbeats_continue_when_the_clock_is_set_back(store: RunStore) -> None:
    """It does not wait until the old time has come again."""
    writer = store.writer(opening())
    writer.record([started(make_plan("a"))])
    writer.look(NOON + timedelta(seconds=30))
    store.ask_to_end("r1", at=NOON, by="ada@laptop")
    assert writer.look(NOON - timedelta(hours=1))
    (head,) = store.reader().heads()
    assert head.heartbeat_at == NOON - timedelta(hours=1)


def test_old_runs_are_pruned_with_all_that_belongs_to_them(store: RunStore) -> None:
    """The newest are kept, and what they share with the old ones."""
    for number in range(4):
        writer = store.writer(opening(f"r{number}", minutes=number, manifest=b"{}" if number else b"old"))
        writer.record([started(make_plan("a"), f"r{number}"), step_started("a")])
        writer.record([step_ended(make_outcome("a")), RunEnded(run_id="", at=NOON, status=Status.SUCCESS, outcomes=())])
    assert store.prune(keep=2, now=NOON) == ("r0", "r1")
    reader = store.reader()
    assert [head.run_id for head in reader.heads()] == ["r3", "r2"]
    assert reader.manifest("r3") == b"{}"
    assert reader.events("r0") == ()


def test_a_run_in_progress_is_never_pruned(store: RunStore) -> None:
    """However many newer ones there are."""
    store.writer(opening("r0")).record([started(make_plan("a"), "r0")])
    for number in range(1, 3):
        writer = store.writer(opening(f"r{number}", minutes=number))
        writer.record([started(make_plan("a"), f"r{number}")])
        writer.record([RunEnded(run_id="", at=NOON, status=Status.SUCCESS, outcomes=())])
    assert store.prune(keep=1, now=NOON + timedelta(hours=1)) == ("r1",)
    assert store.count_runs() == 2


def test_a_run_that_died_long_ago_is_pruned(store: RunStore) -> None:
    """Its process died, and nothing was heard of it for a day."""
    store.writer(opening("r0")).record([started(make_plan("a"), "r0")])
    store.writer(opening("r1", minutes=1)).record([started(make_plan("a"), "r1")])
    assert store.prune(keep=1, now=NOON + timedelta(days=2)) == ("r0",)


def test_a_resumed_run_keeps_the_results_that_are_still_valid(store: RunStore) -> None:
    """Steps that ended well stay as they are, the others begin anew, and every try before is kept."""
    first = store.writer(opening(selected={"select": ["c"]}))
    first.record([started(make_plan("a -> b -> c")), step_started("a")])
    first.record([step_ended(make_outcome("a")), step_started("b", 1)])
    second = Process(host="laptop", pid=4712, started_at=NOON, user="ada")
    again = store.writer(opening(minutes=5, process=second, continues=PROCESS, selected={}, manifest=b"new"))
    plan = make_plan("a -> b -> c")
    resumed = RunStarted(
        run_id="r1", at=NOON, plan=plan, database="shop.duckdb", resumed=True, settled=(make_outcome("a"),)
    )
    again.record([resumed, step_started("b", 9)])
    run = store.reader().run("r1")
    assert (run.head.status, run.head.process, run.head.started_at) == (None, second, NOON)
    assert run.asked == {"select": ["c"]}
    assert [step.status for step in run.steps] == [Status.SUCCESS, None, None]
    assert [(attempt.number, attempt.outcome) for attempt in run.steps[1].attempts] == [(1, None), (2, None)]
    again.record([step_ended(make_outcome("b")), step_started("c")])
    again.record([step_ended(make_outcome("c"))])
    again.record([RunEnded(run_id="r1", at=NOON, status=Status.SUCCESS, outcomes=())])
    (head,) = store.reader().heads()
    assert (head.status, head.counts) == (Status.SUCCESS, {Status.SUCCESS: 3})
    starts = [event for event in store.reader().events("r1") if isinstance(event, RunStarted)]
    assert [(event.resumed, event.settled) for event in starts] == [(False, ()), (True, (make_outcome("a"),))]
    assert store.reader().manifest("r1") == b"new"


def test_a_run_can_be_resumed_by_one_process_only(store: RunStore) -> None:
    """Who comes second is refused, and changes nothing."""
    store.writer(opening()).record([started(make_plan("a"))])
    second, third = (Process(host="laptop", pid=pid, started_at=NOON, user="ada") for pid in (4712, 4713))
    resumed = RunStarted(run_id="r1", at=NOON, plan=make_plan("a"), database="shop.duckdb", resumed=True)
    store.writer(opening(process=second, continues=PROCESS)).record([resumed])
    with pytest.raises(StoreError, match="Another process"):
        store.writer(opening(process=third, continues=PROCESS)).record([resumed])
    assert store.reader().run("r1").head.process == second
    assert len(store.reader().events("r1")) == 2


TARGET = "duckdb shop.duckdb"
PLACES = {StepId(name): f"shop.main.{name}" for name in "ab"}


def fingerprint(step: str, code: str = "1", identity: str | None = None) -> RecordedFingerprint:
    """What the step's result follows from."""
    made = Fingerprint(
        node=NodeId(step),
        rendered={"code": code, "macro:macro.shop.cents": "2"},
        built={"relation": "3"},
        unknown=frozenset({NodeId("source.shop.raw.orders")}),
        volatile=Finding(what="now()", path="models/a.sql", line=4),
    )
    return RecordedFingerprint(fingerprint=made, identity=identity or made.digest)


def record_builds(
    store: RunStore, run_id: str, known: RecordedFingerprint, *outcomes: Outcome, target: str = TARGET
) -> None:
    """Record a run that builds `a` with a fingerprint, and ends."""
    writer = store.writer(opening(run_id, target_identity=target, places=PLACES))
    writer.record([started(make_plan("a -> b"), run_id), step_started("a")])
    writer.record([step_ended(outcome, known) for outcome in outcomes])
    writer.record([RunEnded(run_id=run_id, at=NOON, status=Status.SUCCESS, outcomes=())])


def test_fingerprints_are_read_as_they_were_recorded(store: RunStore) -> None:
    """Those of steps that ended, also where they did not end well; a run that nobody knows has none."""
    known = fingerprint("a", identity="earlier")
    record_builds(store, "r1", known, make_outcome("a", Status.FAIL))
    assert store.reader().fingerprints("r1") == {"a": known}
    assert store.reader().fingerprints("r2") == {}
    assert store.reader().last_success(TARGET, PLACES) == {}


@pytest.mark.parametrize("status", Status)
def test_only_successful_results_are_valid(store: RunStore, status: Status) -> None:
    """Success and warn, of pass too; a result that was reused leaves what stood."""
    record_builds(store, "r1", fingerprint("a", "old"), make_outcome("a"))
    record_builds(store, "r2", fingerprint("a", "new"), make_outcome("a", status))
    exists = store.reader().last_success(TARGET, PLACES)
    assert list(exists) == ["a"]
    new = status in {Status.SUCCESS, Status.WARN}
    assert exists[StepId("a")].run_id == ("r2" if new else "r1")
    assert exists[StepId("a")].fingerprint == fingerprint("a", "new" if new else "old").fingerprint


def test_existing_results_are_kept_per_target(store: RunStore) -> None:
    """Another database has its own."""
    record_builds(store, "r1", fingerprint("a", "here", "one"), make_outcome("a"))
    record_builds(store, "r2", fingerprint("a", "there", "two"), make_outcome("a"), target="duckdb other.duckdb")
    targets = (TARGET, "duckdb other.duckdb")
    known = {target: store.reader().last_success(target, PLACES)[StepId("a")] for target in targets}
    assert {target: found.identity for target, found in known.items()} == {TARGET: "one", "duckdb other.duckdb": "two"}
    assert known[TARGET].fingerprint == fingerprint("a", "here").fingerprint
    assert store.reader().last_success("duckdb third.duckdb", PLACES) == {}


def test_a_steps_last_result_is_kept_per_target(store: RunStore) -> None:
    """From its start on, and for good; what was reused or skipped did not run."""

    def tries() -> dict[str, tuple[str, Status | None]]:
        return {step: (one.run_id, one.status) for step, one in store.reader().last_attempts(TARGET, PLACES).items()}

    writer = store.writer(opening("r1", target_identity=TARGET, places=PLACES))
    writer.record([started(make_plan("a -> b"), "r1"), step_started("a")])
    assert tries() == {"a": ("r1", None)}
    writer.record([step_ended(make_outcome("a", Status.FAIL)), step_ended(make_outcome("b", Status.SKIPPED))])
    assert tries() == {"a": ("r1", Status.FAIL)}
    again = store.writer(opening("r2", target_identity=TARGET, places=PLACES))
    again.record([started(make_plan("a -> b"), "r2"), step_ended(reused("a"))])
    store.prune(keep=0, now=NOON)
    assert tries() == {"a": ("r1", Status.FAIL)}
    assert store.reader().last_attempts("duckdb other.duckdb", PLACES) == {}


def test_the_result_that_a_step_reuses_is_recorded(store: RunStore) -> None:
    """It never started; the tool's word, the figures and dbt's record are those of the run in which it ran."""
    writer = store.writer(opening())
    outcome = replace(reused("a", "warn"), failures=2, dbt_results=({"status": "warn"},))
    writer.record([started(make_plan("a")), step_ended(outcome)])
    (step,) = store.reader().run("r1").steps
    assert (step.status, [one.outcome for one in step.attempts]) == (Status.REUSED, [outcome])
    asked = {StepId("a"): "r1", StepId("b"): "r1", StepId("c"): "forgotten"}
    assert store.reader().outcomes(asked) == {StepId("a"): outcome}


@pytest.mark.parametrize("status", [None, Status.REUSED, Status.CANCELLED, Status.ERROR])
def test_a_verified_step_has_no_attempt_unless_it_is_wrong(store: RunStore, status: Status | None) -> None:
    """It has one attempt, with its times; where it was found to differ, what stood is doubted from then on."""
    record_builds(store, "r1", fingerprint("a", identity="one"), make_outcome("a"))
    recovered = store.reader().last_success(TARGET, PLACES)[StepId("a")]
    writer = store.writer(opening("r2", target_identity=TARGET, places=PLACES))
    writer.record([started(make_plan("a"), "r2"), verify_started("a")])
    if status is not None:
        code = {Status.REUSED: ReasonCode.VERIFIED, Status.ERROR: ReasonCode.DIFFERS}.get(
            status, ReasonCode.INTERRUPTED
        )
        known = fingerprint("a", identity="one")
        known = replace(known, doubts=recovered) if status is Status.ERROR else known
        outcome = make_outcome("a", status, code=code, seconds=3)
        writer.record([step_ended(outcome, known)])
        assert [one.outcome for one in store.reader().run("r2").steps[0].attempts] == [outcome]
    is_wrong = status is Status.ERROR
    tried = store.reader().last_attempts(TARGET, PLACES)[StepId("a")]
    assert (tried.run_id, tried.status) == (("r2", Status.ERROR) if is_wrong else ("r1", Status.SUCCESS))
    exists = store.reader().last_success(TARGET, PLACES)[StepId("a")]
    assert exists == (replace(recovered, status=Status.ERROR) if is_wrong else recovered)
    assert exists.is_doubted is is_wrong


def test_valid_results_outlive_their_run(store: RunStore) -> None:
    """Pruning forgets the run and what it compiled, and not what stands."""
    record = {"status": "success", "compiled_code": "select 1"}
    record_builds(store, "r1", fingerprint("a"), make_outcome("a", dbt_results=(record,)))
    assert store.reader().compiled_code("r1", StepId("a")) == "select 1"
    store.prune(keep=0, now=NOON)
    reader = store.reader()
    assert reader.heads() == ()
    assert reader.compiled_code("r1", StepId("a")) is None
    assert reader.last_success(TARGET, PLACES)[StepId("a")].fingerprint == fingerprint("a").fingerprint


def test_thousands_of_fingerprints_are_kept_and_found(store: RunStore) -> None:
    """More than one question to the database can name."""
    names = [f"n{number}" for number in range(1_200)]
    places = {StepId(name): f"shop.main.{name}" for name in names}
    writes = {step: (place,) for step, place in places.items()}
    writer = store.writer(opening(target_identity=TARGET, places=places, writes=writes))
    writer.record([started(make_plan(", ".join(names)))])
    writer.record([step_ended(make_outcome(name), fingerprint(name)) for name in names])
    assert len(store.reader().fingerprints("r1")) == len(names)
    assert len(store.reader().last_success(TARGET, places)) == len(names)
    writer.record([step_started(name) for name in names])
    assert len(store.reader().last_attempts(TARGET, places)) == len(names)


def test_a_resumed_run_uses_todays_project_for_the_steps_it_repeats(store: RunStore) -> None:
    """What ended well before keeps the fingerprint that it had then."""
    plan = make_plan("a -> b")
    writer = store.writer(opening())
    ended = [step_ended(make_outcome("a"), fingerprint("a", "then"))]
    writer.record([started(plan), *ended, step_ended(make_outcome("b", Status.ERROR), fingerprint("b", "then"))])
    second = Process(host="laptop", pid=4712, started_at=NOON, user="ada")
    again = store.writer(opening(process=second, continues=PROCESS, target_identity=TARGET, places=PLACES))
    settled = (make_outcome("a"),)
    again.record([RunStarted(run_id="r1", at=NOON, plan=plan, database="", resumed=True, settled=settled)])
    again.record([step_started("b")])
    again.record([step_ended(make_outcome("b"), fingerprint("b", "now"))])
    assert store.reader().fingerprints("r1") == {"a": fingerprint("a", "then"), "b": fingerprint("b", "now")}
    assert list(store.reader().last_success(TARGET, PLACES)) == ["b"]


@pytest.mark.parametrize("status", [None, Status.ERROR, Status.SUCCESS])
def test_a_relation_written_by_another_step_no_longer_belongs_to_the_first(
    store: RunStore, status: Status | None
) -> None:
    """The last writer counts, from its start on and however it ends; a suite that is recorded beside it stays."""
    table, suite = "shop.main.a", StepId("suite_a")
    places = {StepId("a"): table, suite: f"on {table}"}
    first = store.writer(opening("r1", target_identity=TARGET, places=places, writes={StepId("a"): (table,)}))
    first.record([started(make_plan("a -> suite_a"), "r1"), step_started("a"), step_started("suite_a")])
    first.record([step_ended(make_outcome(name), fingerprint(name)) for name in ("a", "suite_a")])
    assert set(store.reader().last_success(TARGET, places)) == {"a", "suite_a"}
    of_other = {StepId("b"): table}
    second = store.writer(opening("r2", target_identity=TARGET, places=of_other, writes={StepId("b"): (table,)}))
    second.record([started(make_plan("b"), "r2")])
    assert set(store.reader().last_success(TARGET, places)) == {"a", "suite_a"}
    second.record([step_started("b")])
    if status is not None:
        second.record([step_ended(make_outcome("b", status), fingerprint("b"))])
    reader = store.reader()
    assert list(reader.last_success(TARGET, places)) == list(reader.last_attempts(TARGET, places)) == ["suite_a"]
    assert list(reader.last_success(TARGET, of_other)) == (["b"] if status is Status.SUCCESS else [])
    again = store.writer(opening("r3", target_identity=TARGET, places=places, writes={StepId("a"): (table,)}))
    again.record([started(make_plan("a"), "r3"), step_started("a"), step_ended(make_outcome("a"), fingerprint("a"))])
    assert reader.last_success(TARGET, places)[StepId("a")].run_id == "r3"
    assert reader.last_success(TARGET, of_other) == reader.last_attempts(TARGET, of_other) == {}


def test_if_two_steps_of_a_run_write_one_relation_the_last_counts(store: RunStore) -> None:
    """Also when the first ends, and the second starts, in one record; what is only verified writes nothing."""
    places = {StepId("a"): "shop.main.t", StepId("b"): "shop.main.t"}
    writes = {step: (place,) for step, place in places.items()}
    writer = store.writer(opening("r1", target_identity=TARGET, places=places, writes=writes))
    writer.record([started(make_plan("a -> b"), "r1"), step_started("a")])
    writer.record([step_ended(make_outcome("a"), fingerprint("a")), verify_started("b")])
    assert list(store.reader().last_success(TARGET, places)) == ["a"]
    writer.record([step_ended(make_outcome("a"), fingerprint("a")), step_started("b")])
    assert store.reader().last_success(TARGET, places) == {}
    writer.record([step_ended(make_outcome("b"), fingerprint("b"))])
    assert list(store.reader().last_success(TARGET, places)) == ["b"]


def test_a_steps_record_is_keyed_by_its_place(store: RunStore) -> None:
    """Two developers have the same step in schemas of their own: neither hears of the other's successes or failures."""
    ada, bob = ({StepId("a"): f"shop.{schema}.a"} for schema in ("ada", "bob"))
    for run_id, places, status in (("r1", ada, Status.SUCCESS), ("r2", bob, Status.ERROR), ("r3", bob, Status.ERROR)):
        begun = opening(run_id, minutes=int(run_id[1]), target_identity=TARGET, places=places)
        writer = store.writer(replace(begun, writes={StepId("a"): (places[StepId("a")],)}))
        writer.record([started(make_plan("a"), run_id), step_started("a")])
        writer.record([step_ended(make_outcome("a", status), fingerprint("a", run_id))])
        writer.record([RunEnded(run_id=run_id, at=NOON, status=status, outcomes=())])
    reader = store.reader()
    assert reader.last_success(TARGET, ada)[StepId("a")].fingerprint == fingerprint("a", "r1").fingerprint
    assert reader.last_success(TARGET, bob) == {}
    tried = [reader.last_attempts(TARGET, places)[StepId("a")] for places in (ada, bob)]
    assert [(one.run_id, one.status) for one in tried] == [("r1", Status.SUCCESS), ("r3", Status.ERROR)]
    assert reader.failing(TARGET, ada, 5) == {}
    assert reader.failing(TARGET, bob, 5)[StepId("a")].times == 2


def lease(run_id: str = "r1", pid: int = 1, *names: str, minutes: float = 0) -> Lease:
    """The right of a run to write these names in a target, or all of it."""
    at = NOON + timedelta(minutes=minutes)
    process = Process(host="laptop", pid=pid, started_at=NOON, user="ada")
    held = frozenset(names or {WHOLE})
    return Lease(target_identity="duckdb shop", run_id=run_id, process=process, names=held, taken_at=at, beaten_at=at)


def test_one_run_at_a_time_leases_a_whole_target(store: RunStore) -> None:
    """The first that takes it holds it until it returns it; another target is another matter."""
    assert store.leases("duckdb shop") == ()
    assert store.take(lease("r1", 1))
    assert store.leases("duckdb shop") == (lease("r1", 1),)
    assert not store.take(lease("r2", 2))
    assert not store.take(lease("r2", 2, "shop.main.a"))
    assert store.take(replace(lease("r3", 3), target_identity="duckdb other"))
    store.let_go(lease("r2", 2))
    assert store.leases("duckdb shop") == (lease("r1", 1),)
    store.let_go(lease("r1", 1))
    assert store.leases("duckdb shop") == ()


def test_runs_that_share_no_name_hold_their_leases_together(store: RunStore) -> None:
    """A lease is taken with all of its names or not at all: no run holds a part and waits for the rest."""
    first, second = lease("r1", 1, "db.main.a", "db.main.b"), lease("r2", 2, "db.main.c")
    assert store.take(first)
    assert store.take(second)
    assert store.leases("duckdb shop") == (first, second)
    third = lease("r3", 3, "db.main.b", "db.main.d")
    assert not store.take(third)
    assert not store.take(lease("r3", 3))
    assert store.take(lease("r4", 4, "db.main.d"))
    store.let_go(lease("r4", 4, "db.main.d"))
    store.let_go(first)
    assert store.take(third)
    assert store.leases("duckdb shop") == (second, third)


def test_a_run_holds_one_lease_in_a_target(store: RunStore) -> None:
    """Two processes that resume one run at once exclude each other, whatever they name."""
    store.take(lease("r1", 1, "db.main.a"))
    assert not store.take(lease("r1", 2, "db.main.b"))


def test_the_lease_of_a_dead_run_is_taken_over_by_one_run_only(store: RunStore) -> None:
    """Two that both saw it dead: the second finds that it was taken meanwhile, and has removed nothing."""
    dead, apart = lease("r1", 1, "db.main.a"), lease("r9", 9, "db.main.z")
    store.take(dead)
    store.take(apart)
    second = lease("r2", 2, "db.main.a", minutes=5)
    assert store.take(second, instead_of=(dead,))
    assert not store.take(lease("r3", 3, "db.main.a", "db.main.z", minutes=5), instead_of=(dead, apart))
    assert store.leases("duckdb shop") == (second, apart)
    store.let_go(dead)
    assert store.leases("duckdb shop") == (second, apart)


def test_a_run_has_heartbeats_for_its_own_lease_only(store: RunStore) -> None:
    """Its lease is as fresh as its last one; what another run holds, or no run any more, stays as it is."""
    own, at = lease("r1", 1), NOON + timedelta(seconds=30)
    store.beat(own, at=at)
    assert store.leases("duckdb shop") == ()
    store.take(own)
    for other in (lease("r2", 1), lease("r1", 2)):
        store.beat(other, at=at)
    assert store.leases("duckdb shop") == (own,)
    store.beat(own, at=at)
    assert store.leases("duckdb shop") == (replace(own, beaten_at=at),)
    assert not store.take(lease("r2", 2), instead_of=(own,))


def test_consecutive_failures_are_counted_over_the_runs_that_attempted_a_step(store: RunStore) -> None:
    """Runs that were interrupted in it, did not come to it, or left it out, say nothing; each target counts apart."""
    ended = [
        ("dev", Status.ERROR, ReasonCode.RAN),
        ("dev", Status.SUCCESS, ReasonCode.RAN),
        ("dev", Status.ERROR, ReasonCode.RAN),
        ("dev", Status.CANCELLED, ReasonCode.RAN),
        ("dev", Status.FAIL, ReasonCode.RAN),
        ("dev", Status.WARN, ReasonCode.CIRCUIT_OPEN),
        ("prod", Status.SUCCESS, ReasonCode.RAN),
    ]
    asked = {StepId("load_bts"): "on raw", StepId("stg"): "shop.main.stg"}
    for number, (target, status, code) in enumerate(ended):
        at = NOON + timedelta(hours=number)
        begun = replace(opening(f"r{number}"), started_at=at, target_identity=target, places=asked)
        writer = store.writer(begun)
        writer.record([replace(started(make_plan("load_bts -> stg")), run_id=f"r{number}", at=at)])
        writer.record([step_ended(make_outcome("load_bts", status, code=code))])
        writer.record([RunEnded(run_id=f"r{number}", at=at, status=status, outcomes=())])
    found = store.reader().failing("dev", asked, 5)
    assert found == {StepId("load_bts"): Failing(times=2, last_at=NOON + timedelta(hours=4))}
    assert store.reader().failing("dev", asked, 1)[StepId("load_bts")].times == 1
    assert store.reader().failing("prod", asked, 5) == {}


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], SqlStore]:
    """Opens a place that holds no store yet, each time as another process would."""
    location = "history.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        database = f"place_{uuid4().hex}"
        server.rows(f"create database {database}")
        location = f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{database}"
    return lambda: SqlStore(store_url(location, tmp_path))


def at_once(*works: Callable[[], object]) -> None:
    """Do all of these at the same time, on a thread each; raises what one of them raises."""
    ready = Barrier(len(works))

    def begin(work: Callable[[], object]) -> None:
        ready.wait(30)
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        for ended in [threads.submit(begin, work) for work in works]:
            ended.result(60)


def test_several_processes_may_create_a_store_at_once(place: Callable[[], SqlStore]) -> None:
    """The first makes it, the others find it made; every run is recorded."""

    def begin(number: int) -> None:
        with closing(place()) as store:
            store.writer(opening(f"r{number}", minutes=number)).record([started(make_plan("a"), f"r{number}")])

    at_once(*(partial(begin, number) for number in range(4)))
    with closing(place()) as store:
        assert [head.run_id for head in store.reader().heads()] == ["r3", "r2", "r1", "r0"]


def test_of_several_runs_that_request_a_name_at_once_one_gets_it(place: Callable[[], SqlStore]) -> None:
    """Several processes take leases in the same moment: those that share no name all succeed."""
    with closing(place()) as store:
        store.leases("duckdb shop")
    taken: dict[str, bool] = {}

    def take(number: int) -> None:
        wanted = lease(f"r{number}", number, f"db.main.own{number}", *(["db.main.a"] if number % 2 else []))
        with closing(place()) as store:
            taken[wanted.run_id] = store.take(wanted)

    at_once(*(partial(take, number) for number in range(8)))
    with closing(place()) as store:
        held = {one.run_id for one in store.leases("duckdb shop")}
    assert held == {run_id for run_id, is_taken in taken.items() if is_taken}
    assert {"r0", "r2", "r4", "r6"} < held
    assert len(held) == 5


def test_two_runs_may_store_the_same_text_at_once(place: Callable[[], SqlStore]) -> None:
    """Neither waits for ever, neither is refused, and both find it."""
    plan, manifest = make_plan("a -> b -> c"), b'{"nodes": {}}' * 500
    known = {StepId(name): fingerprint(name) for name in "abc"}
    with closing(place()) as one, closing(place()) as other:
        writers = [store.writer(opening(run_id, manifest=manifest)) for run_id, store in (("r1", one), ("r2", other))]
        at_once(
            *(
                partial(
                    writer.record, [started(plan, id_), *(step_ended(make_outcome(one), known[one]) for one in order)]
                )
                for writer, id_, order in zip(writers, ("r1", "r2"), (list(known), list(known)[::-1]), strict=True)
            )
        )
        reader = one.reader()
        assert [reader.run(run_id).plan for run_id in ("r1", "r2")] == [plan, plan]
        assert [reader.manifest(run_id) for run_id in ("r1", "r2")] == [manifest, manifest]
        assert [reader.fingerprints(run_id) for run_id in ("r1", "r2")] == [known, known]


def test_a_store_whose_creation_was_interrupted_is_created_by_the_next_run(
    place: Callable[[], SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is left behind: a store is made whole or not at all."""

    def break_off(point: Point) -> None:
        if point is Point.STORE_MADE:
            raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.faults.listeners", [break_off])
    with closing(place()) as store, pytest.raises(KeyboardInterrupt):
        store.writer(opening())
    monkeypatch.setattr("orchestrator.faults.listeners", [])
    with closing(place()) as store:
        store.writer(opening()).record([started(make_plan("a"))])
        assert [head.run_id for head in store.reader().heads()] == ["r1"]


@pytest.mark.parametrize("moment", [Point.RECORD_BEGUN, Point.RECORD_WRITTEN])
def test_a_connection_dropped_by_the_server_is_reopened(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: Point
) -> None:
    """Between two records or inside one: each fact is kept once, and the run goes on."""
    database = f"dropped_{uuid4().hex}"
    server.rows(f"create database {database}")

    def drop(point: Point) -> None:
        if point is moment:
            monkeypatch.setattr("orchestrator.faults.listeners", [])
            server.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")

    location = f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{database}"
    with closing(SqlStore(store_url(location, tmp_path))) as store:
        writer = store.writer(opening())
        writer.record([started(make_plan("a -> b")), step_started("a")])
        monkeypatch.setattr("orchestrator.faults.listeners", [drop])
        writer.record([step_ended(make_outcome("a")), step_started("b")])
        writer.record([step_ended(make_outcome("b"))])
        run = store.reader().run("r1")
        assert [(step.status, len(step.attempts)) for step in run.steps] == [(Status.SUCCESS, 1)] * 2
        assert [event.sequence for event in store.reader().events("r1")] == [1, 2, 3, 4, 5]


def test_an_end_whose_connection_is_dropped_is_recorded_on_the_next(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the server drops it before the event has a number, when nothing new could have been committed."""
    database = f"dropped_end_{uuid4().hex}"
    server.rows(f"create database {database}")
    location = f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/{database}"

    def drop(_point: Point) -> None:
        monkeypatch.setattr("orchestrator.faults.listeners", [])
        server.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")

    with closing(SqlStore(store_url(location, tmp_path))) as store:
        writer = store.writer(opening())
        outcome = make_outcome("a")
        writer.record([started(make_plan("a")), step_started("a"), step_ended(outcome)])
        monkeypatch.setattr("orchestrator.faults.listeners", [drop])
        ended = writer.record([RunEnded(run_id="r1", at=NOON, status=Status.SUCCESS, outcomes=(outcome,))])
        assert [type(event) for event in ended] == [RunEnded]
        assert store.reader().run("r1").head.status is Status.SUCCESS


def test_a_process_of_another_host_with_the_same_pid_does_not_end_a_lease(store: RunStore) -> None:
    """Two containers can have processes with one pid; the dead one's run was resumed in the other."""
    own = lease("r1", 1)
    other = replace(own, process=replace(own.process, host="container"))
    store.take(own)
    store.let_go(other)
    store.beat(other, at=NOON + timedelta(minutes=9))
    assert store.leases("duckdb shop") == (own,)


def test_durations_are_those_of_complete_attempts_in_the_last_runs(store: RunStore) -> None:
    """Newest first, at the same place in the same target; a reused step has none, and one with an error is ignored."""
    plan, places = make_plan("a -> b"), {StepId("a"): "main.a", StepId("b"): "main.b"}
    nights = [
        [make_outcome("a", seconds=10), make_outcome("b", Status.WARN, seconds=1)],
        [make_outcome("a", Status.ERROR, seconds=2), make_outcome("b", Status.SKIPPED)],
        [make_outcome("a", seconds=12), reused("b")],
        [make_outcome("a", seconds=14), make_outcome("b", seconds=3)],
    ]
    for number, outcomes in enumerate(nights):
        begun = opening(f"r{number}", minutes=number, target_identity="here", places=places)
        writer = store.writer(begun)
        writer.record([started(plan, f"r{number}")])
        for outcome in outcomes:
            if outcome.status not in {Status.SKIPPED, Status.REUSED}:
                writer.record([step_started(outcome.step_id)])
            writer.record([step_ended(outcome)])
    reader = store.reader()
    found = reader.durations("here", places, 3).of_steps
    assert [(one.run_id, one.seconds) for one in found[StepId("a")]] == [("r3", 14), ("r2", 12), ("r0", 10)]
    assert [(one.run_id, one.seconds) for one in found[StepId("b")]] == [("r3", 3), ("r2", None), ("r0", 1)]
    assert [one.seconds for one in reader.durations("here", places, 1).of_steps[StepId("a")]] == [14]
    assert reader.durations("there", places, 3).of_steps == {}
    assert reader.durations("here", {StepId("a"): "other.a"}, 3).of_steps == {}


def test_a_repeated_attempt_does_not_count_towards_the_duration(store: RunStore) -> None:
    """Only the attempt that did the work does, and the edges of the run are those around all attempts."""
    plan, places = make_plan("a"), {StepId("a"): ""}
    writer = store.writer(opening(minutes=-1, target_identity="here"))
    failed = make_outcome("a", Status.ERROR, seconds=5, error_class=ErrorClass.TRANSIENT)
    at = NOON + timedelta(seconds=60)
    done = make_outcome("a", started_at=at, ended_at=at + timedelta(seconds=7))
    end = RunEnded(run_id="r1", at=NOON + timedelta(seconds=70), status=Status.SUCCESS, outcomes=(done,))
    writer.record([started(plan), step_started("a")])
    writer.record([AttemptEnded(at=NOON, outcome=failed, again_at=at, attempt=1, most=3)])
    writer.record([step_started("a", 60), step_ended(done), end])
    found = store.reader().durations("here", places, 5)
    assert [one.seconds for one in found.of_steps[StepId("a")]] == [7]
    (edges,) = found.of_runs
    assert (edges.before, edges.opening, edges.closing) == (0, 60, 3)


def test_the_estimate_of_a_run_is_read_with_its_start(store: RunStore) -> None:
    """As it was shown then."""
    estimate = Estimate(seconds=61.5, low=50, high=80.125, runs=4, unknown=1)
    store.writer(opening()).record([replace(started(make_plan("a")), estimate=estimate)])
    (event,) = store.reader().events("r1")
    assert isinstance(event, RunStarted)
    assert event.estimate == estimate
