"""Asks a program which dbt it is, and in which version. What is installed as a Python package plays no part in it."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import DbtCommandError
from orchestrator.wording import last_part

_PATIENCE_SECONDS = 60.0
_MOST_SHOWN = 200
_NUMBER = r"v?(?P<number>\d+\.\d+(?:\.\d+)?[\w.+-]*)"
_NAMED = re.compile(rf"^\s*dbt(?:[ -](?:fusion|core))?[ =]+{_NUMBER}\s*$", re.IGNORECASE | re.MULTILINE)
"""What dbt 2.x says: `dbt-fusion 2.0.0-preview.45`, `dbt Fusion 2.0.0`, `dbt-core 2.0.0-alpha.4`, `dbt 2.0.1`."""
_INSTALLED = re.compile(rf"^\s*-?\s*installed(?: version)?:\s+{_NUMBER}", re.IGNORECASE | re.MULTILINE)
"""What dbt 1.x says below the heading `Core:`, or in one line."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MAJOR = 2
_ELSE = "remove the key to use dbt 1.x."


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtProgram:
    """A dbt that is a program of its own."""

    words: tuple[str, ...]
    """How it is called."""
    version: str

    @property
    def name(self) -> str:
        """The program and its version as people read them."""
        return f"dbt {self.version}"


def version_in(answer: str) -> str | None:
    """Return the version that the output of `dbt --version` names; None if it is not an answer of dbt."""
    answer = _COLOUR.sub("", answer)
    found = _NAMED.search(answer) or _INSTALLED.search(answer)
    return found["number"] if found else None


def major_of(version: str) -> int:
    """Return the first number of a version."""
    return int(version.split(".", 1)[0])


def ask_dbt(command: str, elt_yml: Path | None, project_dir: Path) -> DbtProgram:
    """Return the dbt that a command starts; it is a name on the PATH, or a path relative to elt.yml.

    Raises:
        DbtCommandError: It cannot be started, is no dbt, or is dbt 1.x.
    """
    named = f"{elt_yml or 'elt.yml'}: 'dbt.command' names {command}"
    folder = project_dir if elt_yml is None else elt_yml.parent
    program = str(Path(os.path.normpath(folder / command))) if os.sep in command else command
    try:
        done = subprocess.run(
            [program, "--version"],
            cwd=project_dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except OSError as error:
        raise DbtCommandError(
            f"{named}, which cannot be started: {error.strerror or error}.",
            hint=f"Install dbt 2.x, write the path of its program, or {_ELSE}",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DbtCommandError(
            f"{named}, which does not answer `--version` within {_PATIENCE_SECONDS:g} s.",
            hint=f"Call it yourself to see what it waits for, or {_ELSE}",
        ) from error
    answer = done.stdout.decode(errors="replace")
    version = version_in(answer) or version_in(done.stderr.decode(errors="replace"))
    if version is None:
        said = last_part(" ".join((answer.strip() or done.stderr.decode(errors="replace")).split()), _MOST_SHOWN)
        raise DbtCommandError(
            f"{named}, which is no dbt that elt knows: asked for its version, it said {said or 'nothing'!r}.",
            hint=f"Name the program of dbt 2.x, or {_ELSE}",
        )
    if major_of(version) != _MAJOR:
        raise DbtCommandError(
            f"{named}, which is dbt {version}; elt drives only dbt 2.x as a program.",
            hint=f"Name the program of dbt 2.x, or {_ELSE}",
        )
    return DbtProgram(words=(program,), version=version)
