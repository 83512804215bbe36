"""A load is not due while its last success is younger than `refresh_every`."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.recent_loads import recent
from orchestrator.plan.decision import Act
from orchestrator.plan.status import Status
from orchestrator.reuse.last_success import LastAttempt

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def last(status: Status | None = Status.SUCCESS, *, ago: timedelta = timedelta(minutes=12)) -> LastAttempt:
    return LastAttempt(run_id="2b7c", status=status, ended_at=NOW - ago)


def test_the_reason_has_the_age():
    """It says when the load ended, and what the setting is."""
    decision = recent(last(), HOUR, NOW)
    assert decision is not None
    assert (decision.act, decision.words, decision.of_run) == (
        Act.RECENT,
        "loaded 12 min ago; refresh_every is 1 h",
        "2b7c",
    )


@pytest.mark.parametrize("status", [None, *Status])
def test_only_a_success_counts(status):
    """A load without new rows was a success; one that failed, or whose end is not known, is due."""
    is_reused = status in {Status.SUCCESS, Status.WARN, Status.NO_DATA}
    assert (recent(last(status), HOUR, NOW) is not None) == is_reused


@given(st.timedeltas(min_value=-2 * HOUR, max_value=3 * HOUR))
def test_the_age_decides(ago):
    """At the end of the span the load is due; also if the clock was set back behind its end."""
    assert (recent(last(ago=ago), HOUR, NOW) is not None) == (timedelta() <= ago < HOUR)
