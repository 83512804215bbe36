"""The children that run for steps, and their interruption from the thread that drives the run."""

import threading

from orchestrator.adapters.children.child_process import RunningChildren


class StubbornChild:
    """Takes as long to end as the test wants."""

    def __init__(self) -> None:
        self.is_dismissed = False
        self.ending, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()

    def dismiss(self) -> None:
        self.is_dismissed = True

    def end(self) -> None:
        self.ending.set()
        self.may_end.wait(60)
        self.ended.set()


def test_an_interruption_does_not_wait_for_the_end_of_the_children() -> None:
    """They are dismissed at once, so that no other step is given one of them, and end at the same time."""
    running, first, second, other = RunningChildren(), StubbornChild(), StubbornChild(), StubbornChild()
    with running.running("a", first), running.running("b", second), running.running("c", other):
        running.interrupt({"a", "b", "of_nobody"})
        assert not first.ended.is_set()
        assert first.is_dismissed
        assert second.is_dismissed
        assert first.ending.wait(30)
        assert second.ending.wait(30)
        for child in (first, second):
            child.may_end.set()
            assert child.ended.wait(30)
        assert not other.is_dismissed
        assert not other.ending.is_set()
