"""Starts a warm interpreter with a tool, and has it fork a child for every request or series of requests."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from orchestrator.adapters.children.child_access import ChildAccess, ChildSession
from orchestrator.adapters.children.child_output import ChildOutput
from orchestrator.adapters.children.wire import Channel

_GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0
_LAST_WORDS = 300
_NOTHING: Mapping[str, str] = MappingProxyType({})


class ChildEndedError(Exception):
    """A child ended without an answer; the message says how, with the last line that it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterFacts:
    """What an interpreter says about itself."""

    python: tuple[int, int, int]
    prefix: str
    """The folder of its environment."""
    versions: Mapping[str, str]
    """The versions of the distributions that were asked for and are installed."""
    has_pip: bool


class Child:
    """A process that answers requests: its messages, its SQL, its output, and its end."""

    def __init__(
        self, channel: Channel, output: ChildOutput, session: ChildSession | None, of_host: Callable[[], str]
    ) -> None:
        self._channel = channel
        self._output = output
        self._session = session
        self._of_host = of_host
        self._pid: int | None = None
        self._ending = threading.Lock()
        self._unwanted = False

    @property
    def is_alive(self) -> bool:
        """Whether a child that has answered all its requests can answer another."""
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
        if "exit" in message:
            raise ChildEndedError(self._last_words(message["exit"]))
        if "pid" not in message:
            return message
        self._pid = int(message["pid"])
        if self._unwanted:
            self.end()
        return self.receive(stopped=stopped, limit=until - time.monotonic())

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
        said = self._output.finish()
        if self._session is not None:
            self._session.end()  # the unfinished transaction is rolled back before another attempt starts
        self._channel.close()
        return said

    def _terminate(self) -> None:
        with self._ending:
            if self._pid is None or not self._signal(signal.SIGTERM):
                return
            until = time.monotonic() + _GRACE_SECONDS
            while time.monotonic() < until:
                if not self._signal(0):
                    return
                time.sleep(0.02)
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid or 0, number)
            return True
        return False

    def _last_words(self, code: int | None) -> str:
        self._unwanted = True
        return _with_last_line(_how(code) if code is not None else self._of_host(), self._output.finish())


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
        """End the children of these steps, all at the same time."""
        with self._lock:
            enders = [threading.Thread(target=child.end) for step, child in self._by_step.items() if step in steps]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()


class ChildHost:
    """A process that imports a tool once and then forks; it starts on first use, and again if it has ended."""

    def __init__(
        self,
        side: str,
        distributions: Sequence[str],
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] = _NOTHING,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Configure the host; `side` is the module that answers in the child.

        `distributions` are those whose versions the interpreter reports. `mask` hides secrets in the children's output.
        """
        self.python = python
        self._side = side
        self._distributions = distributions
        self._environment = environment
        self._mask = mask
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._said: IO[bytes] | None = None
        self._facts: InterpreterFacts | None = None

    def start(self) -> None:
        """Start the process without waiting until it is warm; calling again does nothing.

        Raises:
            ChildEndedError: The interpreter cannot be started.
        """
        with self._lock:
            self._start()

    @property
    def known_versions(self) -> Mapping[str, str]:
        """Return the versions of the distributions, as far as `facts` was called."""
        return self._facts.versions if self._facts is not None else {}

    def facts(self) -> InterpreterFacts:
        """Return what the interpreter says about itself before it imports the tool; raises ChildEndedError."""
        with self._lock:
            if self._facts is None:
                control = self._start()
                control.settimeout(_PATIENCE_SECONDS)
                try:
                    with control.makefile("rb") as lines:
                        line = lines.readline()
                except TimeoutError:
                    raise ChildEndedError(f"{self.python} does not answer") from None
                finally:
                    control.settimeout(None)
                if not line:
                    raise ChildEndedError(self._how_it_ended("it"))
                said = json.loads(line)
                self._facts = InterpreterFacts(**{**said, "python": tuple(said["python"])})
            return self._facts

    def open_child(
        self, *, access: ChildAccess | None = None, log: Path | None = None, warms_further: bool = False
    ) -> Child:
        """Return a new process with this access to the warehouse; raises ChildEndedError if there is no interpreter.

        With `warms_further`, the interpreter first imports what only some requests need.
        """
        with self._lock:
            control = self._start()
        ours, theirs = _pair()
        printed, prints = os.pipe()
        sql_ours, sql_theirs = _pair() if access is not None else (None, None)
        ends = [theirs.fileno(), prints, *([] if sql_theirs is None else [sql_theirs.fileno()])]
        try:
            with self._lock:
                socket.send_fds(control, [b"t" if warms_further else b"f"], ends)
        except OSError:  # it has just ended
            os.close(printed)
            raise ChildEndedError(self._how_it_ended()) from None
        finally:
            os.close(prints)
            for end in (theirs, sql_theirs):
                if end is not None:
                    end.close()
        session = access.serve(Channel(sql_ours.detach())) if access is not None and sql_ours is not None else None
        output = ChildOutput(printed, log, self._mask)
        return Child(Channel(ours.detach()), output, session, self._how_it_ended)

    def close(self) -> None:
        """Terminate the process; its children end with it."""
        with self._lock:
            if self._process is None or self._control is None or self._said is None:
                return
            self._control.close()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:  # the process is still importing
                self._process.kill()
                self._process.wait()
            self._said.close()
            self._process = self._control = self._said = None

    def _start(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._control, theirs = _pair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        command = [self.python, str(Path(__file__).with_name("forking.py")), str(theirs.fileno()), self._side]
        try:
            self._process = subprocess.Popen(
                [*command, ",".join(self._distributions)],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                start_new_session=True,  # the owner handles Ctrl-C
            )
        except OSError as error:
            raise ChildEndedError(f"{self.python} does not start: {error.strerror or error}") from error
        finally:
            theirs.close()
        return self._control

    def _how_it_ended(self, subject: str = "its interpreter") -> str:
        """Describe the end of the interpreter, with the last line that it printed; of a child if it has not ended."""
        if self._process is None or self._said is None:
            return "it died"
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it died"
        with suppress(ValueError):  # closed in the meantime
            self._said.seek(0)
            return _with_last_line(_how(code, subject), self._said.read().decode(errors="replace"))
        return _how(code, subject)


def _how(code: int, subject: str = "it") -> str:
    if code >= 0:
        return f"{subject} ended with code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        why = ", as when memory runs out" if name == "SIGKILL" else ""
        return f"{subject} was ended by signal {-code} ({name}{why})"
    return f"{subject} was ended by signal {-code}"


def _with_last_line(how: str, said: str) -> str:
    lines = said.strip().splitlines()
    return f"{how}: {lines[-1].strip()[-_LAST_WORDS:]}" if lines else how


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
