"""Declares how a child process (a load or a validation) reaches the warehouse, whatever the database."""

from multiprocessing.connection import Connection
from typing import Protocol


class ChildSession(Protocol):
    """One child's use of the warehouse, as the owner of the run sees it; every call may come from any thread."""

    def interrupt(self) -> None:
        """Interrupt the statement that runs for the child now; never raises."""

    def join(self) -> None:
        """Wait, after the child has ended, until the warehouse has nothing left to finish for it."""

    def stop(self) -> None:
        """End the statement that runs for the child, or is about to run; returns within seconds."""


class ChildAccess(Protocol):
    """Connects children to the warehouse, each through its own pipe."""

    @property
    def kind(self) -> str:
        """The kind of database; it determines what the child finds at its end of the pipe."""

    @property
    def place(self) -> str:
        """Where the data are, without secrets; loads use it as the key of their state."""

    def serve(self, pipe: Connection) -> ChildSession:
        """Connect the child at the other end of the pipe to the warehouse; takes ownership of the pipe."""
