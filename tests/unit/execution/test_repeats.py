"""Whether and when an outcome is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.outcome import ErrorClass, ReasonCode
from orchestrator.execution.repeats import NEVER, RepeatPolicy, delay, ended_at_limit, in_words, is_repeated
from orchestrator.plan.status import Status
from tests.factories import make_outcome

TWICE = RepeatPolicy(repeats=2)


def minutes(policy: RepeatPolicy, *, chance: float = 0.5) -> list[float]:
    return [delay(policy, tries, chance).total_seconds() / 60 for tries in range(1, policy.repeats + 1)]


def test_each_wait_is_longer_than_the_one_before():
    """The waits of a load: 1, 2, 4, 8, 16 minutes."""
    assert minutes(RepeatPolicy(repeats=5, first_delay=timedelta(minutes=1))) == [1, 2, 4, 8, 16]


def test_no_wait_is_longer_than_the_longest():
    """The cap holds also for the jitter, and for tries that no number can count the wait of."""
    policy = RepeatPolicy(repeats=8, first_delay=timedelta(minutes=1), longest_delay=timedelta(minutes=10))
    assert minutes(policy, chance=1)[2:6] == pytest.approx([4.4, 8.8, 10, 10])
    assert delay(policy, 5000, 1) == timedelta(minutes=10)


def test_a_factor_of_one_waits_the_same_each_time():
    """Some sources say how long to wait."""
    assert minutes(RepeatPolicy(repeats=3, first_delay=timedelta(minutes=5), factor=1)) == [5, 5, 5]


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0, 1), st.floats(1, 10))
def test_jitter_moves_a_wait_by_its_share_at_most(tries, chance, jitter, factor):
    """Whatever the chance, a wait stays within its share of the exact one, and is never negative."""
    policy = RepeatPolicy(repeats=40, jitter=jitter, factor=factor)
    exact = delay(policy, tries, 0.5)
    moved = delay(policy, tries, chance)
    assert timedelta() <= moved <= policy.longest_delay
    assert exact * (1 - jitter) - timedelta(milliseconds=1) <= moved <= exact * (1 + jitter) + timedelta(milliseconds=1)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", [*ErrorClass, None])
def test_only_a_transient_error_is_retried(status, kind):
    """A failing test, wrong SQL, a skip, an interruption, an error that nobody judged: each is the last try."""
    expected = status is Status.ERROR and kind is ErrorClass.TRANSIENT
    assert is_repeated(make_outcome("a", status, error_class=kind), TWICE, tries=1) == expected


def test_a_step_is_attempted_as_often_as_its_policy_says():
    """Two repeats are three tries; without a policy there is one."""
    passing = make_outcome("a", Status.ERROR, error_class=ErrorClass.TRANSIENT)
    assert [is_repeated(passing, TWICE, tries) for tries in (1, 2, 3)] == [True, True, False]
    assert not is_repeated(passing, NEVER, 1)


def test_an_attempt_ended_at_its_time_limit_is_an_error():
    """Tools tell the interruption as an error, or as cancelled; what was done just before stays done."""
    limit = timedelta(minutes=30)
    for status in (Status.ERROR, Status.CANCELLED):
        ended = ended_at_limit(make_outcome("a", status, message="INTERRUPT Error"), limit)
        assert (ended.status, ended.reason.code) == (Status.ERROR, ReasonCode.TIME_LIMIT)
        assert "30 min" in ended.message
        assert not is_repeated(ended, TWICE, 1)
        assert is_repeated(ended, RepeatPolicy(repeats=1, repeats_time_limit=True), 1)
    done = make_outcome("a", Status.SUCCESS)
    assert ended_at_limit(done, limit) is done


@pytest.mark.parametrize(("seconds", "words"), [(1.5, "1.5 s"), (90, "90 s"), (120, "2 min"), (7200, "2 h")])
def test_a_limit_is_printed_in_its_largest_whole_unit(seconds, words):
    """As it would be written in elt.yml."""
    assert in_words(timedelta(seconds=seconds)) == words
