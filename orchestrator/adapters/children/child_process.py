"""Represents one child process for the owner of the run: its messages, its output, and its end."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.adapters.children.child_access import ChildSession
from orchestrator.adapters.children.child_output import ChildOutput
from orchestrator.adapters.children.own_bug import bug_in_child
from orchestrator.adapters.children.wire import Channel
from orchestrator.wording import last_part

_GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.2
_LAST_WORDS = 300


class ChildEndedError(Exception):
    """A child ended without an answer; the message says how, with the last line that it printed."""


class Child:
    """A process that answers requests: its messages, its SQL, its output, and its end."""

    def __init__(
        self,
        channel: Channel,
        output: ChildOutput,
        session: ChildSession | None,
        of_host: Callable[[], str],
        learn: Callable[[object], None],
    ) -> None:
        """Represent the process at the other end; `learn` gets the secrets that it reports, before it goes on."""
        self._channel = channel
        self._output = output
        self._session = session
        self._of_host = of_host
        self._learn = learn
        self._pid: int | None = None
        self._ending = threading.Lock()
        self._unwanted = False

    @property
    def is_alive(self) -> bool:
        """Whether a child that has answered all its requests can answer another."""
        # Between requests a child sends nothing, so whatever arrives now is the report of its end.
        return not self._unwanted and (self._pid is None or not self._channel.poll(0))

    def send(self, message: Mapping[str, object]) -> None:
        """Send a request, or the reply to a message of the child."""
        with suppress(OSError):  # the process has ended, which `receive` reports
            self._channel.send(message)

    def receive(self, *, stopped: Callable[[], bool] = lambda: False, limit: float = math.inf) -> dict[str, Any]:
        """Return the child's next message.

        Raises:
            ChildEndedError: The process ended, or was ended because `stopped` is true.
            TimeoutError: No message arrived within the limit, in seconds.
            ChildBugError: The child found a bug of elt.
        """
        until = time.monotonic() + limit
        while not self._channel.poll(_POLL_SECONDS):
            if stopped():
                self.end()
                raise ChildEndedError("it was interrupted")
            if time.monotonic() > until:
                raise TimeoutError
        try:
            message = self._channel.receive()
        except (EOFError, OSError, ValueError):
            raise ChildEndedError(self._last_words(None)) from None
        if self._took(message):
            return self.receive(stopped=stopped, limit=until - time.monotonic())
        return message

    def _took(self, message: dict[str, Any]) -> bool:
        """Take a message about the child itself; return False for one that is an answer."""
        if "exit" in message:
            raise ChildEndedError(self._last_words(message["exit"]))
        if "bug" in message:
            raise bug_in_child(message)
        if "secrets" in message:
            for secret in message["secrets"]:
                self._learn(secret)
            self.send({"learned": True})  # the child waits for it, so that it cannot print them before
            return True
        if "pid" not in message:
            return False
        # The first message of each child: it is forked by its interpreter, so the owner does not know its pid.
        self._pid = int(message["pid"])
        if self._unwanted:
            self.end()
        return True

    def ask_to_end(self) -> None:
        """Send SIGINT to what the process has started; the process itself ignores it, and still answers."""
        with self._ending:
            if self._pid is not None:
                self._signal(signal.SIGINT)

    def dismiss(self) -> None:
        """Give the process no further request; `end` or `close` terminates it."""
        self._unwanted = True

    def end(self) -> None:
        """Terminate the process, all that it started, and the statement that runs for it.

        If the pid is not known yet, `receive` does this when it arrives.
        """
        self._unwanted = True
        if self._session is not None:
            self._session.interrupt()
        self._terminate()

    def close(self) -> str:
        """Terminate the process, and return the last part of its output once nothing in the warehouse is unfinished."""
        self._unwanted = True
        self._channel.shut()
        if self._pid is None:  # it may have arrived in the meantime
            with suppress(EOFError, OSError, ValueError):
                self._pid = self._channel.receive().get("pid")
        self._terminate()
        with self._ending:
            self._pid = None  # the number may soon belong to another process, and a late `end` must not hit that one
        output = self._output.finish()
        if self._session is not None:
            self._session.end()  # the unfinished transaction is rolled back before another attempt starts
        self._channel.close()
        return output

    def _terminate(self) -> None:
        with self._ending:
            if self._pid is None or not self._signal(signal.SIGTERM):
                return
            until = time.monotonic() + _GRACE_SECONDS
            while time.monotonic() < until:
                # Signal 0 is not delivered; it shows whether any process of the group is left.
                if not self._signal(0):
                    return
                time.sleep(0.02)
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        with suppress(ProcessLookupError, PermissionError):
            # The whole group, which contains what the user's code has started.
            os.killpg(self._pid or 0, number)
            return True
        return False

    def _last_words(self, code: int | None) -> str:
        self._unwanted = True
        return with_last_line(how_it_ended(code) if code is not None else self._of_host(), self._output.finish())


class RunningChildren:
    """The children that run for steps now, so that single steps can be interrupted; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_step: dict[str, Child] = {}

    @contextmanager
    def running(self, step: str, child: Child) -> Iterator[None]:
        """Record that the child runs the step."""
        with self._lock:
            self._by_step[step] = child
        try:
            yield
        finally:
            with self._lock:
                del self._by_step[step]

    def interrupt(self, steps: Collection[str]) -> None:
        """End the children of these steps, without waiting for it: the caller has a whole run to drive."""
        with self._lock:
            children = [child for step, child in self._by_step.items() if step in steps]
            for child in children:
                child.dismiss()  # before its step can end, so that no other step is given this child
        for child in children:
            # One thread each, because ending a child may take the whole grace period. The step waits for it in `close`.
            threading.Thread(target=child.end, name="elt-end-child", daemon=True).start()


def how_it_ended(code: int, subject: str = "it") -> str:
    """Describe the end of a process by its exit code, which is negative after a signal."""
    if code >= 0:
        return f"{subject} ended with code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        why = ", as when memory runs out" if name == "SIGKILL" else ""
        return f"{subject} was ended by signal {-code} ({name}{why})"
    return f"{subject} was ended by signal {-code}"


def with_last_line(how: str, output: str) -> str:
    """Add the last line that the process printed, if any."""
    lines = output.strip().splitlines()
    return f"{how}: {last_part(lines[-1].strip(), _LAST_WORDS)}" if lines else how
