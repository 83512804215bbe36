"""Stores runs in memory: for a run that is not to be recorded, and for tests."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from orchestrator.errors import RunTakenOverError
from orchestrator.execution.events import AttemptEnded, Noticed, RunEnded, RunEvent, RunStarted, StepEnded, StepStarted
from orchestrator.execution.liveness import LOST_AFTER
from orchestrator.execution.outcome import Outcome, ReasonCode
from orchestrator.execution.recorded import (
    Lease,
    Opening,
    Process,
    RecordedAttempt,
    RecordedStep,
    as_recorded,
    completes_attempt,
    is_attempt,
)
from orchestrator.plan.plan_words import kind_of, told_of
from orchestrator.plan.status import Status
from orchestrator.plan.step import StepId
from orchestrator.reuse.last_success import SUCCEEDED, LastAttempt, LastSuccess
from orchestrator.store.memory_reader import InTargets, Kept, MemoryReader


class MemoryStore:
    """The runs of this process."""

    def __init__(self) -> None:
        self._runs: dict[str, Kept] = {}
        self._in_targets = InTargets()
        self._leases: dict[tuple[str, str], Lease] = {}

    def writer(self, opening: Opening) -> "_Writer":
        """Return a writer for a new run."""
        return _Writer(self._runs, self._in_targets, opening)

    def reader(self) -> "MemoryReader":
        """Return a reader."""
        return MemoryReader(self._runs, self._in_targets)

    def ask_to_end(self, run_id: str, *, at: datetime, by: str) -> None:
        """Record a request that a run should end; raises UnknownRunError."""
        del at, by
        self._runs[self.reader().find(run_id)].is_asked_to_end = True

    def leases(self, target_identity: str) -> tuple[Lease, ...]:
        """Return the leases that runs hold in a target, ordered by run."""
        return tuple(self._leases[key] for key in sorted(self._leases) if key[0] == target_identity)

    def take(self, lease: Lease, *, instead_of: Collection[Lease] = ()) -> bool:
        """Take a lease with all of its names, in place of those of dead runs, unless another lease conflicts."""
        left = {key: current for key, current in self._leases.items() if current not in instead_of}
        if any(current.excludes(lease) for current in left.values()):
            return False
        self._leases = {**left, (lease.target_identity, lease.run_id): lease}
        return True

    def beat(self, lease: Lease, *, at: datetime) -> None:
        """Record a heartbeat of the run that holds a lease, if it still does."""
        if (current := self._own_lease(lease)) is not None:
            self._leases[lease.target_identity, lease.run_id] = replace(current, beaten_at=at)

    def let_go(self, lease: Lease) -> None:
        """Release a lease, if the run still holds it."""
        if self._own_lease(lease) is not None:
            del self._leases[lease.target_identity, lease.run_id]

    def _own_lease(self, lease: Lease) -> Lease | None:
        current = self._leases.get((lease.target_identity, lease.run_id))
        is_own = current is not None and (current.run_id, current.process) == (lease.run_id, lease.process)
        return current if is_own else None

    def size(self) -> int | None:
        """Return None: the store takes no space on disk."""
        return None

    def shrink(self) -> bool:
        """Return False: there is no space to return."""
        return False

    def count_runs(self) -> int:
        """Return the number of recorded runs."""
        return len(self._runs)

    def prune(self, *, keep: int, now: datetime) -> tuple[str, ...]:
        """Delete all but the `keep` newest runs, if they ended, and return the ids of those deleted, oldest first."""
        heads = self.reader().heads()
        lost = now - LOST_AFTER
        old = [one.run_id for one in reversed(heads[keep:]) if one.status is not None or one.heartbeat_at < lost]
        for run_id in old:
            del self._runs[run_id]
        return tuple(old)

    def close(self) -> None:
        """Do nothing: there is no open resource."""


class _Writer:
    """Records one run."""

    def __init__(
        self,
        runs: dict[str, Kept],
        in_targets: InTargets,
        opening: Opening,
    ) -> None:
        self._runs = runs
        self._in_targets = in_targets
        self._opening = opening
        self._verified: set[StepId] = set()
        self._running: set[StepId] = set()

    def record(self, events: Sequence[RunEvent]) -> tuple[RunEvent, ...]:
        """Record the events."""
        recorded = []
        for event in events:
            if isinstance(event, RunStarted):
                self._begin(event)
            recorded.append(self._take(self._runs[self._opening.run_id], event))
        return tuple(recorded)

    def _begin(self, event: RunStarted) -> None:
        if self._opening.continues is not None:
            self._reopen(event, self._opening.continues)
        else:
            steps = {
                step.id: RecordedStep(
                    step_id=step.id,
                    name=step.name,
                    kind=kind_of(step),
                    why=told_of(step),
                    status=None,
                    reason=None,
                    place=self._opening.places.get(step.id, ""),
                )
                for step in event.plan.steps
            }
            self._runs[self._opening.run_id] = Kept(self._opening, event.plan, steps, event.at)
        for notice in self._opening.notices:
            self._take(self._runs[self._opening.run_id], notice)

    def look(self, at: datetime) -> bool:
        """Record a heartbeat, and return whether a user has asked the run to end."""
        kept = self._runs[self._opening.run_id]
        kept.heartbeat_at = at
        asked, kept.is_asked_to_end = kept.is_asked_to_end, False
        return asked

    def _take(self, kept: Kept, event: RunEvent) -> RunEvent:
        number: int | None = None
        match event:
            case RunStarted() | Noticed():
                pass
            case StepStarted():
                step = kept.steps[event.step_id]
                number = len(step.attempts) + 1
                attempt = RecordedAttempt(number=number, started_at=event.at, outcome=None)
                kept.steps[event.step_id] = replace(step, attempts=(*step.attempts, attempt))
                self._running.add(event.step_id)
                if event.verifies:
                    self._verified.add(event.step_id)
                else:
                    self._verified.discard(event.step_id)
                    for place in self._opening.writes.get(event.step_id, ()):
                        self._in_targets.replace_others(self._opening.target_identity, place, event.step_id)
                    # Without a status until it ends, as in a database.
                    self._note_attempt(event.step_id, None)
            case AttemptEnded():
                number = self._end_attempt(kept, event.outcome)
            case StepEnded():
                number = self._end_attempt(kept, event.outcome)
                outcome = event.outcome
                step = kept.steps[outcome.step_id]
                kept.steps[outcome.step_id] = replace(step, status=outcome.status, reason=outcome.reason)
                self._note_existing(kept, event)
            case RunEnded():
                kept.status, kept.ended_at = event.status, event.at
        recorded = as_recorded(event, self._opening, len(kept.events) + 1, number)
        kept.events.append(replace(recorded, known=None) if isinstance(recorded, StepEnded) else recorded)
        return recorded

    def _note_existing(self, kept: Kept, event: StepEnded) -> None:
        outcome, known = event.outcome, event.known
        verifies = outcome.step_id in self._verified
        if kept.steps[outcome.step_id].attempts and is_attempt(outcome, verifies=verifies):
            self._note_attempt(outcome.step_id, outcome)
        if known is None:
            return
        kept.known[outcome.step_id] = known
        doubts = known.doubts
        if doubts is not None:
            self._in_targets.last_success[self._key(outcome.step_id)] = replace(doubts, status=outcome.status)
        elif outcome.status in SUCCEEDED:
            self._in_targets.last_success[self._key(outcome.step_id)] = LastSuccess(
                run_id=self._opening.run_id,
                ended_at=outcome.ended_at,
                status=outcome.status,
                fingerprint=known.fingerprint,
                identity=known.identity,
            )

    def _note_attempt(self, step_id: StepId, outcome: Outcome | None) -> None:
        self._in_targets.last_attempts[self._key(step_id)] = LastAttempt(
            run_id=self._opening.run_id,
            status=None if outcome is None else outcome.status,
            ended_at=None if outcome is None else outcome.ended_at,
        )

    def _key(self, step_id: StepId) -> tuple[str, str, StepId]:
        return self._opening.target_identity, self._opening.places.get(step_id, ""), step_id

    def _reopen(self, event: RunStarted, before: Process) -> None:
        kept = self._runs[self._opening.run_id]
        if kept.opening.process != before:
            raise RunTakenOverError(f"Another process has taken over the run {self._opening.run_id}.")
        # A step that runs again must not show the status of its earlier end meanwhile.
        exists = {outcome.step_id for outcome in event.settled}
        kept.opening = replace(
            kept.opening,
            process=self._opening.process,
            manifest=self._opening.manifest,
            continues=before,
        )
        kept.status = kept.ended_at = None
        for step in kept.steps.values():
            if step.step_id not in exists:
                kept.steps[step.step_id] = replace(step, status=None, reason=None)

    def _end_attempt(self, kept: Kept, outcome: Outcome) -> int | None:
        step, is_running = kept.steps[outcome.step_id], outcome.step_id in self._running
        self._running.discard(outcome.step_id)
        if outcome.status is Status.REUSED and outcome.reason.code is not ReasonCode.VERIFIED:
            reused = RecordedAttempt(number=len(step.attempts) + 1, started_at=None, outcome=None)
            step = replace(step, attempts=(*step.attempts, reused))
        elif not is_running and not completes_attempt(outcome):
            return None
        if not step.attempts:
            return None
        ended = replace(step.attempts[-1], started_at=outcome.started_at, outcome=outcome)
        kept.steps[outcome.step_id] = replace(step, attempts=(*step.attempts[:-1], ended))
        return ended.number
