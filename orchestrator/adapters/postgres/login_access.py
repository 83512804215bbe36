"""Lets child processes log in to PostgreSQL themselves, and ends their sessions on the server."""

import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg2

from orchestrator.adapters.children.wire import Channel
from orchestrator.adapters.postgres.connection import connect
from orchestrator.adapters.postgres.login import Login
from orchestrator.statement_watch import STATEMENT_WATCH, WatchedStatement

_log = logging.getLogger(__name__)
_PAUSE = 0.02
_LONGEST = 10.0
_PATIENCE = 2
"""Seconds to wait for a server that does not answer: an interruption must return quickly."""
_END = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s and pid <> pg_backend_pid()"


class LoginAccess:
    """Gives each child the login through its channel: unlike a DuckDB file, a server accepts several processes."""

    kind = "postgres"

    def __init__(self, login: Login) -> None:
        self._login = login

    @property
    def place(self) -> str:
        """The server and the database."""
        return self._login.place

    def serve(self, channel: Channel) -> "LoginSession":
        """Send the login, with a unique application name by which the child's sessions are found."""
        login = self._login.named(f"elt {uuid4().hex}")
        with suppress(OSError):  # if the child has ended already, its caller will notice
            channel.send(login.to_wire())
        return LoginSession(login, channel)


class LoginSession:
    """The sessions of one child on the server."""

    def __init__(self, login: Login, channel: Channel, clock: Callable[[], float] = time.monotonic) -> None:
        self._login = login
        self._channel = channel
        self._clock = clock

    def interrupt(self) -> None:
        """End every session of the child; its transactions are rolled back."""
        self._end_all()

    def end(self) -> None:
        """End the child's remaining sessions, and wait until they are gone from the server."""
        # The load may be repeated only when they are gone: one that still commits would meet the next attempt.
        until = self._clock() + _LONGEST
        while self._end_all() and self._clock() < until:
            time.sleep(_PAUSE)
        self._channel.close()

    def _end_all(self) -> int:
        """End the sessions and return how many there were; 0 if the server cannot be reached."""
        try:
            # as the login user: a role that the sessions switched to may not be allowed to end them
            asking = replace(self._login.named("elt"), connect_timeout=_PATIENCE)
            with closing(connect(asking, as_role=False)) as connection:
                cursor: Any = connection.cursor()
                with STATEMENT_WATCH.over(WatchedStatement(connection, _PATIENCE)):
                    cursor.execute(_END, [self._login.application_name])
                return int(cursor.rowcount)
        except psycopg2.Error as error:
            _log.warning("sessions could not be ended: %s", error, extra={"action": "end_sessions"})
            return 0
