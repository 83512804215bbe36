"""Writes dbt's parse results so that concurrent runs with one target folder do not read each other's manifest.

dbt writes in place. A run could read the manifest of another run (another target, other schemas), or half of it. Two
saved parses of equal length, one written over the other, can be read as a mixture. Here each file is written under a
temporary name and renamed, and each run reads the very file that it wrote.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

MANIFEST = "manifest.json"
SEMANTIC = ("semantic_manifest.json", "osi_document.json")
"""What dbt writes of the semantic layer beside the manifest; the second since 1.12."""


@dataclass(frozen=True, kw_only=True)
class ParsedManifest:
    """The manifest of a parse: its JSON, and the path under which it was written."""

    path: Path
    content: bytes = field(repr=False)
    semantic: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The files of the semantic layer that dbt wrote beside it, by name."""

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The decoded JSON; not to be changed."""
        found: Mapping[str, Any] = json.loads(self.content)
        return found


class ManifestFile:
    """The manifest of one parse; stays readable if another run replaces or removes the file in the target folder."""

    def __init__(self, written: Path, path: Path) -> None:
        """Open the file at `written`, which is known to others as `path`."""
        self.path = path
        self.semantic: Mapping[str, str] = {}
        self._file = written.open("rb")

    def read(self) -> bytes:
        """Return the complete JSON."""
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_artifacts(manifest: Any, config: Any) -> ManifestFile:  # noqa: ANN401  # dbt's own
    """Write what dbt writes after a parse: the manifest, the semantic manifest, and the artifacts of plugins."""
    from dbt import plugins
    from dbt.events.types import ArtifactWritten
    from dbt_common.events.functions import fire_event

    written = write_manifest(manifest, config.project_target_path)
    artifacts = plugins.get_plugin_manager(config.project_name).get_manifest_artifacts(manifest)
    for path, artifact in artifacts.items():
        artifact.write(path)
        fire_event(ArtifactWritten(artifact_type=type(artifact).__name__, artifact_path=path))
    return written


def write_manifest(manifest: Any, target_path: str) -> ManifestFile:  # noqa: ANN401  # as above
    """Write manifest.json and semantic_manifest.json as dbt's own `write_manifest` does; manifest.json atomically."""
    from dbt.events.types import ArtifactWritten
    from dbt.parser.manifest import write_semantic_manifest
    from dbt.utils.artifact_upload import add_artifact_produced
    from dbt_common.events.functions import fire_event

    path = os.path.join(target_path, MANIFEST)  # noqa: PTH118  # the form of the path that dbt's event contains
    writable = manifest.writable_manifest()
    with replaced(Path(path).absolute()) as beside:
        writable.write(str(beside))
        written = ManifestFile(beside, Path(path).absolute())
    fire_event(ArtifactWritten(artifact_type=type(writable).__name__, artifact_path=path))
    add_artifact_produced(path)
    write_semantic_manifest(manifest, target_path)
    written.semantic = {
        name: file.read_text("utf-8") for name in SEMANTIC if (file := Path(target_path, name)).exists()
    }
    return written


def keep_unwritten(manifest: Any) -> ManifestFile:  # noqa: ANN401  # as above
    """Write the manifest to an unnamed temporary file, because `--no-write-json` forbids artifacts; return it open."""
    with TemporaryDirectory(prefix="elt-manifest-") as folder:
        path = Path(folder) / "manifest.json"
        manifest.writable_manifest().write(str(path))
        # The open file can still be read when its folder has been removed.
        return ManifestFile(path, path)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, and rename that file to `path` at the end; remove it on an error."""
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
