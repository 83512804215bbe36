"""How a child process gets at the warehouse: what loads and validations are handed, whatever the database."""

from multiprocessing.connection import Connection
from typing import Protocol


class ChildSession(Protocol):
    """One child's use of the warehouse, as the owner of the run sees it; every call may come from any thread."""

    def interrupt(self) -> None:
        """End the statement that runs for the child now; never raises."""

    def join(self) -> None:
        """Wait, once the child has ended, until nothing that it left unfinished is still in the warehouse."""

    def stop(self) -> None:
        """End what runs for the child, or is about to; comes back within seconds."""


class ChildAccess(Protocol):
    """Lets children at the warehouse, each through a pipe of its own."""

    @property
    def kind(self) -> str:
        """The kind of database, by which a child knows what it finds at its end of the pipe."""

    @property
    def place(self) -> str:
        """Where the data are, without any secret: loads keep their state by it."""

    def serve(self, pipe: Connection) -> ChildSession:
        """Let the child with the other end of the pipe at the warehouse; takes the pipe over."""
