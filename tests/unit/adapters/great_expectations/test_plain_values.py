"""Values and messages of tools become what JSON and people can read."""

import json
from datetime import date
from decimal import Decimal

import pytest

from orchestrator.adapters.great_expectations.plain_values import LENGTH, first_lines, plain


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("x", "x"),
        (b"\x01", "01"),
        (date(2013, 1, 1), "2013-01-01"),
        (Decimal("1.10"), "1.10"),
        ({1: (2, {3})}, {"1": [2, [3]]}),
    ],
)
def test_every_value_survives_json(value, said):
    """What JSON does not know becomes its text."""
    assert plain(value) == said
    assert json.loads(json.dumps(plain(value))) == said


def test_a_message_is_recorded_without_stack_frames():
    """The driver's class, the SQL, its parameters and the link are left out."""
    text = "(some.module.ProgrammingError) Binder Error: no column x\n\nLINE 2: from t\n   ^\n[SQL: select]"
    assert first_lines(text) == "Binder Error: no column x"


def test_a_long_message_is_cut():
    """A message fits a line of the summary."""
    assert first_lines("x" * 2 * LENGTH) == "x" * (LENGTH - 1) + "…"
