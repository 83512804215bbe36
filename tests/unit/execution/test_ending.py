"""How a run that ends before its time comes to its end."""

from datetime import timedelta

from orchestrator.execution.ending import Act, Ending


def acts(ending: Ending, *moments: float, at_once: float = 1000.0) -> list[str | None]:
    return [ending.next(moment, at_once=moment >= at_once) for moment in moments]


def test_without_grace_what_runs_is_interrupted_at_once():
    """Then it has the run's patience to end."""
    ending = Ending(grace=timedelta(), patience=timedelta(seconds=5))
    assert acts(ending, 0, 1, 4.9, 5, 6) == [Act.STOP, None, None, Act.ABANDON, None]


def test_with_grace_what_runs_may_finish_first():
    """The patience begins when the grace is over."""
    ending = Ending(grace=timedelta(seconds=60), patience=timedelta(seconds=5))
    assert acts(ending, 0, 59, 60, 64, 65) == [Act.DRAIN, None, Act.STOP, None, Act.ABANDON]


def test_who_insists_waits_for_nothing():
    """A second signal during the grace: what runs is interrupted, and then left behind."""
    ending = Ending(grace=timedelta(seconds=60), patience=timedelta(seconds=5))
    assert acts(ending, 0, 1, 1.1, 1.2, at_once=1) == [Act.DRAIN, Act.STOP, Act.ABANDON, None]
