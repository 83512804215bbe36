"""Finds from the events of a run what its steps took, what they waited for, and which of them its length depends on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.execution.events import AttemptEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.lanes import Lane
from orchestrator.execution.outcome import Outcome
from orchestrator.execution.routes import route_of
from orchestrator.execution.waits import waits_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import Status
from orchestrator.plan.step import Step, StepId

_NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTiming:
    """What one step took."""

    step: Step
    lane: Lane
    status: Status
    started_at: datetime
    """When its first attempt started; of a step that did not run, when that was decided."""
    ended_at: datetime
    waited: timedelta
    """For a free slot, after everything that it waits for had ended."""
    between: timedelta = _NONE
    """Between its attempts."""
    ran: timedelta = _NONE
    """In all attempts."""
    compiled: timedelta | None = None
    """Of the last attempt: dbt compiled the node; None if dbt does not say."""
    executed: timedelta | None = None
    """Of the last attempt: the statements of the node ran; None if the tool does not say."""
    recording: timedelta = _NONE
    """Of the last attempt: it was recorded and handed over, before the tool began and after it ended."""
    follows: StepId | None = None
    """The step that ended last of those that it waits for; None if it waits for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimings:
    """What a run took, from its first event to its last one."""

    run_id: str
    started_at: datetime
    took: timedelta
    steps: tuple[StepTiming, ...]
    """Of the steps that ended, in the order of the plan."""
    path: tuple[StepTiming, ...]
    """The critical path: from a first step to the one that ended last, each followed by the one that waited for it."""
    unlimited: timedelta
    """The sum along the longest path: what the steps would have taken together with a free slot for each."""

    @property
    def waited_on_path(self) -> Mapping[Lane, timedelta]:
        """How long steps of the critical path waited for a free slot, by lane."""
        found: dict[Lane, timedelta] = {}
        for one in self.path:
            if one.waited:
                found[one.lane] = found.get(one.lane, _NONE) + one.waited
        return found

    @property
    def path_took(self) -> timedelta:
        """From the start of the run to the end of the critical path."""
        return self.path[-1].ended_at - self.started_at if self.path else _NONE


@dataclass(slots=True)
class _Seen:
    """What the events say of one step."""

    starts: list[datetime] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    """Of its attempts, the last one included."""
    outcome: Outcome | None = None


def run_timings(events: Iterable[RunEvent]) -> RunTimings | None:
    """Return the timings of a run; None if it has no event.

    Of a run that was resumed, only its last part counts: between two parts, no process drove it.
    """
    begin: RunStarted | None = None
    seen: dict[StepId, _Seen] = {}
    last_at: datetime | None = None
    for event in events:
        match event:
            case RunStarted():
                begin, seen = event, {}
            case StepStarted():
                seen.setdefault(event.step_id, _Seen()).starts.append(event.at)
            case AttemptEnded():
                seen.setdefault(event.outcome.step_id, _Seen()).ends.append(event.at)
            case StepEnded():
                own = seen.setdefault(event.outcome.step_id, _Seen())
                own.ends.append(event.at)
                own.outcome = event.outcome
            case _:
                pass
        last_at = event.at
    if begin is None or last_at is None:
        return None
    steps = tuple(_step_timings(begin, seen))
    return RunTimings(
        run_id=begin.run_id,
        started_at=begin.at,
        took=last_at - begin.at,
        steps=steps,
        path=_critical_path(steps),
        unlimited=_longest(begin.plan, steps),
    )


def _step_timings(begin: RunStarted, seen: Mapping[StepId, _Seen]) -> Iterable[StepTiming]:
    ended = {step: own.ends[-1] for step, own in seen.items() if own.outcome is not None}
    first = min((own.starts[0] for own in seen.values() if own.starts), default=begin.at)
    for step in begin.plan.steps:
        own = seen.get(step.id)
        if own is None or own.outcome is None:
            continue
        before = [one for one in (*step.parents, *step.after) if one in ended]
        follows = max(before, key=lambda one: ended[one], default=None)
        ready = first if follows is None else ended[follows]
        end = own.ends[-1]
        starts = own.starts or [end]
        attempts = list(zip(starts, own.ends, strict=False))
        ran = sum((done - start for start, done in attempts), _NONE) if own.starts else _NONE
        yield StepTiming(
            step=step,
            lane=route_of(step).lane,
            status=own.outcome.status,
            started_at=starts[0],
            ended_at=end,
            waited=max(_NONE, starts[0] - ready) if own.starts else _NONE,
            between=max(_NONE, end - starts[0] - ran),
            ran=ran,
            compiled=_compiled(own.outcome),
            executed=None if own.outcome.query_seconds is None else timedelta(seconds=own.outcome.query_seconds),
            recording=_recording(own.outcome, starts[-1], end) if own.starts else _NONE,
            follows=follows,
        )


def _compiled(outcome: Outcome) -> timedelta | None:
    """Return what dbt says that the compilation took."""
    for result in outcome.dbt_results:
        timings = result.get("timing")
        for timing in timings if isinstance(timings, Sequence) else ():
            begun, done = timing.get("started_at"), timing.get("completed_at")
            if timing.get("name") == "compile" and begun and done:
                return datetime.fromisoformat(done) - datetime.fromisoformat(begun)
    return None


def _recording(outcome: Outcome, start: datetime, end: datetime) -> timedelta:
    if outcome.started_at is None or outcome.ended_at is None:
        return _NONE
    return max(_NONE, outcome.started_at - start) + max(_NONE, end - outcome.ended_at)


def _critical_path(steps: Sequence[StepTiming]) -> tuple[StepTiming, ...]:
    """Return the steps from the one that ended last back to one that waited for no step, in the order of time."""
    by_id = {one.step.id: one for one in steps}
    ran = [one for one in steps if one.ran]
    at = max(ran, key=lambda one: one.ended_at, default=None)
    path = list[StepTiming]()
    while at is not None:
        path.append(at)
        at = None if at.follows is None else by_id.get(at.follows)
    return tuple(reversed(path))


def _longest(plan: Plan, steps: Sequence[StepTiming]) -> timedelta:
    seconds = {step.id: 0.0 for step in plan.steps}
    seconds.update({one.step.id: (one.ran + one.between).total_seconds() for one in steps})
    return timedelta(seconds=max((-one.remaining for one in waits_of(plan, seconds).urgency), default=0.0))
