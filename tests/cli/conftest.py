"""The command line in this process, with what it said; and as a process of its own where that matters."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest

from orchestrator.cli.main import run_command_line
from tests.warm_starts import WarmStart

ELT = (sys.executable, "-m", "orchestrator")


@dataclass(frozen=True)
class Said:
    """What one call of `elt` ended with."""

    code: int
    out: str
    err: str

    def refuses(self, *words: str, code: int = 2) -> None:
        """Assert that it ended with an error in which these words stand, and without a traceback."""
        assert self.code == code, self.out + self.err
        assert re.match(r"Error \[E\d{3}\]: ", self.err), self.err
        told = " ".join(self.err.split())
        for word in words:
            assert word in told
        assert "Traceback" not in self.out + self.err
        assert len(self.err.strip().splitlines()) > 1, "a message without what to do next"

    def reports(self, *words: str, code: int = 1) -> None:
        """Assert that a run ended with this code and its report has these words, and no traceback."""
        assert self.code == code, self.out + self.err
        told = " ".join(self.out.split())
        for word in words:
            assert word in told
        assert "Traceback" not in self.out + self.err


@pytest.fixture(autouse=True)
def quick_and_alone(tmp_path_factory, monkeypatch):
    """Keep dlt's state out of the home, and its waits between two tries short."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "3")
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.01")
    monkeypatch.delenv("DBT_PROJECT_DIR", raising=False)


@pytest.fixture
def elt(capfd):
    """Run `elt VERB …` in this process, on a project's folder when one is given."""

    def run(*words: object, project=None) -> Said:
        capfd.readouterr()
        folder = [] if project is None else ["--project-dir", str(project)]
        code = run_command_line([*map(str, words), *folder])
        sys.stdout.flush()
        return Said(code, *capfd.readouterr())

    return run


def start(*words: object, project=None, env: Mapping[str, str] | None = None, **options) -> WarmStart:
    """Start `elt VERB …` as a process of its own, that has made its imports before."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return WarmStart(_words(words, project), env=_environment(env), **streams)


def really_start(
    *words: object, project=None, env: Mapping[str, str] | None = None, program=ELT[1:], **options
) -> subprocess.Popen:
    """Start `python -m orchestrator VERB …`, or another program, as a shell does."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": hear_ctrl_c, **options}
    return subprocess.Popen([sys.executable, *program, *_words(words, project)], env=_environment(env), **options)


def _words(words: Iterable[object], project: object) -> list[str]:
    return [*map(str, words), *([] if project is None else ["--project-dir", str(project)])]


def _environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **(changes or {})}


def hear_ctrl_c() -> None:
    """Let the coming process hear Ctrl-C, also when the tests run where a shell keeps it from its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ended(process: subprocess.Popen | WarmStart) -> Said:
    """Wait for the end of a process."""
    out, err = process.communicate(timeout=120)
    return Said(process.returncode, out, err)
