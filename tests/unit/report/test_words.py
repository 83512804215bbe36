"""How numbers and foreign text are put into words."""

from datetime import timedelta

import pytest

from orchestrator.report.words import clean, duration, one_line
from orchestrator.wording import count, some_of


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (59.99, "59.9s"),
        (60, "1m 00s"),
        (63.9, "1m 03s"),
        (7505, "2h 05m 05s"),
        (-1, "0.0s"),
    ],
)
def test_a_duration_is_short(seconds: float, words: str) -> None:
    """Tenths below a minute, then minutes, then hours."""
    assert duration(timedelta(seconds=seconds)) == words


def test_control_codes_are_removed() -> None:
    """Foreign text can neither colour a log, nor set a title, nor move the cursor."""
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 a\rb\x1b[2Jc\r\nd\n") == "red bell abc\nd"


def test_a_line_has_a_limited_length() -> None:
    """White space becomes one space, the end of a very long text is cut."""
    assert one_line(" a\n\n  b\tc ") == "a b c"
    assert one_line("x" * 1000) == "x" * 399 + "…"


def test_counts_and_lists_read_as_sentences() -> None:
    """One is singular; a long list names five and counts the rest."""
    assert [count(1, "step"), count(2548, "step"), count(0, "row")] == ["1 step", "2,548 steps", "0 rows"]
    assert some_of(list("abcde")) == "a, b, c, d, e"
    assert some_of(list("abcdefg")) == "a, b, c, d, e and 2 more"
