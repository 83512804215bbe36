"""Implements leases: a run waits until no other run writes what it writes, or is refused."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orchestrator.config.settings import OnBusy
from orchestrator.errors import BusyError, StoreError
from orchestrator.execution.events import Noticed, NoticeKind
from orchestrator.execution.heartbeat import beating, wait_for_next
from orchestrator.execution.liveness import Lives, is_alive, lives, this_process
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import WHOLE, Lease
from orchestrator.faults import Point, passing
from orchestrator.nodes.abilities import Ability, has
from orchestrator.plan.command import Command, share_of
from orchestrator.plan.placement import written_by
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import IngestStep
from orchestrator.reuse.open_target import OpenTarget
from orchestrator.timetable.shown_moment import shown_moment
from orchestrator.wording import some_of

_LOOK = 0.5  # seconds between two checks for the end of the other run
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnvironment:
    """The clock, sleep and process checks that waiting for a lease uses; tests replace them."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lives: Lives = lives
    here: str = socket.gethostname()
    sleep: Callable[[float], None] = time.sleep
    is_over: Callable[[threading.Event], bool] = wait_for_next
    """Waits until the next heartbeat is due or the run has ended; returns whether the run has ended."""


@contextmanager
def leased_plan(
    store: RunStore,
    project: OpenTarget,
    command: Command,
    run_id: str,
    plan: Callable[[], Plan],
    hear: Callable[[Noticed], None],
) -> Iterator[Plan]:
    """Make the plan, and hold the lease on what it writes until the end.

    If a run leases the whole target, the plan is made once, under the lease. If it leases names, only the plan says
    which ones. So the plan is made again under the lease: other runs may have changed what it was made from. An
    in-memory database belongs to this process alone, and a plan that writes nothing needs no lease. `hear` is called
    with the run that it waits for.

    Raises:
        BusyError: Another run writes there, and this one was not to wait.
        StoreError: The store cannot be opened or written.
    """
    environment = LeaseEnvironment()
    on_busy = command.on_busy or project.settings.on_busy
    if project.target.path == ":memory:":
        yield plan()
        return
    made = None
    names = frozenset({WHOLE})
    if has(project.target, Ability.SEPARATE_LEASES):  # otherwise a run leases the whole target
        made = plan()
        names = names_of(project, command, made)
    while names:
        now = environment.clock()
        lease = Lease(
            target_identity=project.target.identity,
            run_id=run_id,
            process=this_process(),
            names=names,
            taken_at=now,
            beaten_at=now,
        )
        with leased(store, lease, on_busy, environment, hear):
            made = plan()
            wanted = names_of(project, command, made)
            if WHOLE in names or wanted <= names:
                yield made
                return
        names = wanted  # something changed in between: the new plan writes more than the lease covers
    yield made if made is not None else plan()


def names_of(project: OpenTarget, command: Command, plan: Plan) -> frozenset[str]:
    """Return the names that a run of a plan must lease; runs with other names may work in the target meanwhile."""
    written = {name for step in plan.steps for name in written_by(project.graph, step, project.target.database)}
    loads = plan.of(IngestStep)
    # only one process can use the working folder of a dlt pipeline, whatever dataset it loads
    placement = project.graph.placement
    folder = placement.place(f"{socket.gethostname()}:{project.settings.project_root}")
    written |= {f"dlt pipeline {step.pipeline} in {step.working_dir or folder}" for step in loads}
    if written and share_of(command, project.settings):
        written.add(placement.place("schemas of verifications"))  # the next verification drops these schemas
    return frozenset(written)


@contextmanager
def leased(
    store: RunStore, lease: Lease, on_busy: OnBusy, environment: LeaseEnvironment, hear: Callable[[Noticed], None]
) -> Iterator[None]:
    """Hold a lease on names that no live run holds, until the context exits. Raises BusyError.

    Heartbeats come from a thread of their own, because the run may plan for minutes or wait for a slow server.
    """
    passing(Point.LEASE_ASKED)
    acquire(store, lease, on_busy, environment, hear)
    passing(Point.LEASE_TAKEN)
    try:
        with beating(lambda: store.beat(lease, at=environment.clock()), is_over=environment.is_over):
            yield
    except BaseException:
        with suppress(StoreError):  # the user must see the original error
            store.let_go(lease)
        raise
    passing(Point.LEASE_RETURNED)
    store.let_go(lease)
    passing(Point.LEASE_GONE)


def acquire(
    store: RunStore, lease: Lease, on_busy: OnBusy, environment: LeaseEnvironment, hear: Callable[[Noticed], None]
) -> None:
    """Take the lease once no live run excludes it; report each run that it waits for once. Raises BusyError."""
    reported: set[str] = set()
    while True:
        others = [other for other in store.leases(lease.target_identity) if other.excludes(lease)]
        busy = next((other for other in others if _works(other, environment)), None)
        if busy is None:
            # Taking the lease fails if another run took an excluding one in the meantime: then look again.
            now = environment.clock()
            if store.take(replace(lease, taken_at=now, beaten_at=now), instead_of=others):
                return
            continue
        if on_busy is OnBusy.REFUSE:
            raise BusyError(
                f"The run {busy.run_id} {_writes(busy, lease)}: {_named(busy)}, {lease.target_identity}.",
                hint=f"Wait for it with --on-busy wait, or end it: elt cancel {busy.run_id}",
            )
        if busy.run_id not in reported:
            reported.add(busy.run_id)
            message = f"for the run {busy.run_id}, {_named(busy)}, to end: it {_writes(busy, lease)}"
            hear(Noticed(at=environment.clock(), kind=NoticeKind.WAITING, message=message))
        environment.sleep(_LOOK)


def _works(lease: Lease, environment: LeaseEnvironment) -> bool:
    return is_alive(
        lease.process, lease.beaten_at, now=environment.clock(), here=environment.here, lives=environment.lives
    )


def _writes(busy: Lease, lease: Lease) -> str:
    """Describe what another run writes that keeps this run from writing."""
    if WHOLE in busy.names or WHOLE in lease.names or not (shared := busy.shared(lease)):
        return "works in this target"
    database = lease.target_identity.rpartition("/")[2]
    return f"writes {some_of(sorted(name.removeprefix(f'{database}.') for name in shared), _MOST_NAMED)}"


def _named(lease: Lease) -> str:
    process, since = lease.process, shown_moment(lease.taken_at, seconds=True)
    return f"process {process.pid} of {process.user} on {process.host}, since {since}"
