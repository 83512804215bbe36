"""Starts a warm interpreter with a tool, and has it fork a child for every request or series of requests."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from orchestrator.adapters.children.child_access import ChildAccess
from orchestrator.adapters.children.child_output import ChildOutput
from orchestrator.adapters.children.child_process import Child, ChildEndedError, how_it_ended, with_last_line
from orchestrator.adapters.children.wire import Channel

_GRACE_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_NOTHING: Mapping[str, str] = MappingProxyType({})
_WATCH = 'read group || exit; read end; sleep 1; kill -s KILL -- "-$group"'
"""Kills a process group soon after the other end of stdin is closed, which the end of its holder does in any case.

An interpreter that answers ends by itself in that second, with its children and all that they started. Linux could
send a signal at the death of the parent, but the parent is the thread that started the interpreter, not the process.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterFacts:
    """What an interpreter says about itself."""

    python: tuple[int, int, int]
    prefix: str
    """The folder of its environment."""
    versions: Mapping[str, str]
    """The versions of the distributions that were asked for and are installed."""
    has_pip: bool


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
        learn: Callable[[object], None] = lambda _secret: None,
    ) -> None:
        """Configure the host; `side` is the module that answers in the child.

        `distributions` are those whose versions the interpreter reports. `mask` hides secrets in the children's output,
        also those that a child reports itself, which `learn` receives.
        """
        self.python = python
        self._side = side
        self._distributions = distributions
        self._environment = environment
        self._mask = mask
        self._learn = learn
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
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
                answer = json.loads(line)
                self._facts = InterpreterFacts(**{**answer, "python": tuple(answer["python"])})
            return self._facts

    def open_child(
        self,
        *,
        access: ChildAccess | None = None,
        log: Path | None = None,
        warms_further: bool = False,
        mask: Callable[[str], str] | None = None,
    ) -> Child:
        """Return a new process with this access to the warehouse; raises ChildEndedError if there is no interpreter.

        With `warms_further`, the interpreter first imports what only some requests need. `mask` hides more in the
        output of this child than that of the host.
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
            # The interpreter has its own copies now. Ours would keep the child's channels open after its end.
            os.close(prints)
            for end in (theirs, sql_theirs):
                if end is not None:
                    end.close()
        # Only after the ends were sent: without a child, nothing would ever close the session.
        session = access.serve(Channel(sql_ours.detach())) if access is not None and sql_ours is not None else None
        output = ChildOutput(printed, log, mask or self._mask)
        return Child(Channel(ours.detach()), output, session, self._how_it_ended, self._learn)

    def close(self) -> None:
        """Terminate the process; its children end with it."""
        control = self._control
        if control is not None:
            with suppress(OSError):  # it has ended
                # Without the lock: a thread that waits in `facts` for an interpreter that says nothing holds it.
                control.shutdown(socket.SHUT_RDWR)
        with self._lock:
            if self._process is None or self._control is None or self._said is None:
                return
            # The interpreter exits when the other end of its socket is closed.
            self._control.close()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:  # the process is still importing
                with suppress(ProcessLookupError):
                    # The whole session: an interpreter can be a script that started the real one.
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._said.close()
            self._process = self._control = self._said = None
            self._unwatch()

    def _start(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._unwatch()
        self._watch()
        self._control, theirs = _pair()
        # A file, not a pipe: it is read only after an error, and a full pipe would block the interpreter.
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
            self._unwatch()
            raise ChildEndedError(f"{self.python} does not start: {error.strerror or error}") from error
        finally:
            theirs.close()
        if self._watcher is not None and self._watcher.stdin is not None:
            with suppress(OSError):  # somebody has killed the watcher
                self._watcher.stdin.write(f"{self._process.pid}\n".encode())
        return self._control

    def _watch(self) -> None:
        """Start the process that ends the interpreter after this process was killed, even if that never answers."""
        with suppress(OSError):  # there is no shell
            self._watcher = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what kills the owner's group must not kill the watcher too
            )

    def _unwatch(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None and watcher.stdin is not None:
            watcher.kill()
            watcher.wait()
            watcher.stdin.close()

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
            return with_last_line(how_it_ended(code, subject), self._said.read().decode(errors="replace"))
        return how_it_ended(code, subject)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
