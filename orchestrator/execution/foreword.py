"""Sends the notices that come before a run starts, and keeps them for its record."""

from collections.abc import Callable
from dataclasses import replace

from orchestrator.execution.events import Noticed


class Foreword:
    """The notices of a run that is still being planned, such as a wait for another process.

    They are sent at once, with the numbers that they have in the record once the run starts. `after` is the number of
    the last event that is recorded of the run: not 0 if it is resumed.
    """

    def __init__(self, run_id: str, send: Callable[[Noticed], None], after: int = 0) -> None:
        self._run_id = run_id
        self._send = send
        self._after = after
        self.notices: list[Noticed] = []

    def hear(self, notice: Noticed) -> None:
        """Send a notice; one that belongs to a run already, because it follows the end, is sent as it is."""
        if not notice.run_id:
            number = self._after + len(self.notices) + 1
            notice = replace(notice, run_id=self._run_id, sequence=number)
            self.notices.append(notice)
        self._send(notice)
