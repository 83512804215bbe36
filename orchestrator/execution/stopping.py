"""Stop requests: of the user for the whole run, and of the run for one step."""


class StopRequest:
    """The user's wish to end a run; safe to set from any thread and from a signal handler, for it takes no lock."""

    def __init__(self) -> None:
        self._set = False
        self._insisted = False

    def set(self) -> None:
        """Ask the run to end: nothing more starts, what runs is interrupted and waited for."""
        self._set = True

    def insist(self) -> None:
        """Ask the run to end at once, without waiting for what still runs."""
        self._set = True
        self._insisted = True

    def press(self) -> None:
        """Ask once, or insist when it was asked before: what each further Ctrl-C means."""
        if self._set:
            self._insisted = True
        self._set = True

    def is_set(self) -> bool:
        """Whether the run was asked to end."""
        return self._set

    @property
    def insisted(self) -> bool:
        """Whether the run was asked to end at once."""
        return self._insisted


class StepStop:
    """What one running step looks at: set when it is interrupted, with the whole run or alone."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Ask this step to end."""
        self._set = True

    def is_set(self) -> bool:
        """Whether this step is to end as soon as possible."""
        return self._set
