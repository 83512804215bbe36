"""When a gate is open, warns or is closed."""

import pytest

from orchestrator.execution.gate import evaluate_expectation, evaluate_load_age, worst
from orchestrator.plan.status import Status
from orchestrator.wording import spell

HOUR = 3600.0


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (0.0, Status.SUCCESS),
        (HOUR, Status.SUCCESS),
        (HOUR + 1, Status.WARN),
        (2 * HOUR, Status.WARN),
        (2 * HOUR + 1, Status.FAIL),
        (None, Status.FAIL),
        (-5.0, Status.SUCCESS),
    ],
)
def test_a_source_is_stale_when_its_last_load_is_older_than_a_limit(age, status):
    """An age equal to a limit is still in time, as in dbt; a table that no load filled is older than any limit."""
    assert evaluate_load_age(age, HOUR, 2 * HOUR)[0] is status


def test_a_source_may_only_warn():
    """Without error_after the gate never closes."""
    assert evaluate_load_age(100 * HOUR, HOUR, None)[0] is Status.WARN
    assert evaluate_load_age(None, HOUR, None)[0] is Status.WARN


def test_a_source_may_only_fail():
    """Without warn_after the gate is open or closed."""
    assert evaluate_load_age(HOUR, None, 2 * HOUR)[0] is Status.SUCCESS
    assert evaluate_load_age(3 * HOUR, None, 2 * HOUR)[0] is Status.FAIL


def test_a_gate_without_limits_could_not_be_evaluated():
    """Nothing to judge by is an error, not a silent pass."""
    assert evaluate_load_age(1.0, None, None)[0] is Status.ERROR


def test_the_message_states_the_age_and_the_limit():
    """A closed gate gives both durations."""
    assert evaluate_load_age(3 * HOUR, None, 2 * HOUR)[1] == (
        "the last load that brought rows was 3 h ago, allowed are 2 h"
    )


@pytest.mark.parametrize(
    ("success", "severity", "status"),
    [
        (True, "critical", Status.SUCCESS),
        (False, "critical", Status.FAIL),
        (False, "warning", Status.WARN),
        (False, "info", Status.SUCCESS),
        (None, "info", Status.ERROR),
        (False, "fatal", Status.ERROR),
    ],
)
def test_an_expectation_counts_by_its_severity(success, severity, status):
    """Critical fails, warning warns, info is shown; what was not evaluated or is of unknown severity is an error."""
    assert evaluate_expectation(success=success, severity=severity) is status


def test_the_overall_status_is_that_of_the_worst_part():
    """An error outweighs a fail, a fail a warning; without parts nothing was evaluated."""
    assert worst([Status.WARN, Status.SUCCESS]) is Status.WARN
    assert worst([Status.FAIL, Status.ERROR, Status.WARN]) is Status.ERROR
    assert worst([]) is Status.ERROR
    assert {worst([status]) for status in Status} == set(Status)


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3_660, "1 h 1 min"), (3_601, "1 h"), (273_600, "3 d 4 h")],
)
def test_a_duration_is_spelled_in_its_two_largest_units(seconds, spelled):
    """Days, hours, minutes and seconds, without what is too small to matter."""
    assert spell(seconds) == spelled
