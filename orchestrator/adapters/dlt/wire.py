"""Sends and receives JSON messages between the owner of a run and the processes that load."""

import json
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any


def send(connection: Connection, message: Mapping[str, object]) -> None:
    """Send one message."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection) -> dict[str, Any]:
    """Return the next message; raises EOFError if the other side has closed the connection."""
    message = json.loads(connection.recv_bytes())
    if not isinstance(message, dict):
        raise TypeError(f"a message must be an object, not {type(message).__name__}")
    return message
