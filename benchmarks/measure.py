"""Runs one command as a child process and measures its wall time, processor time and peak memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.figures import Measured

QUIET_TOOLS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}
SAMPLE_EVERY = 0.2


class BenchmarkFailed(Exception):  # noqa: N818  # reads as what happened
    """A contender did not do what it was measured for; the figures would lie."""


def measure(words: Sequence[str], *, folder: Path, log: Path) -> Measured:
    """Run a command in a folder to its end, its output in `log`; any exit code but 0 fails the benchmark."""
    with log.open("w") as output:
        start = time.perf_counter()
        child = subprocess.Popen(words, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        sampler = _TreeMemory(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    # Popen must not wait a second time for a child that is gone.
    child.returncode = os.waitstatus_to_exitcode(status)
    tree_mb = sampler.end()
    if child.returncode != 0:
        raise BenchmarkFailed(f"{' '.join(words)}\nin {folder} ended with {child.returncode}:\n{_tail(log)}")
    return Measured(
        seconds=seconds, cpu_seconds=usage.ru_utime + usage.ru_stime, peak_mb=max(usage.ru_maxrss / 1024, tree_mb)
    )


def run_script(name: str, *words: str, folder: Path) -> str:
    """Run a script of this package unmeasured, in a process of its own, and give what it printed."""
    done = subprocess.run(
        [*script(name), *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchmarkFailed(f"{name} {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def script(name: str) -> list[str]:
    """Give the command line of a script of this package."""
    return [sys.executable, str(Path(__file__).parent / "scripts" / f"{name}.py")]


def command(name: str) -> str:
    """Give the path of a command of this environment."""
    return str(Path(sys.executable).parent / name)


def environment() -> Mapping[str, str]:
    """Give the children's environment: compiled modules are kept, and no tool reports its use."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | QUIET_TOOLS


class _TreeMemory:
    """Samples what a process and its descendants hold together, shared pages counted once.

    The kernel's own peak is that of the largest single process; a contender with children holds more.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY):
            self._peak = max(self._peak, _held_by_tree(self._pid))


def _held_by_tree(pid: int) -> float:
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0.0
    return sum(map(_proportional_mb, processes))


def _proportional_mb(process: psutil.Process) -> float:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-40:])
