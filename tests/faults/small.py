"""A small run: the real store, scheduler, loop, lease and resume, on a plan whose steps are SQL of our own."""

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from orchestrator.config.settings import OnBusy
from orchestrator.errors import NothingRecordedError, UnknownRunError
from orchestrator.execution.audience import Audience
from orchestrator.execution.chronicle import Chronicle
from orchestrator.execution.executor import thread_executors
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.lanes import Limits
from orchestrator.execution.leases import LeaseEnvironment, leased
from orchestrator.execution.liveness import RunState, lives, state_of, this_process
from orchestrator.execution.loop import run_plan
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import Lease, Opening, RecordedAttempt, RecordedRun
from orchestrator.execution.resume import attempt_counts, cut_off, done_after_all, is_finished, settled
from orchestrator.execution.routes import Tool
from orchestrator.execution.stopping import StopRequest
from orchestrator.execution.terms import RunTerms
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.reuse.last_success import Marker
from orchestrator.store.database import store_url
from orchestrator.store.sql_store import SqlStore
from tests.faults.runner import SmallRunner, SmallTarget, now, open_small

RUN = "20261121T070000Z-5ma11"
Clock = Callable[[], datetime]


def begin(folder: Path, plan: Plan, *, threads: int = 2, clock: Clock = now, lock_timeout: float = 5) -> list[Outcome]:
    """Run a plan from its beginning."""
    with closing(open_store(folder)) as store:
        opening = Opening(run_id=RUN, started_at=clock(), verb="build", process=this_process())
        return _drive(folder, store, plan, opening, None, threads, clock, lock_timeout)


def go_on(folder: Path, *, threads: int = 2, clock: Clock = now, lock_timeout: float = 5) -> list[Outcome] | None:
    """Go on with the run that was broken off; None when nothing of it is recorded, and when nothing is left to do."""
    with closing(open_store(folder)) as store:
        try:
            reader = store.reader()
            found = reader.run(reader.find())
        except (NothingRecordedError, UnknownRunError):
            return None
        state = state_of(found.head, now=clock(), here=socket.gethostname(), lives=lives)
        assert state is not RunState.RUNNING, "the process is dead, and its run goes on"
        if is_finished(found):
            return None
        opening = Opening(run_id=RUN, started_at=clock(), verb="build", process=this_process())
        opening = replace(opening, continues=found.head.process)
        return _drive(folder, store, found.plan, opening, found, threads, clock, lock_timeout)


def open_store(folder: Path) -> SqlStore:
    """Open the record of the small runs."""
    return SqlStore(store_url("history.db", folder))


def _drive(
    folder: Path,
    store: RunStore,
    plan: Plan,
    opening: Opening,
    before: RecordedRun | None,
    threads: int,
    clock: Clock,
    lock_timeout: float,
) -> list[Outcome]:
    at = clock()
    lease = Lease(target_identity="small", run_id=RUN, process=opening.process, taken_at=at, beaten_at=at)
    with leased(store, lease, OnBusy.REFUSE, LeaseEnvironment(clock=clock), lambda _notice: None):
        warehouse = open_small(folder, lock_timeout)
        try:
            target = SmallTarget(warehouse)
            found = [] if before is None else done_after_all(before, target.markers(cut_off(before)))
            terms = RunTerms(
                run_id=RUN,
                database="small.duckdb",
                limits=Limits(dbt=threads, ingest=threads),
                settled=None if before is None else settled(before),
                found=tuple(_as_found(marker, attempt) for marker, attempt in found),
                tried={} if before is None else attempt_counts(before),
            )
            inbox = Inbox(clock)
            outcomes = run_plan(
                plan,
                thread_executors(dict.fromkeys(Tool, SmallRunner(warehouse)), terms.limits, inbox, clock),
                terms=terms,
                chronicle=Chronicle(Audience((), clock), inbox, clock, writer=store.writer(opening)),
                inbox=inbox,
                clock=clock,
                stop=StopRequest(),
            )
        finally:
            warehouse.close()
    return list(outcomes)


def _as_found(marker: Marker, attempt: RecordedAttempt) -> Outcome:
    """Say of a build that died behind its commit that it ended well."""
    return Outcome(
        step_id=marker.step_id, status=Status.SUCCESS, started_at=attempt.started_at or marker.at, ended_at=marker.at
    )
