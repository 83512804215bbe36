"""Waits for conditions: one thread asks all of them, each question with its own time limit."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from orchestrator.conditions.answer import Answer, unknown
from orchestrator.conditions.condition import Condition
from orchestrator.conditions.waiting import ConditionNote, Waiting, WaitResult
from orchestrator.wording import spell

_AT_ONCE = 8
"""The number of questions that are asked at the same time."""
_LOOK = 0.05
"""Seconds between two looks for an answer."""


class Question(Protocol):
    """A question that is being asked."""

    def answer(self) -> Answer | None:
        """Return the answer, or None while there is none."""

    def end(self) -> None:
        """Release everything that the question holds, also if there is no answer."""


class Ask(Protocol):
    """Asks whether conditions are true."""

    def start(self, condition: Condition) -> Question:
        """Begin to ask, without waiting for the answer."""

    def limit(self, condition: Condition) -> float:
        """Return how long the answer may take, in seconds."""

    def place(self, condition: Condition) -> str:
        """Return what only one question at a time can be asked; empty if there is no such thing."""


def wait_for(
    conditions: Sequence[Condition],
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    ask: Ask,
    hear: Callable[[ConditionNote], None] = lambda _note: None,
) -> WaitResult:
    """Ask the conditions until all are true, or until one that is not decides what happens.

    A condition that was once true is not asked again. `now` is a clock in seconds that never goes back; `hear` is
    called with each condition of which something new is known. An interruption ends the wait at once.
    """
    waiting = Waiting(conditions, began=now())
    questions: dict[int, tuple[Question, float]] = {}
    try:
        while (result := waiting.result()) is None:
            for index in _next(waiting.due(now()), [ask.place(one) for one in conditions], questions):
                questions[index] = (ask.start(conditions[index]), now())
                waiting.asked(index)
            for index, answer in _answers(questions, conditions, ask, now):
                questions.pop(index)[0].end()
                news = waiting.answered(index, answer, now())
                if news is not None:
                    hear(news)
            if waiting.result() is None:
                sleep(_pause(waiting, now(), is_asking=bool(questions)))
        return result
    finally:
        for question, _ in questions.values():
            question.end()


def _next(due: Sequence[int], places: Sequence[str], asked: Collection[int]) -> list[int]:
    """Return which of the conditions that are due are asked now, while others are being asked."""
    busy = {places[index] for index in asked} - {""}
    found: list[int] = []
    for index in due:
        if len(asked) + len(found) < _AT_ONCE and places[index] not in busy:
            found.append(index)
            busy |= {places[index]} - {""}
    return found


def _answers(
    questions: dict[int, tuple[Question, float]], conditions: Sequence[Condition], ask: Ask, now: Callable[[], float]
) -> list[tuple[int, Answer]]:
    """Return the answers that have arrived; a question that takes too long counts as not answered."""
    found = []
    for index, (question, since) in questions.items():
        limit = ask.limit(conditions[index])
        answer = question.answer()
        if answer is None and now() - since > limit:
            answer = unknown(f"no answer within {spell(limit)}")
        if answer is not None:
            found.append((index, answer))
    return found


def _pause(waiting: Waiting, now: float, *, is_asking: bool) -> float:
    next_at = waiting.next_at()
    until = 0.0 if next_at is None else max(0.0, next_at - now)
    return _LOOK if is_asking or next_at is None else until
