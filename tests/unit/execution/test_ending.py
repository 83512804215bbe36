"""How a run that ends before its time comes to its end."""

from datetime import timedelta

from orchestrator.execution.ending import Ending, EndingAct


def acts(ending: Ending, *moments: float, at_once: float = 1000.0) -> list[str | None]:
    return [ending.next(moment, at_once=moment >= at_once) for moment in moments]


def test_without_a_grace_period_running_steps_are_interrupted_at_once():
    """Then it has the run's patience to end."""
    ending = Ending(grace=timedelta(), patience=timedelta(seconds=5))
    assert acts(ending, 0, 1, 4.9, 5, 6) == [EndingAct.STOP, None, None, EndingAct.ABANDON, None]


def test_with_a_grace_period_running_steps_may_finish():
    """The patience begins when the grace is over."""
    ending = Ending(grace=timedelta(seconds=60), patience=timedelta(seconds=5))
    assert acts(ending, 0, 59, 60, 64, 65) == [EndingAct.DRAIN, None, EndingAct.STOP, None, EndingAct.ABANDON]


def test_a_second_interrupt_waits_for_nothing():
    """A second signal during the grace: what runs is interrupted, and then left behind."""
    ending = Ending(grace=timedelta(seconds=60), patience=timedelta(seconds=5))
    assert acts(ending, 0, 1, 1.1, 1.2, at_once=1) == [EndingAct.DRAIN, EndingAct.STOP, EndingAct.ABANDON, None]
