"""Defines stop requests: from the user for the whole run, and from the run for one step."""

from collections.abc import Sequence


class StopRequest:
    """A user's request to end a run. It takes no lock, so it is safe in any thread and in a signal handler."""

    def __init__(self) -> None:
        self._set = False
        self._insisted = False

    def set(self) -> None:
        """Ask the run to end: nothing more starts, and running steps are interrupted and awaited."""
        self._set = True

    def insist(self) -> None:
        """Ask the run to end at once, without waiting for running steps."""
        self._set = True
        self._insisted = True

    def press(self) -> None:
        """Ask the run to end, or to end at once if it was asked before, as each Ctrl-C does."""
        if self._set:
            self._insisted = True
        self._set = True

    def is_set(self) -> bool:
        """Return whether the run was asked to end."""
        return self._set

    @property
    def insisted(self) -> bool:
        """Whether the run was asked to end at once."""
        return self._insisted


class StepStop:
    """The stop request of one running step, set when the step or the whole run is interrupted."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Ask this step to end."""
        self._set = True

    def is_set(self) -> bool:
        """Return whether this step is to end as soon as possible."""
        return self._set


class StopOfAll:
    """The stop request of a batch of steps: set once every step of it is asked to end."""

    def __init__(self, stops: Sequence[StepStop]) -> None:
        self._stops = tuple(stops)

    def is_set(self) -> bool:
        """Return whether no step of the batch is still wanted."""
        return all(stop.is_set() for stop in self._stops)
