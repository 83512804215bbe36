"""Decides what a wait for conditions does next: which one is asked when, and what follows. Without a clock or I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.conditions.answer import Answer, AnswerState
from orchestrator.conditions.condition import Condition, words_of
from orchestrator.config.wait_settings import Otherwise
from orchestrator.errors import ConditionError, ImpossibleConditionError, RunSkippedError
from orchestrator.wording import spell


class WaitOutcome(StrEnum):
    """How a wait ended."""

    READY = "ready"  # the run starts
    FAILED = "failed"  # the run does not start, and is not green
    SKIPPED = "skipped"  # the run does not start, and that is fine


class ConditionState(StrEnum):
    """The state of one condition of a wait."""

    WAITING = "waiting"
    TRUE = "true"
    LATE = "late"  # it did not come true in time
    IMPOSSIBLE = "impossible"  # asking again cannot help


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionNote:
    """One condition of a wait, and what was last seen of it."""

    condition: Condition
    state: ConditionState = ConditionState.WAITING
    note: str = ""
    hint: str = ""
    after: float = 0.0
    """Seconds from the start of the wait to the last answer."""

    @property
    def words(self) -> str:
        """The condition, and what was last seen of it."""
        return f"{words_of(self.condition)}: {self.note}" if self.note else words_of(self.condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResult:
    """The end of a wait."""

    outcome: WaitOutcome
    notes: tuple[ConditionNote, ...] = ()

    @property
    def reason(self) -> str:
        """Why the run does not start, or starts although a condition is not true; empty if all are true."""
        broken = [one for one in self.notes if one.state is ConditionState.IMPOSSIBLE]
        if broken:
            return f"The condition can never come true: {broken[0].words}"
        late = sorted((one for one in self.notes if one.state is ConditionState.LATE), key=_gravity)
        if not late:
            return ""
        times = [spell(one.condition.within.total_seconds()) for one in late]
        if len(late) == 1:
            return f"The condition did not come true within {times[0]}: {late[0].words}"
        listed = "; ".join(f"{one.words} (within {time})" for one, time in zip(late, times, strict=True))
        return f"{len(late)} conditions did not come true: {listed}"

    def require_ready(self) -> None:
        """Raise the error that says why the run does not start, if it does not.

        Raises:
            ImpossibleConditionError: A condition can never come true.
            ConditionError: A condition did not come true in time.
            RunSkippedError: The same, and it says that the run is then skipped.
        """
        broken = next((one for one in self.notes if one.state is ConditionState.IMPOSSIBLE), None)
        match self.outcome:
            case WaitOutcome.READY:
                return
            case WaitOutcome.SKIPPED:
                raise RunSkippedError(self.reason, hint="The run is skipped, as `otherwise` says.")
            case WaitOutcome.FAILED if broken is not None:
                raise ImpossibleConditionError(self.reason, hint=broken.hint)
            case WaitOutcome.FAILED:
                raise ConditionError(
                    self.reason,
                    hint="Nothing was run. A condition waits longer with `within`, or lets the run start with"
                    " `otherwise: run`.",
                )


@dataclass(slots=True)
class Waiting:
    """The state machine of a wait. Times are seconds of any clock that never goes back."""

    conditions: Sequence[Condition]
    began: float
    notes: list[ConditionNote] = field(init=False)
    _next: list[float | None] = field(init=False)
    """When each condition is asked next; None while it is asked, and once it is decided."""

    def __post_init__(self) -> None:
        self.notes = [ConditionNote(condition=condition) for condition in self.conditions]
        self._next = [self.began for _ in self.conditions]

    def due(self, now: float) -> list[int]:
        """Return the conditions to ask now, longest due first."""
        found = [(at, index) for index, at in enumerate(self._next) if at is not None and at <= now]
        return [index for _, index in sorted(found)]

    def next_at(self) -> float | None:
        """Return when the next condition is to be asked; None if all are being asked, or decided."""
        return min((at for at in self._next if at is not None), default=None)

    def asked(self, index: int) -> None:
        """Note that a condition is being asked."""
        self._next[index] = None

    def answered(self, index: int, answer: Answer, now: float) -> ConditionNote | None:
        """Note an answer; return the condition's new note if it says anything new."""
        condition, before = self.conditions[index], self.notes[index]
        deadline = self.began + condition.within.total_seconds()
        match answer.state:
            case AnswerState.TRUE:
                state = ConditionState.TRUE
            case AnswerState.IMPOSSIBLE:
                state = ConditionState.IMPOSSIBLE
            case AnswerState.NOT_YET | AnswerState.UNKNOWN:
                state = ConditionState.LATE if now >= deadline else ConditionState.WAITING
        if state is ConditionState.WAITING:
            # The last question is at the deadline itself, so nothing that came true in time is missed.
            self._next[index] = min(now + condition.every.total_seconds(), deadline)
        self.notes[index] = ConditionNote(
            condition=condition, state=state, note=answer.note, hint=answer.hint, after=now - self.began
        )
        is_news = (state, answer.note) != (before.state, before.note)
        return self.notes[index] if is_news else None

    def result(self) -> WaitResult | None:
        """Return how the wait ended; None while it goes on."""
        outcome = self._outcome()
        return None if outcome is None else WaitResult(outcome=outcome, notes=tuple(self.notes))

    def _outcome(self) -> WaitOutcome | None:
        states = {one.state for one in self.notes}
        late = {one.condition.otherwise for one in self.notes if one.state is ConditionState.LATE}
        if ConditionState.IMPOSSIBLE in states or Otherwise.FAIL in late:
            return WaitOutcome.FAILED
        if Otherwise.SKIP in late:
            return WaitOutcome.SKIPPED
        return None if ConditionState.WAITING in states else WaitOutcome.READY


def _gravity(note: ConditionNote) -> int:
    return (Otherwise.FAIL, Otherwise.SKIP, Otherwise.RUN).index(note.condition.otherwise)
