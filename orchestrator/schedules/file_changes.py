"""Reads and writes the files of a scheduler, the user's crontab and the units of systemd, and shows what changes."""

import difflib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import InstallError

CRONTAB = Path("crontab")
"""Stands for the crontab of the user, which is no file that a user writes."""
_ALLOWED = "Ask whoever runs this machine to allow it (/etc/cron.allow), or use --as systemd."
_NO_CRONTAB = ("no crontab", "no such file")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file as it is, and as it is to be; None for a file that does not exist."""

    path: Path
    before: str | None
    after: str | None

    @property
    def difference(self) -> str:
        """What changes, as a unified diff."""
        before, after = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        text = "".join(difflib.unified_diff(before, after, str(self.path), str(self.path)))
        return text.encode(errors="surrogateescape").decode(errors="replace")

    def write(self) -> None:
        """Write, replace or delete the file."""
        if self.path == CRONTAB:
            _run(["crontab", "-"], self.after or "", hint=_ALLOWED)
            return
        try:
            if self.after is None:
                self.path.unlink()
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_text(self.after, encoding="utf-8")
        except OSError as error:
            what = "deleted" if self.after is None else "written"
            raise InstallError(
                f"{self.path} cannot be {what}: {error.strerror}.",
                hint="Change its permissions, or print it with --dry-run and give it to someone who may write it.",
            ) from error


def read_crontab() -> str:
    """Return the crontab of the user; empty if there is none."""
    done = _called(["crontab", "-l"])
    if done.returncode and not any(words in done.stderr.lower() for words in _NO_CRONTAB):
        raise InstallError(f"The crontab cannot be read: {done.stderr.strip()}", hint=_ALLOWED)
    return "" if done.returncode else done.stdout


def read_file(path: Path) -> str | None:
    """Return the text of a file; None if it does not exist."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror}.", hint="Change its permissions.") from error


def unit_folder() -> Path:
    """Return the folder of the user's units; that of the machine for root."""
    if os.geteuid() == 0:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def lingers() -> bool:
    """Return whether the timers of the user go on after a logout."""
    with suppress(KeyError, OSError):
        return Path("/var/lib/systemd/linger", pwd.getpwuid(os.geteuid()).pw_name).exists()
    return False


def require_program(name: str) -> str:
    """Return the path of a program.

    Raises:
        InstallError: it is not installed.
    """
    program = shutil.which(name)
    if program is None:
        raise InstallError(
            f"The program {name} is not installed.",
            hint="Install it, or let another scheduler start the schedules: elt schedule install --help",
        )
    return program


def start_units(changes: Iterable[FileChange]) -> None:
    """Let systemd read new units, and start their timers."""
    timers = [one.path.name for one in changes if one.path.suffix == ".timer" and one.after is not None]
    _tell_systemd([["daemon-reload"], *([["enable", "--now", *timers]] if timers else [])], "The units are written")


def delete_units(changes: Iterable[FileChange]) -> None:
    """Stop timers, while systemd still finds them, and delete the units, also where systemd does not run."""
    changes = tuple(changes)
    timers = [one.path.name for one in changes if one.path.suffix == ".timer"]
    stopping = [["disable", "--now", *timers]] if timers else []
    problem = None
    try:
        _tell_systemd([*stopping, ["daemon-reload"]], "The units are deleted")
    except InstallError as error:
        problem = error
    for change in changes:
        change.write()
    if problem is not None:
        raise problem
    _tell_systemd([["daemon-reload"]], "The units are deleted")


def _tell_systemd(calls: list[list[str]], done: str) -> None:
    user = [] if os.geteuid() == 0 else ["--user"]
    commands = [["systemctl", *user, *one] for one in calls]
    for command in commands:
        try:
            _run(command, hint="")
        except InstallError as error:
            raise InstallError(
                f"{done}, but systemd has not read the change: {error.message}",
                hint="Run this where systemd runs: " + " && ".join(" ".join(one) for one in commands),
            ) from error


def _run(command: list[str], text: str = "", *, hint: str) -> None:
    done = _called(command, text)
    if done.returncode:
        raise InstallError(f"`{' '.join(command)}` failed: {done.stderr.strip()}", hint=hint)


def _called(command: list[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    program = require_program(command[0])
    try:
        # As bytes: a crontab may have lines in another encoding or with other ends, which stay as they are.
        done = subprocess.run(
            [program, *command[1:]],
            input=text.encode(errors="surrogateescape"),
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise InstallError(
            f"The program {program} cannot be started: {error.strerror}.",
            hint="Let another scheduler start the schedules: elt schedule install --help",
        ) from error
    output, errors = (one.decode(errors="surrogateescape") for one in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)
