"""Reads the runs that are stored in memory."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

from orchestrator.errors import UnknownRunError
from orchestrator.execution.breaker import SAYS_NOTHING
from orchestrator.execution.durations import COMPLETE, Durations, RunEdges, StepDuration
from orchestrator.execution.events import Noticed, RunEvent, RunStarted
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import (
    Failing,
    Opening,
    RecordedRun,
    RecordedStep,
    RunHead,
    only_run,
)
from orchestrator.execution.recorded_schedule import scheduled_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.status import FAIL_OR_ERROR, Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import LastAttempt, LastSuccess, RecordedFingerprint


@dataclass(slots=True)
class InTargets:
    """The last results of each step at each place in each target."""

    last_success: dict[tuple[str, str, StepId], LastSuccess] = field(default_factory=dict)
    last_attempts: dict[tuple[str, str, StepId], LastAttempt] = field(default_factory=dict)

    def replace_others(self, target_identity: str, place: str, step_id: StepId) -> None:
        """Delete the records of other steps at a place."""
        kept: dict[tuple[str, str, StepId], LastSuccess] | dict[tuple[str, str, StepId], LastAttempt]
        for kept in (self.last_success, self.last_attempts):
            for key in [key for key in kept if key[:2] == (target_identity, place) and key[2] != step_id]:
                del kept[key]


@dataclass(slots=True)
class Kept:
    """The record of one run."""

    opening: Opening
    plan: Plan
    steps: dict[StepId, RecordedStep]
    heartbeat_at: datetime
    events: list[RunEvent] = field(default_factory=list)
    status: Status | None = None
    ended_at: datetime | None = None
    is_asked_to_end: bool = False
    known: dict[StepId, RecordedFingerprint] = field(default_factory=dict)


class MemoryReader:
    """Reads all runs."""

    def __init__(self, runs: dict[str, Kept], in_targets: InTargets) -> None:
        self._runs = runs
        self._in_targets = in_targets

    def heads(self, *, limit: int | None = None, target_identity: str | None = None) -> tuple[RunHead, ...]:
        """Return the runs, newest first."""
        heads = [head_of(kept) for kept in self._runs.values()]
        if target_identity is not None:
            heads = [head for head in heads if head.target_identity == target_identity]
        return tuple(sorted(heads, key=lambda head: (head.started_at, head.run_id), reverse=True)[:limit])

    def find(self, beginning: str | None = None) -> str:
        """Return the id of the run that begins with `beginning`; without it, the id of the last run."""
        found = [head.run_id for head in self.heads() if head.run_id.startswith(beginning or "")]
        return beginning if beginning in found else only_run(beginning, found)

    def head(self, run_id: str) -> RunHead:
        """Return a run as in a list of runs; raises UnknownRunError."""
        return self.run(run_id).head

    def run(self, run_id: str) -> RecordedRun:
        """Return a complete run; raises UnknownRunError."""
        if run_id not in self._runs:
            raise UnknownRunError(f"There is no run {run_id}.")
        kept = self._runs[run_id]
        steps = tuple(kept.steps.values())
        return RecordedRun(head=head_of(kept), asked=kept.opening.selected, plan=kept.plan, steps=steps)

    def events(self, run_id: str, after: int = 0) -> tuple[RunEvent, ...]:
        """Return the events of a run after a sequence number."""
        return tuple(self._runs[run_id].events[after:]) if run_id in self._runs else ()

    def manifest(self, run_id: str) -> bytes | None:
        """Return the manifest that a run was planned with, if it was kept."""
        return self._runs[run_id].opening.manifest

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Return the fingerprints of the ended steps of a run that have one."""
        return dict(self._runs[run_id].known) if run_id in self._runs else {}

    def last_success(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastSuccess]:
        """Return the last success of each of these steps at its place in a target, for the steps that have one."""
        known = self._in_targets.last_success
        asked = ((target_identity, place, step) for step, place in places.items())
        return {key[2]: known[key] for key in asked if key in known}

    def last_attempts(self, target_identity: str, places: Mapping[StepId, str]) -> Mapping[StepId, LastAttempt]:
        """Return the outcome of the last attempt of each of these steps at its place in a target."""
        known = self._in_targets.last_attempts
        asked = ((target_identity, place, step) for step, place in places.items())
        return {key[2]: known[key] for key in asked if key in known}

    def failing(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Mapping[StepId, Failing]:
        """Return the steps that failed in the last run that attempted them there, and how often in a row."""
        found = {}
        for step, place in places.items():
            tried = [
                kept
                for kept in sorted(self._runs.values(), key=lambda kept: kept.opening.started_at, reverse=True)
                if (kept.opening.target_identity, kept.opening.places.get(step, "")) == (target_identity, place)
                and _was_attempted(kept.steps.get(step))
            ]
            failed = list(takewhile(_failed(step), tried[:most]))
            if failed:
                found[step] = Failing(times=len(failed), last_at=failed[0].ended_at or failed[0].heartbeat_at)
        return found

    def durations(self, target_identity: str, places: Mapping[StepId, str], most: int) -> Durations:
        """Return how long each of these steps took at its place in a target, in at most so many of the last runs."""
        newest = sorted(self._runs.values(), key=lambda kept: kept.opening.started_at, reverse=True)
        here = [kept for kept in newest if kept.opening.target_identity == target_identity]
        taken = {step: _durations(step, place, here)[:most] for step, place in places.items()}
        edges = [found for kept in here if (found := _edges(kept)) is not None]
        return Durations(of_steps={step: found for step, found in taken.items() if found}, of_runs=tuple(edges[:most]))

    def outcomes(self, asked: Mapping[StepId, str]) -> Mapping[StepId, Outcome]:
        """Return the outcome of each step in its given run, without its parts."""
        steps = {step: self._runs[run].steps.get(step) for step, run in asked.items() if run in self._runs}
        found = {step: kept.last.outcome for step, kept in steps.items() if kept is not None and kept.last is not None}
        return {step: replace(outcome, parts=()) for step, outcome in found.items() if outcome is not None}

    def row_counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StepId, int]]:
        """Return, for each of these runs, the row count of each table after the step that built or reused it."""
        return {run_id: _row_counts(self._runs[run_id]) for run_id in run_ids}

    def compiled_code(self, run_id: str, step_id: StepId) -> str | None:
        """Return the compiled code of a node in a run, if it is still recorded."""
        step = self._runs[run_id].steps.get(step_id) if run_id in self._runs else None
        results = step.last.outcome.dbt_results if step and step.last and step.last.outcome else ()
        code = results[-1].get("compiled_code") if results else None
        return code if isinstance(code, str) else None


def _durations(step: StepId, place: str, runs: list[Kept]) -> tuple[StepDuration, ...]:
    found = []
    for kept in runs:
        recorded = kept.steps.get(step)
        if recorded is None or kept.opening.places.get(step, "") != place:
            continue
        if recorded.status is Status.REUSED:
            found.append(StepDuration(run_id=kept.opening.run_id, seconds=None))
        elif recorded.status in COMPLETE and recorded.last is not None and recorded.last.outcome is not None:
            seconds = recorded.last.outcome.elapsed.total_seconds()
            found.append(StepDuration(run_id=kept.opening.run_id, seconds=seconds))
    return tuple(found)


def _edges(kept: Kept) -> RunEdges | None:
    tried = [attempt.outcome for step in kept.steps.values() for attempt in step.attempts if attempt.outcome]
    starts = [outcome.started_at for outcome in tried if outcome.started_at is not None]
    ends = [outcome.ended_at for outcome in tried if outcome.ended_at is not None]
    if kept.ended_at is None or not starts or not ends:
        return None
    opening, began = kept.opening, kept.opening.process.started_at
    return RunEdges(
        before=None if began is None else max(0.0, (opening.started_at - began).total_seconds()),
        opening=max(0.0, (min(starts) - opening.started_at).total_seconds()),
        closing=max(0.0, (kept.ended_at - max(ends)).total_seconds()),
    )


def _row_counts(kept: Kept) -> dict[StepId, int]:
    last = {step_id: step.last.outcome for step_id, step in kept.steps.items() if step.last is not None}
    return {step_id: end.row_count for step_id, end in last.items() if end is not None and end.row_count is not None}


def _failed(step: StepId) -> Callable[[Kept], bool]:
    return lambda kept: kept.steps[step].status in FAIL_OR_ERROR


def _was_attempted(step: RecordedStep | None) -> bool:
    if step is None or step.status is None or step.status in SAYS_NOTHING:
        return False
    return step.reason is None or step.reason.code is not ReasonCode.CIRCUIT_OPEN


def head_of(kept: Kept) -> RunHead:
    """Return the list entry of a run."""
    opening = kept.opening
    statuses = [step.status for step in kept.steps.values()]
    own = [event for event in kept.events if not isinstance(event, Noticed)]
    resumes = ((before, event) for before, event in pairwise(own) if isinstance(event, RunStarted) and event.resumed)
    return RunHead(
        run_id=opening.run_id,
        verb=opening.verb,
        trigger=opening.trigger,
        scheduled=scheduled_of(opening.selected),
        command=opening.command,
        target=opening.target,
        target_identity=opening.target_identity,
        database=opening.database,
        status=kept.status,
        started_at=opening.started_at,
        heartbeat_at=kept.heartbeat_at,
        last_event_at=kept.events[-1].at if kept.events else opening.started_at,
        idle=sum((event.at - before.at for before, event in resumes), timedelta()),
        ended_at=kept.ended_at,
        process=opening.process,
        code=opening.code,
        versions=opening.versions,
        counts={status: statuses.count(status) for status in Status if status in statuses},
        steps=len(kept.steps),
        events=len(kept.events),
    )
