"""Says which Python packages a job of a hosted scheduler installs."""

import re
import shlex
import tomllib
from dataclasses import dataclass

_ELT = re.compile(r"elt[-_.]orchestrator\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The packages that a project needs."""

    file: str | None = None
    """The file of the project that lists them, relative to the root of the repository."""
    beside: tuple[str, ...] = ()
    """What is installed besides: elt itself and dbt's adapters, unless the file lists elt."""
    has_hashes: bool = False
    """Whether pip installs only what the file lists with a hash."""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that install them, in the root of the repository."""
        beside = "".join(f" {shlex.quote(one)}" for one in self.beside)
        if self.file is None:
            return (f"python -m pip install{beside}",)
        listed = f"-r {shlex.quote(self.file)}"
        if self.file.endswith(".toml"):
            # pip would build the project itself, which a dbt project rarely can be.
            return ("python -m pip install uv", f"python -m uv pip install --system {listed}{beside}")
        if self.has_hashes and beside:
            return (f"python -m pip install {listed}", f"python -m pip install{beside}")
        return (f"python -m pip install {listed}{beside}",)

    @property
    def description(self) -> str:
        """What is installed, in words."""
        own = ", ".join(self.beside)
        if self.file is None:
            return own
        return f"what {self.file} lists" + (f", and {own}" if own else "")


def packages_of(files: dict[str, str], elt: str, adapters: tuple[str, ...]) -> Packages:
    """Return the packages by the first of these files that lists any; without one, elt and dbt's adapters.

    `files` are the texts of requirements.txt and pyproject.toml by their paths; `elt` and `adapters` are requirements.
    """
    for path, text in files.items():
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        listed = _dependencies(text) if path.endswith(".toml") else lines
        if listed is not None:
            has_elt = any(_ELT.search(one) for one in listed)
            beside = () if has_elt else (elt, *adapters)
            return Packages(file=path, beside=beside, has_hashes="--hash=" in text)
    return Packages(beside=(elt, *adapters))


def _dependencies(text: str) -> list[str] | None:
    """Return the dependencies in pyproject.toml; None if it lists none."""
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError:
        return None
    listed = project.get("dependencies") if isinstance(project, dict) else None
    return [str(one) for one in listed] if isinstance(listed, list) and listed else None
