"""Sends and receives the messages between the owner of a run and its child processes.

A message is a JSON object with its length before it. JSON has the same meaning in every version of Python and of the
tools, so a child may run in another interpreter than the owner.
"""

import json
import os
import socket
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

_JSON_HAS = frozenset({str, int, float, bool, type(None)})


class Channel:
    """One end of a connection; it carries messages in both directions."""

    def __init__(self, descriptor: int) -> None:
        """Take ownership of the file descriptor of a socket."""
        self._connection = Connection(descriptor)
        self._lock = threading.RLock()

    def send(self, message: Mapping[str, object]) -> None:
        """Send one message; raises OSError if the other side has closed its end."""
        with self._lock:
            self._connection.send_bytes(json.dumps(message).encode())

    def ask(self, message: Mapping[str, object]) -> dict[str, Any]:
        """Send one message and return the reply; threads that ask at the same time wait for each other.

        Raises what `send` and `receive` raise.
        """
        with self._lock:
            self.send(message)
            return self.receive()

    def receive(self) -> dict[str, Any]:
        """Return the next message.

        Raises:
            EOFError: The other side has closed its end.
            OSError: The connection was lost in the middle of a message.
            ValueError: What arrived is not a message.
        """
        message = json.loads(self._connection.recv_bytes())
        if not isinstance(message, dict):
            raise ValueError(f"a message must be an object, not {type(message).__name__}")  # noqa: TRY004  # see above
        return message

    def poll(self, seconds: float) -> bool:
        """Return whether a message, or the end of the connection, arrives within the time."""
        return self._connection.poll(seconds)

    def shut(self) -> None:
        """End the connection for both sides at once, even if other processes have inherited an end of it."""
        # A duplicate, because closing this socket object must not close the descriptor of the connection.
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close this end; the other side then receives EOFError."""
        with suppress(OSError):
            self._connection.close()


def to_wire(value: object) -> object:
    """Return a value of a database as JSON; types that JSON lacks become an object with one key, their name."""
    for kind in type(value).__mro__:  # the tools have subclasses, of which JSON has only the value
        if kind in _JSON_HAS:
            return value
        if kind in _WRITERS:
            return _WRITERS[kind](value)
    raise TypeError(f"a value of the type {type(value).__name__} cannot be sent")


def from_wire(value: Any) -> Any:  # noqa: ANN401  # whatever a database holds
    """Return the value from which `to_wire` made this JSON."""
    if type(value) is list:
        return [each if type(each) in _JSON_HAS else from_wire(each) for each in value]
    if type(value) is dict:
        [(kind, content)] = value.items()
        return _READERS[kind](content)
    return value


_WRITERS: Mapping[type, Callable[[Any], object]] = {
    dict: lambda value: {"dict": [[to_wire(key), to_wire(each)] for key, each in value.items()]},
    # Most values need no conversion; the test here saves a call for each.
    list: lambda value: [each if type(each) in _JSON_HAS else to_wire(each) for each in value],
    tuple: lambda value: {"tuple": [to_wire(each) for each in value]},
    datetime: lambda value: {"datetime": value.isoformat()},
    date: lambda value: {"date": value.isoformat()},
    time: lambda value: {"time": value.isoformat()},
    timedelta: lambda value: {"timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value: {"Decimal": str(value)},
    UUID: lambda value: {"UUID": str(value)},
    bytes: lambda value: {"bytes": b64encode(value).decode()},
    bytearray: lambda value: {"bytes": b64encode(value).decode()},
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "dict": lambda pairs: {from_wire(key): from_wire(each) for key, each in pairs},
    "tuple": lambda items: tuple(map(from_wire, items)),
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "Decimal": Decimal,
    "UUID": UUID,
    "bytes": b64decode,
}
