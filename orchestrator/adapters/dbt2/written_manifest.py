"""Reads the manifest that a parse of dbt 2.x wrote, and refuses one that was there before."""

from pathlib import Path
from typing import Any

from orchestrator.adapters.dbt.manifest_file import ParsedManifest
from orchestrator.errors import ManifestError, ParseError
from orchestrator.nodes.manifest import raw_of


class WrittenManifest:
    """The file target/manifest.json, as it was before a parse."""

    def __init__(self, path: Path) -> None:
        """Take note of the file that exists now, if there is one."""
        self.path = path
        self._before = _version_of(path)

    def read(self, name: str, log: Path) -> tuple[ParsedManifest, dict[str, Any]]:
        """Return what the program `name` has written since; `log` is the file that has its output.

        Raises:
            ParseError: It wrote no manifest: what is there describes an earlier state of the project.
            ManifestError: It wrote something else.
        """
        if not self.path.is_file() or _version_of(self.path) == self._before:
            raise ParseError(
                f"{name} parsed the project, and wrote no {self.path}.",
                hint="Unset DBT_WRITE_JSON if it is false. Otherwise call it yourself to see why. The full output is in"
                f" {log}.",
            )
        content = self.path.read_bytes()
        raw = raw_of(content, self.path)
        if not isinstance(raw, dict):
            raise ManifestError(
                f"The manifest {self.path} that {name} wrote is not a JSON object.",
                hint=f"Call it yourself to see why. The full output is in {log}.",
            )
        return ParsedManifest(path=self.path, content=content), raw


def _version_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
