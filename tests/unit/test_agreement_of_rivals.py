"""Unit tests of one model run in any order until one fails: what of that two tools can agree on."""

import pytest

from tests.agreement.compare import rival_disagreements

_ONE, _OTHER = "unit_test.shop.orders.one", "unit_test.shop.orders.other"
_BOTH = frozenset({_ONE, _OTHER})


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({_ONE: "error", _OTHER: "skipped"}, {_ONE: "skipped", _OTHER: "fail"}),
        ({_ONE: "pass", _OTHER: "fail"}, {_ONE: "skipped", _OTHER: "fail"}),
        ({_ONE: "error", _OTHER: "fail"}, {_ONE: "error", _OTHER: "fail"}),
    ],
)
def test_which_of_the_failing_tests_ran_first_is_chance(expected: dict[str, str], found: dict[str, str]) -> None:
    assert rival_disagreements(expected, found, _BOTH) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({_ONE: "pass", _OTHER: "fail"}, {_ONE: "fail", _OTHER: "skipped"}),
        ({_ONE: "error", _OTHER: "skipped"}, {_ONE: "fail", _OTHER: "skipped"}),
        ({_ONE: "error", _OTHER: "skipped"}, {_ONE: "skipped", _OTHER: "skipped"}),
        ({_ONE: "error", _OTHER: "skipped"}, {_ONE: "error"}),
    ],
)
def test_a_test_that_both_ran_ends_alike_and_as_many_fail(expected: dict[str, str], found: dict[str, str]) -> None:
    assert rival_disagreements(expected, found, _BOTH) != []
