"""What holds for every plan, every outcome, every order of completion and every limit.

`ELT_SCHEDULER_EXAMPLES=1000` draws so many runs for each.
"""

import os
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.execution.lanes import Lane, Limits
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.routes import ROUTES, route_of
from orchestrator.execution.scheduler import Dispatch, Scheduler
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from tests.factories import make_outcome, make_step

EXAMPLES = int(os.environ.get("ELT_SCHEDULER_EXAMPLES", "60"))
KINDS = ("model", "test", "load", "suite", "age", "fresh", "hook_start")
POOLS = ("erp", "crm")
RUNNER_STATUSES = tuple(status for status in Status if status is not Status.SKIPPED)


@st.composite
def plans(draw) -> Plan:
    """A random plan, some of them listed in another order than they run, sometimes with a hook at the end."""
    steps = []
    for at in range(draw(st.integers(0, 14))):
        before = [step.id for step in steps]
        links = st.lists(st.sampled_from(before), unique=True, max_size=4) if before else st.just([])
        kind = draw(st.sampled_from(KINDS))
        name = kind if kind == "hook_start" and kind not in before else f"{kind.split('_')[0]}_{at}"
        name = f"model_{at}" if name.startswith("hook") and name != "hook_start" else name
        pool, priority = draw(st.sampled_from([None, None, *POOLS])), draw(st.sampled_from([None, -1, 7]))
        steps.append(make_step(name, parents=draw(links), after=draw(links), pool=pool, priority=priority))
    if draw(st.booleans()):
        steps.append(make_step("hook_end", after=[step.id for step in steps]))
    return Plan(steps=tuple(draw(st.permutations(steps))))


Driven = tuple[list[str], dict[str, Outcome]]
limits = st.builds(
    Limits,
    dbt=st.integers(1, 4),
    ingest=st.integers(1, 3),
    validate=st.integers(1, 2),
    pools=st.fixed_dictionaries({name: st.integers(1, 3) for name in POOLS}),
)


class Run:
    """One random run of a random plan, which checks every decision when it is made."""

    def __init__(
        self, data: st.DataObject, *, fail_fast: bool = False, may_stop: bool = False, repeats: int = 0
    ) -> None:
        self.data = data
        self.plan: Plan = data.draw(plans())
        self.limits: Limits = data.draw(limits)
        sizes = data.draw(st.lists(st.integers(1, 3), min_size=len(ROUTES), max_size=len(ROUTES)), "batch sizes")
        self.routes = [replace(route, batch_size=size) for route, size in zip(ROUTES, sizes, strict=True)]
        self.scheduler = Scheduler(self.plan, self.limits, fail_fast=fail_fast, routes=self.routes)
        self.batches: list[set[str]] = []
        self.may_stop = may_stop
        self.repeats = repeats
        self.paused: list[str] = []
        self.fail_fast = fail_fast
        self.stopped = False
        self.broken_by: str | None = None
        self.running: list[str] = []
        self.started: Counter[str] = Counter()
        self.outcomes: dict[str, Outcome] = {}
        self.follow(self.scheduler.begin())

    def finish(self) -> "Run":
        while len(self.outcomes) < len(self.plan.steps):
            if self.may_stop and not self.stopped and self.data.draw(st.booleans(), "stop"):
                self.stopped = True
                self.follow(self.scheduler.stop())
                continue
            self.paused = [name for name in self.paused if name not in self.outcomes]
            if self.paused and (not self.running or self.data.draw(st.booleans(), "again")):
                self.follow(self.scheduler.again(self.paused.pop()))
                continue
            assert self.running, "the run hangs"
            name = self.data.draw(st.sampled_from(self.running), "ends")
            self.leave(name)
            if self.pauses(name):
                self.paused.append(name)
                self.follow(self.scheduler.pause(make_outcome(name, Status.ERROR, message="may pass")))
                continue
            outcome = make_outcome(name, self.data.draw(st.sampled_from(RUNNER_STATUSES), "status"))
            self.follow(self.scheduler.end(outcome))
        return self

    def leave(self, name: str) -> None:
        """Count a step as no longer running."""
        self.running.remove(name)
        for batch in self.batches:
            batch.discard(name)

    def pauses(self, name: str) -> bool:
        """Whether the try of a step ends in an error that may pass, with tries left."""
        may = self.started[name] <= self.repeats and self.scheduler.may_pause(name)
        return may and self.data.draw(st.booleans(), "may pass")

    def follow(self, decision: Dispatch) -> None:
        for outcome in decision.outcomes:
            assert outcome.step_id not in self.outcomes
            self.outcomes[outcome.step_id] = outcome
            is_hook = outcome.step_id.startswith("hook")
            if self.broken_by is None and outcome.status in (Status.FAIL, Status.ERROR) and not is_hook:
                self.broken_by = outcome.step_id if self.fail_fast else None
        for batch in decision.batches:
            assert {route_of(step).executor for step in batch.steps} == {batch.executor}
            assert 1 <= len(batch.steps) <= route_of(batch.steps[0], self.routes).batch_size
            self.batches.append({step.id for step in batch.steps})
        for step in decision.start:
            self.check_start(step)
            self.running.append(step.id)
            self.started[step.id] += 1
        self.batches = [batch for batch in self.batches if not batch.isdisjoint(self.running)]
        in_lane = Counter(route_of(self.plan.by_id[min(batch)]).lane for batch in self.batches)
        assert all(in_lane[lane] <= self.limits.of(lane) for lane in Lane)
        in_pool = Counter(self.plan.by_id[name].pool for name in self.running)
        assert all(in_pool[name] <= most for name, most in self.limits.pools.items())
        self.check_nothing_waits_in_vain(in_lane, in_pool)
        assert decision.ended == (len(self.outcomes) == len(self.plan.steps))

    def check_nothing_waits_in_vain(self, in_lane: Counter, in_pool: Counter) -> None:
        """A step that could start has no free slot in its lane, or none in its pool."""
        for step in self.plan.steps:
            has_begun = step.id in self.outcomes or step.id in self.running or self.started[step.id]
            if self.stopped or self.broken_by or has_begun or not self.outcomes.keys() >= {*step.parents, *step.after}:
                continue
            lane, pool = route_of(step).lane, step.pool
            is_full = pool is not None and in_pool[pool] >= self.limits.pools[pool]
            assert is_full or in_lane[lane] >= self.limits.of(lane)

    def check_start(self, step) -> None:
        """Its parents ended well, what it comes after ended, and nothing forbids a start."""
        assert step.id not in self.outcomes
        assert not self.stopped
        assert self.broken_by is None or step.id == "hook_end"
        for parent in step.parents:
            assert not self.outcomes[parent].status.halts
        for other in step.after:
            assert other in self.outcomes

    def ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        waiting = list(self.plan.by_id[name].parents)
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting += self.plan.by_id[parent].parents
        return found


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_exactly_the_descendants_of_what_halted_do_not_run(data):
    """Every step without a halting ancestor runs once, every other is skipped, and each ends with one outcome."""
    run = Run(data).finish()
    for step in run.plan.steps:
        halted = {name for name in run.ancestors(step.id) if run.outcomes[name].status.halts}
        assert run.started[step.id] == (0 if halted else 1)
        assert (run.outcomes[step.id].status is Status.SKIPPED) == bool(halted)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_the_blamed_step_is_an_ancestor_that_ran_and_halted(data):
    """No skip blames a step that was itself skipped, or one that it does not descend from."""
    run = Run(data).finish()
    for name, outcome in run.outcomes.items():
        blame = outcome.reason.blame
        assert (blame is not None) == (outcome.status is Status.SKIPPED)
        if blame is not None:
            assert blame in run.ancestors(name)
            assert run.started[blame] == 1
            assert run.outcomes[blame].status.halts


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_after_the_first_failure_fail_fast_runs_only_the_on_run_end_hooks(data):
    """What did not run descends from what halted or blames the first failure; on-run-end runs all the same."""
    run = Run(data, fail_fast=True).finish()
    for name, outcome in run.outcomes.items():
        assert run.started[name] == (0 if outcome.status is Status.SKIPPED else 1)
        if outcome.reason.code is ReasonCode.FAIL_FAST:
            assert outcome.reason.blame == run.broken_by is not None
        elif outcome.status is Status.SKIPPED:
            assert outcome.reason.blame in run.ancestors(name)
    if "hook_end" in run.outcomes:
        assert run.started["hook_end"] == 1


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_stop_at_any_moment_ends_every_step_with_one_outcome(data):
    """Nothing starts after a stop, and what never started was cancelled or had been skipped before."""
    run = Run(data, may_stop=True, fail_fast=data.draw(st.booleans())).finish()
    assert run.outcomes.keys() == run.plan.by_id.keys()
    for name, outcome in run.outcomes.items():
        if not run.started[name]:
            assert outcome.status in (Status.SKIPPED, Status.CANCELLED)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_stopped_run_can_be_abandoned_at_any_moment(data):
    """Every step then has exactly one outcome, whatever still runs."""
    run = Run(data)
    if run.running and data.draw(st.booleans()):
        run.follow(run.scheduler.end(make_outcome(run.running.pop(), Status.ERROR)))
    if run.running:
        run.stopped = True
        run.follow(run.scheduler.abandon())
        assert run.outcomes.keys() == run.plan.by_id.keys()


def drive(plan: Plan, statuses: dict[str, Status], settled: tuple[Outcome, ...] = (), ends: int = 1000) -> Driven:
    """Run a plan whose steps end as `statuses` says, one after another; give up after so many ends."""
    scheduler = Scheduler(plan, Limits(pools=dict.fromkeys(POOLS, 1)), settled=settled)
    decision = scheduler.begin()
    running: list[str] = []
    started: list[str] = []
    outcomes = {outcome.step_id: outcome for outcome in settled}
    while True:
        assert not outcomes.keys() & {outcome.step_id for outcome in decision.outcomes}
        outcomes.update((outcome.step_id, outcome) for outcome in decision.outcomes)
        started += [step.id for step in decision.start]
        running += [step.id for step in decision.start]
        assert decision.ended == (len(outcomes) == len(plan.steps))
        if decision.ended or ends == 0:
            return started, outcomes
        ends -= 1
        name = running.pop(0)
        decision = scheduler.end(make_outcome(name, statuses[name]))


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_resumed_run_ends_as_an_uninterrupted_run_does(data):
    """Wherever it broke off: each step has the status of an undisturbed run, and what stood did not run again."""
    plan = data.draw(plans())
    statuses = {step.id: data.draw(st.sampled_from(RUNNER_STATUSES), step.id) for step in plan.steps}
    _, undisturbed = drive(plan, statuses)
    _, before = drive(plan, statuses, ends=data.draw(st.integers(0, len(plan.steps)), "ends"))
    exists = tuple(before[step.id] for step in plan.steps if step.id in before and not before[step.id].status.halts)
    started, after = drive(plan, statuses, exists)
    assert {name: outcome.status for name, outcome in after.items()} == {
        name: outcome.status for name, outcome in undisturbed.items()
    }
    assert not {outcome.step_id for outcome in exists} & set(started)
    assert len(started) == len(set(started))


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_consecutive_attempts_change_nothing_else(data):
    """Each step ends once, after at most its tries; what is below it starts only after the last."""
    repeats = data.draw(st.integers(0, 3))
    run = Run(data, repeats=repeats).finish()
    for step in run.plan.steps:
        halted = {name for name in run.ancestors(step.id) if run.outcomes[name].status.halts}
        assert (run.started[step.id] == 0) == bool(halted)
        assert run.started[step.id] <= repeats + 1


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_step_waiting_for_its_next_attempt_ends_with_its_last_error(data):
    """However the run ends before its time: stopped, or broken off by a failure."""
    run = Run(data, repeats=2, may_stop=True, fail_fast=data.draw(st.booleans())).finish()
    assert run.outcomes.keys() == run.plan.by_id.keys()
    for name, outcome in run.outcomes.items():
        if run.started[name]:
            assert outcome.status is not Status.SKIPPED
            assert outcome.message != "not started"
        else:
            assert outcome.status in (Status.SKIPPED, Status.CANCELLED)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_run_that_drains_starts_nothing_and_interrupts_nothing(data):
    """What runs ends as it ends, what waits is cancelled, or ends with its last error."""
    run = Run(data, repeats=1)
    run.stopped = True
    decision = run.scheduler.drain()
    run.follow(decision)
    assert decision.interrupt == ()
    statuses = {name: data.draw(st.sampled_from(RUNNER_STATUSES)) for name in list(run.running)}
    for name, status in statuses.items():
        run.leave(name)
        run.follow(run.scheduler.end(make_outcome(name, status)))
    assert {name: run.outcomes[name].status for name in statuses} == statuses
    assert run.outcomes.keys() == run.plan.by_id.keys()
