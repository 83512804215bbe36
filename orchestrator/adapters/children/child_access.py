"""Declares how a child process (a load or a validation) reaches the warehouse, whatever the database."""

from typing import Protocol

from orchestrator.adapters.children.wire import Channel


class ChildSession(Protocol):
    """One child's use of the warehouse, as the owner of the run sees it; every call may come from any thread."""

    def interrupt(self) -> None:
        """Interrupt the statement that runs for the child now; never raises."""

    def end(self) -> None:
        """Run no further statement for the child, and wait until the warehouse has nothing left to finish for it."""


class ChildAccess(Protocol):
    """Connects children to the warehouse, each through its own channel."""

    @property
    def kind(self) -> str:
        """The kind of database; it determines what the child finds at its end of the channel."""

    @property
    def place(self) -> str:
        """Where the data are, without secrets; loads use it as the key of their state."""

    def serve(self, channel: Channel) -> ChildSession:
        """Connect the child at the other end of the channel to the warehouse; takes ownership of the channel."""
