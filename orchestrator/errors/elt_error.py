"""Defines the base of all errors, and those that do not depend on the input."""

from typing import ClassVar


class EltError(Exception):
    """An error that the user can correct: a message, and a hint that says how.

    Each subclass is a section of docs/errors.md: its docstring is the cause, `remedy` says what to do, and `example`
    is what the terminal shows. A code is never changed or used for something else.
    """

    code: ClassVar[str]
    remedy: ClassVar[str]
    example: ClassVar[str]
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InternalError(EltError):
    """A bug in `elt`: something went wrong that no input explains.

    The traceback is always shown. Exit code 3.
    """

    code = "E001"
    remedy = "Report the bug with the complete output. The record of the run is intact: `elt resume` continues it."
    example = """
    Internal error [E001]: KeyError: 'model.shop.orders'
    This is a bug of elt. Please report it with the lines below.
    Traceback (most recent call last):
      …"""
    exit_code = 3


class OutputError(EltError):
    """The output could not be written to stdout: the disk is full, the descriptor is closed, or nobody reads the pipe.

    The last is an error only after an interruption; until then, a command waits for its reader. A run continues and is
    recorded. If it does not succeed, it keeps its own exit code. A closed pipe, as in `elt ls | head`, is not an error.
    """

    code = "E002"
    remedy = "Make room, or redirect the output to another place. `elt show` shows the recorded run again."
    example = "Error [E002]: The output could not be written to stdout: No space left on device."


class FullDiskError(EltError):
    """A disk is full, so a command could not write something that it must write.

    If a disk fills up during a run, the step ends with an error instead. The next run completes or rolls back an
    interrupted load, and loads every row once.
    """

    code = "E003"
    remedy = "Make room on the disk that is named, then run the command again."
    example = """
    Error [E003]: The disk that holds /data/shop/target is full.
    Make room, then run the command again."""


class UnsupportedPlatformError(EltError):
    """`elt` was started on Windows.

    It forks child processes and locks files as POSIX systems do.
    """

    code = "E092"
    remedy = "Run `elt` on Linux: on a server, in a container, or in the Windows Subsystem for Linux."
    example = """
    Error [E092]: elt does not run on Windows: it needs processes and file locks of a POSIX system.
    Run it on Linux, for example in the Windows Subsystem for Linux (WSL 2)."""


class MissingExtraError(EltError):
    """A Python package that the plan needs is not installed in the environment that runs `elt`.

    This can be dlt, great-expectations, the driver of a store in PostgreSQL, the dbt adapter of the target, or a
    package that a Python model or a plugin imports.
    """

    code = "E010"
    remedy = "Run the `pip install` command that the message shows: it installs into the right environment."
    example = """
    Error [E010]: The plan validates expectation suites, but great-expectations is not installed.
    Install it into this environment: /venv/bin/python -m pip install 'elt-orchestrator[gx]'"""


class UnsupportedVersionError(MissingExtraError):
    """A tool is installed in a version that this `elt` does not support.

    Checked for dbt-core, the adapters, DuckDB, dlt and great-expectations.
    """

    code = "E011"
    remedy = "Run the `pip install` command that the message shows: it installs a supported version."
    example = """
    Error [E011]: dbt-core 1.9.4 is installed, this elt supports >=1.11.2,<1.13.
    Install it into this environment: /venv/bin/python -m pip install 'dbt-core>=1.11.2,<1.13'"""
