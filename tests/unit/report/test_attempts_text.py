"""How often steps are tried, and how long, as the reader of a plan is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.report.attempts_text import attempts_words

USUAL = RepeatPolicy(repeats=2, time_limit=timedelta(hours=2))
MINUTES = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"repeats": 4, "time_limit": timedelta(seconds=30)}, "up to 5 attempts, 30 s limit"),
        ({"repeats": 0, "first_delay": MINUTES, "time_limit": None}, "one attempt, no time limit"),
        ({"first_delay": MINUTES}, "again after 5 min, then longer"),
        ({"first_delay": MINUTES, "factor": 1.0}, "5 min apart"),
        ({"repeats_time_limit": True}, "also again after its limit"),
    ],
    ids=str,
)
def test_only_what_differs_from_the_default_is_shown(changes: dict[str, object], words: str) -> None:
    """The number of attempts, the waits, the limit of one attempt; a step with one attempt has no waits."""
    assert attempts_words(replace(USUAL, **changes), USUAL) == words
