"""The store in memory: for a run that nobody asks about later, and for tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.errors import StoreError, UnknownRunError
from orchestrator.execution.events import AttemptEnded, Event, Noticed, RunEnded, RunStarted, StepEnded, StepStarted
from orchestrator.execution.outcome import Outcome, Status
from orchestrator.execution.recorded import (
    STANDS,
    Lease,
    Opening,
    Process,
    RecordedAttempt,
    RecordedEvent,
    RecordedFingerprint,
    RecordedRun,
    RecordedStep,
    RunHead,
    Standing,
)
from orchestrator.plan.explain import kind_of, reason_of
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId


@dataclass(slots=True)
class _Kept:
    opening: Opening
    plan: Plan
    steps: dict[StepId, RecordedStep]
    heartbeat_at: datetime
    events: list[RecordedEvent] = field(default_factory=list)
    status: Status | None = None
    ended_at: datetime | None = None
    is_asked_to_end: bool = False


class MemoryStore:
    """Every run of this process."""

    def __init__(self) -> None:
        self._runs: dict[str, _Kept] = {}
        self._standing: dict[tuple[str, StepId], Standing] = {}
        self._leases: dict[str, Lease] = {}

    def writer(self, opening: Opening) -> "_Writer":
        """Give a writer for a run that begins."""
        return _Writer(self._runs, self._standing, self._leases, opening)

    def reader(self) -> "_Reader":
        """Give a reader."""
        return _Reader(self._runs, self._standing)

    def ask_to_end(self, run_id: str, *, at: datetime, by: str) -> None:
        """Leave a run the wish that it should end; raises UnknownRunError."""
        del at, by
        self._runs[self.reader().find(run_id)].is_asked_to_end = True

    def lease(self, target_identity: str) -> Lease | None:
        """Say which run has the right to work in a target."""
        return self._leases.get(target_identity)

    def take(self, lease: Lease, *, instead_of: Lease | None) -> bool:
        """Take the right to work in a target, unless somebody else has taken it since `instead_of` was read."""
        if self._leases.get(lease.target_identity) != instead_of:
            return False
        self._leases[lease.target_identity] = lease
        return True

    def let_go(self, lease: Lease) -> None:
        """Give the right back, if it is still this run's."""
        held = self._leases.get(lease.target_identity)
        if held is not None and (held.run_id, held.process) == (lease.run_id, lease.process):
            del self._leases[lease.target_identity]

    def prune(self, *, keep: int) -> tuple[str, ...]:
        """Forget all but so many of the newest runs that ended, and give the ids of those forgotten, oldest first."""
        heads = self.reader().heads()
        old = [head.run_id for head in reversed(heads[keep:]) if head.status is not None]
        for run_id in old:
            del self._runs[run_id]
        return tuple(old)

    def close(self) -> None:
        """Nothing is held."""


class _Writer:
    """Records one run."""

    def __init__(
        self,
        runs: dict[str, _Kept],
        standing: dict[tuple[str, StepId], Standing],
        leases: dict[str, Lease],
        opening: Opening,
    ) -> None:
        self._runs = runs
        self._leases = leases
        self._standing = standing
        self._opening = opening

    def record(self, events: Sequence[Event]) -> None:
        """Keep the events."""
        for event in events:
            if isinstance(event, RunStarted) and self._opening.continues is not None:
                self._reopen(event, self._opening.continues)
            elif isinstance(event, RunStarted):
                steps = {
                    step.id: RecordedStep(
                        step_id=step.id,
                        name=step.name,
                        kind=kind_of(step),
                        why=reason_of(step),
                        status=None,
                        reason=None,
                    )
                    for step in event.plan.steps
                }
                self._runs[self._opening.run_id] = _Kept(self._opening, event.plan, steps, event.at)
            self._take(self._runs[self._opening.run_id], event)

    def look(self, at: datetime) -> bool:
        """Note that the run is alive, and say whether somebody asked for its end since."""
        kept = self._runs[self._opening.run_id]
        kept.heartbeat_at = at
        for target, held in self._leases.items():
            if held.run_id == self._opening.run_id:
                self._leases[target] = replace(held, beaten_at=at)
        asked, kept.is_asked_to_end = kept.is_asked_to_end, False
        return asked

    def _take(self, kept: _Kept, event: Event) -> None:
        match event:
            case RunStarted():
                _note(kept, event.at, "run_resumed" if event.resumed else "run_started", {})
            case StepStarted():
                step = kept.steps[event.step_id]
                attempt = RecordedAttempt(number=len(step.attempts) + 1, started_at=event.at, outcome=None)
                kept.steps[event.step_id] = replace(step, attempts=(*step.attempts, attempt))
                _note(kept, event.at, "step_started", {}, event.step_id)
            case AttemptEnded():
                self._end_attempt(kept, event.outcome)
                outcome, again_at = event.outcome, event.again_at.isoformat()
                body = {"status": outcome.status, "error_class": outcome.error_class, "again_at": again_at}
                _note(kept, event.at, "attempt_ended", body, outcome.step_id)
            case StepEnded():
                self._end(kept, event)
                self._note_what_stands(event.outcome)
                _note(kept, event.at, "step_ended", {"status": event.outcome.status.value}, event.outcome.step_id)
            case Noticed():
                _note(kept, event.at, event.kind.value, {"message": event.message}, event.step_id)
            case RunEnded():
                kept.status, kept.ended_at = event.status, event.at
                _note(kept, event.at, "run_ended", {"status": event.status.value})

    def _note_what_stands(self, outcome: Outcome) -> None:
        known = self._opening.fingerprints.get(outcome.step_id)
        if known is not None and outcome.status in STANDS:
            self._standing[self._opening.target_identity, outcome.step_id] = Standing(
                run_id=self._opening.run_id,
                ended_at=outcome.ended_at,
                status=outcome.status,
                fingerprint=known.fingerprint,
                identity=known.identity,
            )

    def _reopen(self, event: RunStarted, before: Process) -> None:
        kept = self._runs[self._opening.run_id]
        if kept.opening.process != before:
            raise StoreError(f"Another process has taken up the run {self._opening.run_id} meanwhile.")
        stands = {outcome.step_id for outcome in event.settled}
        anew = {step: known for step, known in self._opening.fingerprints.items() if step not in stands}
        kept.opening = replace(
            kept.opening,
            process=self._opening.process,
            manifest=self._opening.manifest,
            continues=before,
            fingerprints={**kept.opening.fingerprints, **anew},
        )
        kept.status = kept.ended_at = None
        for step in kept.steps.values():
            if step.step_id not in stands:
                kept.steps[step.step_id] = replace(step, status=None, reason=None)

    @staticmethod
    def _end(kept: _Kept, event: StepEnded) -> None:
        outcome = event.outcome
        _Writer._end_attempt(kept, outcome)
        step = kept.steps[outcome.step_id]
        kept.steps[outcome.step_id] = replace(step, status=outcome.status, reason=outcome.reason)

    @staticmethod
    def _end_attempt(kept: _Kept, outcome: Outcome) -> None:
        step = kept.steps[outcome.step_id]
        if step.attempts:
            ended = replace(step.attempts[-1], started_at=outcome.started_at, outcome=outcome)
            kept.steps[outcome.step_id] = replace(step, attempts=(*step.attempts[:-1], ended))


class _Reader:
    """Reads every run."""

    def __init__(self, runs: dict[str, _Kept], standing: dict[tuple[str, StepId], Standing]) -> None:
        self._runs = runs
        self._standing = standing

    def heads(self, *, limit: int | None = None, target_identity: str | None = None) -> tuple[RunHead, ...]:
        """List the runs, newest first."""
        heads = [_head(kept) for kept in self._runs.values()]
        if target_identity is not None:
            heads = [head for head in heads if head.target_identity == target_identity]
        return tuple(sorted(heads, key=lambda head: (head.started_at, head.run_id), reverse=True)[:limit])

    def find(self, beginning: str | None = None) -> str:
        """Give the id of the run that begins so; without a beginning that of the last run."""
        found = [head.run_id for head in self.heads() if head.run_id.startswith(beginning or "")]
        if beginning in found:
            return beginning
        if not found or (beginning is not None and len(found) > 1):
            raise UnknownRunError(f"{len(found)} runs begin with {beginning}.")
        return found[0]

    def run(self, run_id: str) -> RecordedRun:
        """Give a run, whole; raises UnknownRunError."""
        if run_id not in self._runs:
            raise UnknownRunError(f"No run is recorded that is called {run_id}.")
        kept = self._runs[run_id]
        steps = tuple(kept.steps.values())
        return RecordedRun(head=_head(kept), asked=kept.opening.selected, plan=kept.plan, steps=steps)

    def events(self, run_id: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        """Give the events of a run behind a sequence number."""
        return tuple(self._runs[run_id].events[after:]) if run_id in self._runs else ()

    def manifest(self, run_id: str) -> bytes | None:
        """Give the manifest that a run was planned on, when it was kept."""
        return self._runs[run_id].opening.manifest

    def fingerprints(self, run_id: str) -> Mapping[StepId, RecordedFingerprint]:
        """Give the fingerprints of a run's dbt nodes, as they were when it began."""
        if run_id not in self._runs:
            return {}
        kept = self._runs[run_id]
        return {step: known for step, known in kept.opening.fingerprints.items() if step in kept.steps}

    def standing(self, target_identity: str, steps: Collection[StepId]) -> Mapping[StepId, Standing]:
        """Give for each of these nodes the last time it ended well in a target, where it ever did."""
        return {
            step: self._standing[target_identity, step] for step in steps if (target_identity, step) in self._standing
        }

    def identities(self, target_identity: str, steps: Collection[StepId]) -> Mapping[StepId, tuple[str, str]]:
        """Give of each of these nodes that stands in a target its digest, and what it is to its children."""
        found = self.standing(target_identity, steps)
        return {step: (one.fingerprint.digest, one.identity) for step, one in found.items()}

    def compiled_code(self, run_id: str, step_id: StepId) -> str | None:
        """Give the code that a node was compiled to in a run, when it is still known."""
        step = self._runs[run_id].steps.get(step_id) if run_id in self._runs else None
        results = step.last.outcome.dbt_results if step and step.last and step.last.outcome else ()
        code = results[-1].get("compiled_code") if results else None
        return code if isinstance(code, str) else None


def _note(kept: _Kept, at: datetime, kind: str, body: Mapping[str, object], step_id: StepId | None = None) -> None:
    number = (len(kept.steps[step_id].attempts) or None) if step_id else None
    event = RecordedEvent(sequence=len(kept.events) + 1, at=at, kind=kind, step_id=step_id, attempt=number, body=body)
    kept.events.append(event)


def _head(kept: _Kept) -> RunHead:
    opening = kept.opening
    statuses = [step.status for step in kept.steps.values()]
    return RunHead(
        run_id=opening.run_id,
        verb=opening.verb,
        trigger=opening.trigger,
        command=opening.command,
        target=opening.target,
        target_identity=opening.target_identity,
        database=opening.database,
        status=kept.status,
        started_at=opening.started_at,
        heartbeat_at=kept.heartbeat_at,
        ended_at=kept.ended_at,
        process=opening.process,
        code=opening.code,
        versions=opening.versions,
        counts={status: statuses.count(status) for status in Status if status in statuses},
        steps=len(kept.steps),
    )
