"""Defines the answer to a condition that was asked."""

from dataclasses import dataclass
from enum import StrEnum


class AnswerState(StrEnum):
    """What an answer says."""

    TRUE = "true"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"  # nothing could be asked now: a locked file, an unreachable server
    IMPOSSIBLE = "impossible"  # asking again cannot help: a driver is missing, a statement is not SQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a condition: what it says, what was seen, and for an impossible one what to do."""

    state: AnswerState
    note: str = ""
    hint: str = ""


def true(note: str) -> Answer:
    """Return the answer of a condition that is true."""
    return Answer(state=AnswerState.TRUE, note=note)


def not_yet(note: str) -> Answer:
    """Return the answer of a condition that is not true now."""
    return Answer(state=AnswerState.NOT_YET, note=note)


def unknown(note: str) -> Answer:
    """Return the answer of a condition that could not be asked now."""
    return Answer(state=AnswerState.UNKNOWN, note=note)


def is_true_value(value: object) -> bool:
    """Return whether a value of a database or of JSON counts as true; NaN does not."""
    return bool(value) and value == value  # noqa: PLR0124  # NaN is the only value that differs from itself


def impossible(note: str, hint: str) -> Answer:
    """Return the answer of a condition that can never come true as it is."""
    return Answer(state=AnswerState.IMPOSSIBLE, note=note, hint=hint)
