"""Starts the children of runs without their imports: forked from a process that has imported dlt and GX.

A run starts its children with `subprocess.Popen`. Here that name starts the programs of `orchestrator/adapters` and
the questions of `--wait-for` warm, and from the process of the tests also `elt` as schedules start it; everything else
as always. The tests of the children themselves start them cold (`COLD`).
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from tests.warm_process import WarmProcess

ROOT = Path(__file__).parents[1]
VARIABLE = "ELT_TESTS_WARM_CHILDREN"
"""The address of the server, for the processes that tests start."""
OWNER = "ELT_TESTS_WARM_OWNER"
"""The process of the tests, which alone starts the server."""
COLD = (
    *("tests/functional/dlt/", "tests/functional/great_expectations/", "tests/architecture/"),
    "tests/cli/test_wait_for.py::test_a_condition_that_can_never_come_true[sql",
)
PACKAGE = "orchestrator.adapters."
CHILDREN = (PACKAGE, "orchestrator.wiring.condition_child")
AS_IN_ELT = {"stdin", "stdout", "stderr", "start_new_session", "close_fds"}
"""What elt says of a process that it starts. A test says more (`really_start`), and gets a real process."""
_ColdPopen = subprocess.Popen
_is_allowed = True
_starting = threading.Lock()


class WarmChild(WarmProcess):
    """A child that is used as a `subprocess.Popen` is."""

    def __init__(self, order: dict[str, Any], streams: Sequence[int], *, pipes: Mapping[str, IO[bytes]]) -> None:
        """Have it forked with these streams, under the numbers that the order has for them; `pipes` has our ends."""
        super().__init__(pipes.get("stdout"), pipes.get("stderr"))
        self.stdin = pipes.get("stdin")
        reports, ours = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as orders:
            orders.connect(os.environ[VARIABLE])
            socket.send_fds(orders, [json.dumps(order).encode()], [ours, *streams])
        os.close(ours)
        self._await(reports)


class _Popen(subprocess.Popen):
    """`subprocess.Popen`, except that a child of a run starts warm."""

    def __new__(cls, args: Any, *rest: Any, **options: Any) -> Any:
        if not _is_allowed or rest:
            return super().__new__(cls)
        if (words := _words_of_elt(args, options)) is not None:
            from tests.warm_starts import WarmStart

            return WarmStart(words, **options)
        program = _program(args)
        if program is None or not ready():
            return super().__new__(cls)
        numbers = [0, 1, 2, *options.get("pass_fds", ())]
        with Path(os.devnull).open("r+b") as nothing, ExitStack() as theirs:
            pipes: dict[str, IO[bytes]] = {}
            for name in _NAMES:
                if options.get(name) == subprocess.PIPE:
                    pipes[name], options[name] = _pipe(name, theirs)
            asked = [descriptor(options.get(name), number, nothing.fileno()) for number, name in enumerate(_NAMES)]
            order = {
                **program,
                "folder": str(options.get("cwd") or Path.cwd()),
                "environment": dict(os.environ if options.get("env") is None else options["env"]),
                "streams": numbers,
                "in_a_session": bool(options.get("start_new_session")),
            }
            return WarmChild(order, [*asked, *numbers[3:]], pipes=pipes)


_NAMES = ("stdin", "stdout", "stderr")


def _pipe(name: str, theirs: ExitStack) -> tuple[IO[bytes], int]:
    """Return our end of a pipe, and the end for the child, which is closed with `theirs`."""
    read, write = os.pipe()
    ours, end = (write, read) if name == "stdin" else (read, write)
    theirs.callback(os.close, end)
    return os.fdopen(ours, "wb" if name == "stdin" else "rb"), end


def descriptor(asked: Any, number: int, nothing: int) -> int:
    """Return the descriptor of a stream: `number` unless another one is asked for, `nothing` for the null device."""
    if asked is None:
        return number
    if asked == subprocess.DEVNULL:
        return nothing
    return asked if isinstance(asked, int) else int(asked.fileno())


def _words_of_elt(args: Any, options: Mapping[str, Any]) -> list[str] | None:
    """Return the words of an `elt` that this process starts as a schedule does; None for anything else."""
    if os.environ.get(OWNER) != str(os.getpid()) or not AS_IN_ELT.issuperset(options):
        return None
    if not isinstance(args, list) or args[:1] != [sys.executable]:
        return None
    if "stdin" not in options or subprocess.PIPE in options.values():
        return None
    words = args[2:] if args[1:2] == ["-P"] else args[1:]
    return [str(word) for word in words[2:]] if words[:2] == ["-m", "orchestrator"] else None


def _program(args: Any) -> dict[str, Any] | None:
    """Return the module or file of a child of ours, and its words; None for any other program."""
    if not isinstance(args, list) or len(args) < 2 or args[0] != sys.executable:
        return None
    words = [str(word) for word in args[1:]]
    if words[:1] == ["-P"]:
        words = words[1:]
    if words[0] == "-m" and words[1].startswith(CHILDREN):
        return {"module": words[1], "path": None, "words": words[2:]}
    if words[0].endswith(".py") and Path(words[0]).is_relative_to(ROOT / PACKAGE.rstrip(".").replace(".", "/")):
        return {"module": None, "path": words[0], "words": words[1:]}
    return None


def install() -> None:
    """Start children warm in this process, if the tests have named a server."""
    subprocess.Popen = _Popen  # type: ignore[misc]


def offer() -> None:
    """Name the address of this process's server; the first child that is started starts it."""
    os.environ[VARIABLE] = f"{tempfile.mkdtemp(prefix='elt-warm-')}/children"
    os.environ[OWNER] = str(os.getpid())
    install()


def allow(nodeid: str) -> None:
    """Say for which test children are started from now on."""
    global _is_allowed  # noqa: PLW0603
    _is_allowed = not nodeid.startswith(COLD)


def ready() -> bool:
    """Start the server if this is the process of the tests, and return whether it listens.

    What is ordered while it imports waits for it.
    """
    address = Path(os.environ.get(VARIABLE, "/nowhere"))
    with _starting:
        if address.exists() or os.environ.get(OWNER) != str(os.getpid()):
            return address.exists()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(address))
            listener.listen(64)
            listener.set_inheritable(True)
            _ColdPopen(
                [sys.executable, "-m", "tests.warm_children_server", str(listener.fileno())],
                cwd=ROOT,
                env={**os.environ, **_QUIET, "PYTHONPATH": str(ROOT)},
                pass_fds=[listener.fileno()],
                stdin=_lifeline(),
                stdout=subprocess.DEVNULL,
            )
    return True


_QUIET = {"OPENBLAS_NUM_THREADS": "1", "RUNTIME__DLTHUB_TELEMETRY": "false", "GX_ANALYTICS_ENABLED": "false"}
_LIFELINES: list[int] = []


def _lifeline() -> int:
    """Return the end of a pipe that is readable once this process has ended."""
    read, write = os.pipe()
    _LIFELINES.append(write)
    return read


def clear() -> None:
    """Remove what `offer` made."""
    with suppress(OSError, KeyError):
        address = Path(os.environ.pop(VARIABLE))
        address.unlink(missing_ok=True)
        address.parent.rmdir()
