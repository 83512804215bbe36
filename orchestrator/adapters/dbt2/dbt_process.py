"""Runs one call of dbt 2.x, and reads the telemetry that it writes while it works."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import BinaryIO

from orchestrator.adapters.children.child_host import ChildHost
from orchestrator.adapters.children.child_process import Child, ChildEndedError, how_it_ended
from orchestrator.adapters.dbt2.node_report import NodeReport
from orchestrator.adapters.dbt2.telemetry import Telemetry
from orchestrator.errors import DbtCommandError
from orchestrator.wording import last_part

_TELEMETRY = "telemetry.jsonl"
_GRACE_SECONDS = 3.0
"""How long dbt may take to cancel its queries and to report the end of its nodes."""
_MOST_SHOWN = 4_000
_OWN: Mapping[str, str] = MappingProxyType({"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtAnswer:
    """The end of a command that only answers a question."""

    code: int | None
    """The exit code; None if it could not be started."""
    lines: tuple[str, ...] = ()
    told: str = ""
    """How it ended, for people, without secrets."""


def run_in_terminal(program: Sequence[str], words: Sequence[str], folder: Path) -> int:
    """Run a command of dbt that writes to the terminal itself, and return elt's exit code; raises DbtCommandError."""
    try:
        code = subprocess.run([*program, *words], cwd=folder, check=False).returncode
    except OSError as error:
        told = f"{program[0]} cannot be started: {error.strerror or error}."
        raise DbtCommandError(told, hint="Correct `dbt.command` in elt.yml, or remove it to use dbt 1.x.") from error
    return code if code in {0, 1} else 2


class DbtProcesses:
    """Starts calls of one program in one project; a small interpreter forks the process above each of them."""

    def __init__(self, words: Sequence[str], project_dir: Path, log: Path, mask: Callable[[str], str]) -> None:
        """Set the program, and the file that gets what it prints, without secrets."""
        self._words = tuple(words)
        self._project_dir = project_dir.resolve()
        self.log = log
        self._mask = mask
        self._host = ChildHost("orchestrator.adapters.dbt2.dbt_child", (), mask=mask)

    def call(self, words: Sequence[str]) -> "DbtProcess":
        """Return a call with these words, not started yet."""
        return DbtProcess(self._open, [*self._words, *words], self._project_dir)

    def answer(self, words: Sequence[str]) -> DbtAnswer:
        """Run a command that only answers a question, and return what it printed, complete and with its secrets."""
        try:
            done = subprocess.run(
                [*self._words, *words],
                cwd=self._project_dir,
                env={**os.environ, **_OWN},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            return DbtAnswer(code=None, told=f"{self._words[0]} cannot be started: {error.strerror or error}")
        printed = done.stdout.decode(errors="replace")
        told = _last_lines(f"{printed}\n{done.stderr.decode(errors='replace')}")
        return DbtAnswer(
            code=done.returncode,
            lines=tuple(printed.splitlines()),
            told=f"{how_it_ended(done.returncode, 'dbt')}: {self._mask(told)}",
        )

    def close(self) -> None:
        """End the interpreter, and every call that is left."""
        self._host.close()

    def _open(self) -> Child:
        return self._host.open_child(log=self.log)


class DbtProcess:
    """One call of dbt: it is followed on one thread, and can be interrupted from any other."""

    def __init__(self, open_child: Callable[[], Child], words: Sequence[str], folder: Path) -> None:
        self._open_child = open_child
        self._words = list(words)
        self._folder = folder
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._asked_at: float | None = None
        self._is_ended = False
        self.telemetry = Telemetry()
        self.code: int | None = None
        """The exit code; None if the process did not run to its end."""
        self.problem = ""
        """Why it could not be started, or how it ended without an exit code."""
        self.output = ""
        """The last part of what it printed."""

    @property
    def was_interrupted(self) -> bool:
        """Whether it was asked to end."""
        return self._asked_at is not None

    def follow(self) -> Iterator[NodeReport]:
        """Start dbt, and yield each node as soon as it has ended, until the process has ended."""
        with TemporaryDirectory(prefix="elt-dbt-") as folder:
            # A folder of its own: telemetry contains statements, and statements may contain secrets.
            words = [*self._words, "--log-path", folder, "--otel-file-name", _TELEMETRY]
            tail = _Tail(Path(folder))
            try:
                yield from self._answered(words, tail)
            except ChildEndedError as error:
                self.problem = str(error)
            finally:
                tail.close()

    def interrupt(self) -> None:
        """Ask dbt to end, and end it if it still runs after a few seconds; does not block."""
        with self._lock:
            now = time.monotonic()
            first, self._asked_at = self._asked_at is None, self._asked_at or now
            child, is_late = self._child, now - self._asked_at > _GRACE_SECONDS
            ends, self._is_ended = is_late and not self._is_ended, self._is_ended or is_late
        if child is None:
            return
        if ends:
            threading.Thread(target=child.end, name="elt-end-dbt", daemon=True).start()
        elif first:
            child.ask_to_end()

    def how_it_ended(self) -> str:
        """Describe the end of the process, with what dbt said about it: its errors, or the last that it printed."""
        how = self.problem or how_it_ended(self.code or 0, "dbt")
        how += "" if self.telemetry.has_begun or self.code is None else ", and wrote no telemetry"
        said = "\n".join(self.telemetry.errors) or _last_lines(self.output)
        return f"{how}: {said}" if said else how

    def _answered(self, words: list[str], tail: "_Tail") -> Iterator[NodeReport]:
        with self._lock:
            if self._asked_at is not None:
                self.problem = "it was interrupted before it started"
                return
            child = self._child = self._open_child()
        try:
            child.send({"words": words, "folder": str(self._folder), "environment": dict(_OWN)})
            while True:
                with suppress(TimeoutError):
                    answer = child.receive(limit=0)
                    break
                yield from self.telemetry.feed(tail.read())
            self.code, self.problem = answer.get("code"), answer.get("error", "")
        except ChildEndedError as error:
            self.problem = f"dbt was ended: {error}"
        finally:
            with self._lock:
                self._child = None
            self.output = child.close()
        yield from self.telemetry.feed(tail.read())
        yield from self.telemetry.end()


class _Tail:
    """Reads a file that another process writes, from where it stopped before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None

    def read(self) -> bytes:
        """Return what was written since the last call; nothing before the file exists."""
        if self._file is None:
            found = next(self._folder.rglob(_TELEMETRY), None)
            if found is None:
                return b""
            self._file = found.open("rb")
        return self._file.read()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _last_lines(output: str) -> str:
    return last_part("\n".join(line.rstrip() for line in output.strip().splitlines()), _MOST_SHOWN)
