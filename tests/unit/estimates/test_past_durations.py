"""What a step is expected to take follows its last runs, and not a single one of them."""

import pytest

from orchestrator.estimates.past_durations import PastDurations, past_durations
from orchestrator.plan.step import StepId
from tests.factories import make_plan
from tests.unit.estimates.histories import REUSED, took


def known(plan: str, **steps) -> PastDurations:
    found = past_durations(make_plan(plan), took(**steps))
    assert found is not None
    return found


def seconds(plan: str, step: str = "a", **steps) -> float:
    return known(plan, **steps).steps[StepId(step)].seconds


def test_without_any_duration_nothing_is_known() -> None:
    """Also if steps of other plans have durations."""
    assert past_durations(make_plan("a"), took()) is None
    assert past_durations(make_plan("a"), took(b=[1.0])) is None


def test_a_single_outlier_changes_nothing() -> None:
    """The newest one counts most, but alone it is outvoted."""
    assert seconds("a", a=[300, 10, 10, 10, 10]) == pytest.approx(10)


def test_a_lasting_change_is_followed() -> None:
    """After three runs at the new level, the old one is forgotten."""
    assert seconds("a", a=[30, 30, 30, 10, 10, 10, 10, 10]) == pytest.approx(30)


def test_drift_is_followed() -> None:
    """A step that grows by a tenth in each run is expected at what it took lately."""
    assert seconds("a", a=[10 * 1.1**night for night in reversed(range(10))]) > 10 * 1.1**6


def test_a_new_step_takes_what_its_kind_takes() -> None:
    """With a wide spread; of a kind without any duration, nothing is known."""
    found = known("a, b, c, new, test_new", a=[1, 1], b=[8, 8], c=[9, 9])
    assert found.steps[StepId("new")].seconds == pytest.approx(8)
    assert found.steps[StepId("new")].spread > found.steps[StepId("b")].spread
    assert StepId("test_new") not in found.steps


def test_varying_durations_have_a_wider_spread() -> None:
    """Than steady ones."""
    found = known("a, b", a=[10, 10, 10, 10, 10, 10], b=[5, 20, 7, 15, 4, 19])
    assert found.steps[StepId("a")].spread < found.steps[StepId("b")].spread


def test_how_often_a_step_was_reused_is_known() -> None:
    """Newer runs count more; a step without a record is reused as often as not."""
    assert known("a", a=[REUSED, REUSED, REUSED, 10]).steps[StepId("a")].reused > 0.75
    assert known("a", a=[10, 10, 10, REUSED]).steps[StepId("a")].reused < 0.25


def test_the_number_of_runs_is_that_of_the_runs_with_durations() -> None:
    """A run in which everything was reused shows no durations."""
    assert known("a, b", a=[REUSED, 4, 4], b=[REUSED, 4, 4]).runs == 2
